-- What the guardrail makes of each draft of a chunk: good notes are stored while another draft is
-- asked for, so a chunk may have notes of several drafts, and is complete with the last of them.

CREATE TABLE drafts (
    chunk_id uuid NOT NULL REFERENCES chunks ON DELETE CASCADE,
    attempt int NOT NULL CHECK (attempt >= 1),
    final boolean NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    model text NOT NULL,
    model_fingerprint text NOT NULL,
    prompt_version text NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    PRIMARY KEY (chunk_id, attempt)
);

INSERT INTO drafts
SELECT chunk_id, attempt, true, stored_at, model, model_fingerprint, prompt_version, input_tokens,
       output_tokens
  FROM chunks
 WHERE stored_at IS NOT NULL;

-- Notes are never changed; these columns are new, and no note had anything in them.
ALTER TABLE notes DISABLE TRIGGER notes_are_immutable;
ALTER TABLE notes
    ADD COLUMN attempt int,
    ADD COLUMN flags jsonb NOT NULL DEFAULT '[]',
    -- The first note of the interview that says the same; what this one adds is shown with that.
    ADD COLUMN same_as uuid REFERENCES notes ON DELETE CASCADE;
UPDATE notes SET attempt = chunks.attempt FROM chunks WHERE chunks.chunk_id = notes.chunk_id;
ALTER TABLE notes
    ALTER COLUMN attempt SET NOT NULL,
    DROP CONSTRAINT notes_chunk_id_position_key,
    ADD UNIQUE (chunk_id, attempt, position),
    ADD CONSTRAINT note_is_of_its_draft FOREIGN KEY (chunk_id, attempt) REFERENCES drafts,
    ADD CHECK (same_as <> note_id);
ALTER TABLE notes ENABLE TRIGGER notes_are_immutable;
CREATE INDEX notes_by_first ON notes (same_as) WHERE same_as IS NOT NULL;

ALTER TABLE evidence ADD COLUMN masked_quote text;

ALTER TABLE rejected_notes
    ADD COLUMN attempt int,
    ADD COLUMN rejected_id uuid NOT NULL DEFAULT gen_random_uuid();
UPDATE rejected_notes AS refused
   SET attempt = chunks.attempt
  FROM chunks
 WHERE chunks.chunk_id = refused.chunk_id;
ALTER TABLE rejected_notes
    ALTER COLUMN attempt SET NOT NULL,
    ALTER COLUMN rejected_id DROP DEFAULT,
    DROP CONSTRAINT rejected_notes_pkey,
    ADD PRIMARY KEY (chunk_id, attempt, position),
    ADD UNIQUE (rejected_id),
    ADD CONSTRAINT rejected_note_is_of_its_draft
        FOREIGN KEY (chunk_id, attempt) REFERENCES drafts ON DELETE CASCADE;

-- What people read: of notes that say the same, the first.
CREATE OR REPLACE VIEW current_notes AS
SELECT note.*
  FROM notes AS note
 WHERE note.same_as IS NULL
   AND note.revision = (
    SELECT max(newest.revision)
      FROM transcripts AS newest
     WHERE newest.transcript_id = note.transcript_id
 );
