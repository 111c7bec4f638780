-- Transcripts, their chunks, and notes that PostgreSQL takes only with exact evidence.
-- Triggers name their tables with the schema, so that no temporary table can stand in for them.

CREATE TABLE transcripts (
    transcript_id uuid NOT NULL,
    revision int NOT NULL CHECK (revision >= 1),
    study_id text NOT NULL,
    title text NOT NULL,
    format text NOT NULL,
    content_sha256 text NOT NULL,
    study jsonb NOT NULL,
    recorded_at timestamptz,
    segment_count int NOT NULL,
    chunk_count int NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (transcript_id, revision)
);
CREATE INDEX transcripts_by_study ON transcripts (study_id);

CREATE TABLE segments (
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    number int NOT NULL CHECK (number >= 1),
    speaker text NOT NULL,
    role text NOT NULL CHECK (role IN ('participant', 'interviewer', 'unknown')),
    text text NOT NULL,
    start_ms bigint,
    end_ms bigint,
    PRIMARY KEY (transcript_id, revision, number),
    FOREIGN KEY (transcript_id, revision) REFERENCES transcripts ON DELETE CASCADE
);

-- A chunk is known from TranscriptIngested; stored_at and what follows come with NotesValidated.
CREATE TABLE chunks (
    chunk_id uuid PRIMARY KEY,
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    index int NOT NULL CHECK (index >= 1),
    first_segment int NOT NULL,
    last_segment int NOT NULL CHECK (last_segment >= first_segment),
    stored_at timestamptz,
    attempt int,
    model text,
    model_fingerprint text,
    prompt_version text,
    input_tokens bigint,
    output_tokens bigint,
    UNIQUE (transcript_id, revision, index),
    UNIQUE (chunk_id, transcript_id, revision),
    FOREIGN KEY (transcript_id, revision) REFERENCES transcripts ON DELETE CASCADE,
    CONSTRAINT chunk_is_stored_whole CHECK (
        num_nulls(stored_at, attempt, model, model_fingerprint, prompt_version, input_tokens,
                  output_tokens) IN (0, 7)
    )
);

CREATE TABLE notes (
    note_id uuid PRIMARY KEY,
    chunk_id uuid NOT NULL,
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    study_id text NOT NULL,
    position int NOT NULL CHECK (position >= 1),
    statement text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (chunk_id, position),
    CONSTRAINT note_is_of_its_chunk FOREIGN KEY (chunk_id, transcript_id, revision)
        REFERENCES chunks (chunk_id, transcript_id, revision) ON DELETE CASCADE
);
CREATE INDEX notes_by_transcript ON notes (transcript_id, revision);
CREATE INDEX notes_by_study ON notes (study_id);

CREATE TABLE note_themes (
    note_id uuid NOT NULL REFERENCES notes ON DELETE CASCADE,
    theme_id text NOT NULL,
    PRIMARY KEY (note_id, theme_id)
);

CREATE TABLE note_questions (
    note_id uuid NOT NULL REFERENCES notes ON DELETE CASCADE,
    question_id text NOT NULL,
    PRIMARY KEY (note_id, question_id)
);

CREATE TABLE evidence (
    note_id uuid NOT NULL REFERENCES notes ON DELETE CASCADE,
    position int NOT NULL CHECK (position >= 1),
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    segment int NOT NULL,
    start_char int NOT NULL CHECK (start_char >= 0),
    length int NOT NULL CHECK (length >= 1),
    quote text NOT NULL,
    speaker text NOT NULL,
    role text NOT NULL,
    start_ms bigint,
    end_ms bigint,
    PRIMARY KEY (note_id, position),
    CONSTRAINT evidence_cites_a_segment FOREIGN KEY (transcript_id, revision, segment)
        REFERENCES segments (transcript_id, revision, number) ON DELETE CASCADE
);
CREATE INDEX evidence_by_segment ON evidence (transcript_id, revision, segment);

CREATE TABLE rejected_notes (
    chunk_id uuid NOT NULL REFERENCES chunks ON DELETE CASCADE,
    position int NOT NULL CHECK (position >= 1),
    draft jsonb NOT NULL,
    failures jsonb NOT NULL,
    PRIMARY KEY (chunk_id, position)
);

-- What evidence points at never changes: a corrected interview is a new revision.
CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        CONSTRAINT = TG_NAME,
        MESSAGE = format('rows of %I are never changed', TG_TABLE_NAME);
END;
$$;

CREATE TRIGGER segments_are_immutable BEFORE UPDATE ON segments
    FOR EACH ROW EXECUTE FUNCTION refuse_update();
CREATE TRIGGER notes_are_immutable BEFORE UPDATE ON notes
    FOR EACH ROW EXECUTE FUNCTION refuse_update();

-- The quote is recomputed from the segment; the speaker has to be the segment's, and the segment
-- of the note's own transcript and revision.
CREATE FUNCTION refuse_inexact_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    exact boolean;
BEGIN
    SELECT substr(cited.text, NEW.start_char + 1, NEW.length) = NEW.quote
       -- substr stops at the end of the text without a word.
       AND char_length(NEW.quote) = NEW.length
       AND cited.speaker = NEW.speaker
       AND cited.role = NEW.role
       -- Compared here and not joined, so that both tables are read by their primary keys.
       AND (SELECT note.transcript_id = NEW.transcript_id AND note.revision = NEW.revision
              FROM public.notes AS note
             WHERE note.note_id = NEW.note_id)
      INTO exact
      FROM public.segments AS cited
     WHERE cited.transcript_id = NEW.transcript_id
       AND cited.revision = NEW.revision
       AND cited.number = NEW.segment;
    IF exact IS NOT TRUE THEN
        RAISE check_violation USING
            CONSTRAINT = 'evidence_is_exact',
            TABLE = 'evidence',
            MESSAGE = format('evidence %s of note %s is not what segment %s says',
                             NEW.position, NEW.note_id, NEW.segment);
    END IF;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER evidence_is_exact AFTER INSERT OR UPDATE ON evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_inexact_evidence();

-- Looked at when the transaction commits, since a note is written before its evidence.
CREATE FUNCTION refuse_note_without_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid := CASE TG_OP WHEN 'INSERT' THEN NEW.note_id ELSE OLD.note_id END;
BEGIN
    IF EXISTS (SELECT FROM public.notes WHERE note_id = checked)
        AND NOT EXISTS (SELECT FROM public.evidence WHERE note_id = checked)
    THEN
        RAISE check_violation USING
            CONSTRAINT = 'note_has_evidence',
            TABLE = 'notes',
            MESSAGE = format('note %s has no evidence', checked);
    END IF;
    RETURN NULL;
END;
$$;

CREATE CONSTRAINT TRIGGER note_has_evidence AFTER INSERT ON notes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_note_without_evidence();
CREATE CONSTRAINT TRIGGER note_keeps_evidence AFTER UPDATE OR DELETE ON evidence
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_note_without_evidence();

-- What people read: notes of older revisions are superseded as soon as a newer one is ingested.
CREATE VIEW current_notes AS
SELECT note.*
  FROM notes AS note
 WHERE note.revision = (
    SELECT max(newest.revision)
      FROM transcripts AS newest
     WHERE newest.transcript_id = note.transcript_id
 );
