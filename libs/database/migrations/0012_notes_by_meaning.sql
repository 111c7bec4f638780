-- Notes that may say the same are found by an index, not by comparing a note with all others.

-- A hash of the interview, the speakers and the statement's words: notes that say the same have the
-- same. Older code leaves it out; newer code fills it in before it looks for what says the same.
ALTER TABLE notes ADD COLUMN meaning bytea;
CREATE INDEX notes_by_meaning ON notes (meaning) WHERE same_as IS NULL AND meaning IS NOT NULL;
CREATE INDEX notes_without_meaning ON notes (transcript_id, revision)
 WHERE same_as IS NULL AND meaning IS NULL;

-- Notes are never changed, but for a meaning that was left out.
DROP TRIGGER notes_are_immutable ON notes;
CREATE TRIGGER notes_are_immutable BEFORE UPDATE ON notes
    FOR EACH ROW WHEN (
        OLD.meaning IS NOT NULL
        OR to_jsonb(OLD) - 'meaning' IS DISTINCT FROM to_jsonb(NEW) - 'meaning'
    )
    EXECUTE FUNCTION refuse_update();
