-- What vouches for a note's statement, and which statements a study shows as findings. What was stored
-- before has no standing, and older code, which may still run, stores none: nothing vouches for it.

ALTER TABLE notes
    ADD COLUMN standing text NOT NULL DEFAULT 'unproven',
    ADD COLUMN vouchers jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT note_has_a_known_standing CHECK (
        standing IN ('verbatim', 'proven', 'confirmed', 'unproven')
    ),
    ADD CONSTRAINT note_standing_is_vouched_for CHECK (
        CASE standing
            WHEN 'unproven' THEN jsonb_typeof(vouchers) = 'array'
            WHEN 'confirmed'
                THEN vouchers @> '[{"kind": "judge"}]' OR vouchers @> '[{"kind": "entailment"}]'
            ELSE vouchers @> '[{"kind": "rule"}]'
        END
    );

COMMENT ON COLUMN notes.statement IS
    'The statement in the model''s words. Whether it may be shown as a finding, standing and '
    'transcripts.statements say; current_notes shows it by them.';
COMMENT ON COLUMN notes.standing IS
    'What vouches for the statement: verbatim and proven by a rule, confirmed by a model, unproven '
    'by nothing. Refuted statements are in rejected_notes.';
COMMENT ON COLUMN notes.vouchers IS
    'What vouches for the statement: kind (rule, judge, entailment), name, and a sentence.';

-- A study that does not say shows what is vouched for. A column of its own, since a study's themes
-- may be long and each note is read with its policy.
ALTER TABLE transcripts
    ADD COLUMN statements text
    GENERATED ALWAYS AS (coalesce(study ->> 'statements', 'proven')) STORED;

COMMENT ON COLUMN transcripts.statements IS
    'Which notes are shown with their statement as a finding: proven or confirmed (those that a rule '
    'or a model vouches for), all, or quotes (none).';

-- What people read. The statement stands here only where the study shows it as a finding; the order
-- of the columns is that of the view before, then the new ones.
CREATE OR REPLACE VIEW current_notes AS
SELECT note.note_id, note.chunk_id, note.transcript_id, note.revision, note.study_id, note.position,
       CASE WHEN policy.is_shown THEN note.statement END AS statement,
       note.created_at, note.attempt, note.flags, note.same_as,
       CASE WHEN NOT policy.is_shown THEN note.statement END AS model_reading,
       note.standing, note.vouchers, interview.statements
  FROM notes AS note
 CROSS JOIN LATERAL (
        -- One look into the index for the newest revision and the policy; a join of the tables would
        -- be planned as if a study had few notes.
        SELECT newest.revision, newest.statements
          FROM transcripts AS newest
         WHERE newest.transcript_id = note.transcript_id
         ORDER BY newest.revision DESC
         LIMIT 1
   ) AS interview
 CROSS JOIN LATERAL (
        -- As contracts.notes.shows_statement has it; a policy that is not known is the default.
        SELECT CASE interview.statements
                   WHEN 'all' THEN true
                   WHEN 'quotes' THEN false
                   ELSE note.standing <> 'unproven'
               END AS is_shown
   ) AS policy
 WHERE note.same_as IS NULL AND note.revision = interview.revision;

COMMENT ON COLUMN current_notes.statement IS
    'The statement, where its study shows it as a finding; null elsewhere.';
COMMENT ON COLUMN current_notes.model_reading IS
    'The statement where it is no finding: how the model read the quotes, which are exact; show them '
    'first, and this marked as not proven.';
COMMENT ON COLUMN current_notes.statements IS
    'The study''s policy for statements: proven, confirmed, all or quotes.';

-- Readers find statements in current_notes, where they stand by their standing; only those who may
-- read evidence read them in the table.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_reader') THEN
        REVOKE SELECT ON notes FROM onrecord_reader;
        GRANT SELECT (
            note_id, chunk_id, transcript_id, revision, study_id, position, created_at, attempt,
            flags, same_as, meaning, standing, vouchers
        ) ON notes TO onrecord_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_evidence_reader') THEN
        GRANT SELECT ON notes TO onrecord_evidence_reader;
    END IF;
END;
$$;
