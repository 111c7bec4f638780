-- What became of submitted interviews, as control publishes it on `transcripts-settled`.

-- One row for each content submitted under a revision: its latest outcome, and whether it is
-- published. An invalid submission has no content, and may have no revision.
CREATE TABLE settlements (
    transcript_id uuid NOT NULL,
    revision int,
    content_sha256 text,
    number int NOT NULL CHECK (number >= 1),
    -- A hash of the facts that the outcome was decided by: other facts are another outcome.
    facts_sha256 text NOT NULL,
    event text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (transcript_id, revision, content_sha256)
);
CREATE INDEX settlements_unpublished ON settlements (decided_at) WHERE published_at IS NULL;

-- What may have settled an interview, written by the very transaction that did it. Rows are only
-- added and removed, so that writers of one interview never wait for each other here.
CREATE TABLE settlement_checks (
    check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transcript_id uuid,
    chunk_id uuid,
    letter_id uuid,
    CHECK (num_nonnulls(transcript_id, chunk_id, letter_id) = 1)
);

CREATE FUNCTION check_settlement_of_transcript() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.settlement_checks (transcript_id) VALUES (NEW.transcript_id);
    RETURN NULL;
END;
$$;

CREATE FUNCTION check_settlement_of_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.settlement_checks (chunk_id) VALUES (NEW.chunk_id);
    RETURN NULL;
END;
$$;

CREATE FUNCTION check_settlement_of_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.settlement_checks (letter_id) VALUES (NEW.letter_id);
    RETURN NULL;
END;
$$;

CREATE TRIGGER submission_may_be_settled AFTER INSERT OR UPDATE ON submissions
    FOR EACH ROW WHEN (NEW.transcript_id IS NOT NULL)
    EXECUTE FUNCTION check_settlement_of_transcript();
CREATE TRIGGER transcript_may_be_settled AFTER INSERT ON transcripts
    FOR EACH ROW EXECUTE FUNCTION check_settlement_of_transcript();
CREATE TRIGGER chunk_may_be_settled AFTER INSERT OR UPDATE ON drafts
    FOR EACH ROW EXECUTE FUNCTION check_settlement_of_chunk();
-- A letter's later states settle nothing: one that is replayed is on its way again.
CREATE TRIGGER letter_may_settle AFTER INSERT ON dead_letters
    FOR EACH ROW EXECUTE FUNCTION check_settlement_of_letter();
