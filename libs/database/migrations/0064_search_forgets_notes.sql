-- What is searched of notes and quotes names no note that it would be deleted with: it goes once the time
-- of a revision's notes is over (0061). What is searched of the interview's turns stays.

CREATE FUNCTION forget_words_of_notes() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.search_documents
     WHERE transcript_id = NEW.transcript_id AND revision = NEW.revision
       AND kind IN ('note', 'quote');
    RETURN NULL;
END;
$$;
CREATE TRIGGER search_forgets_notes AFTER UPDATE OF notes_expired_at ON transcripts
    FOR EACH ROW WHEN (NEW.notes_expired_at IS NOT NULL)
    EXECUTE FUNCTION forget_words_of_notes();

DELETE FROM search_documents AS document
 USING transcripts AS revision
 WHERE (document.transcript_id, document.revision) = (revision.transcript_id, revision.revision)
   AND revision.notes_expired_at IS NOT NULL AND document.kind IN ('note', 'quote');
