-- Which letter a record in a DLQ is follows from what it was, beside where it came from; and what it
-- is about is read from its value. A null digest is that of a letter an earlier version indexed.
ALTER TABLE dead_letters
    ADD COLUMN message_sha256 bytea,
    -- The message's timestamp at its source: another message may have its place there by now.
    ADD COLUMN source_sent_at timestamptz,
    ADD COLUMN revision int,
    ADD COLUMN content_sha256 text;

-- Until now a letter's subject was its key, whatever its value. A value that nobody can read is
-- about nothing.
UPDATE dead_letters SET subject = NULL WHERE error_code IN ('undecodable', 'unknown');

-- Which content of an interview a submission brings; null for one that is no valid interview, and
-- for one that an earlier version indexed.
ALTER TABLE submissions ADD COLUMN content_sha256 text;

-- By where a message was first read, which is how letters and submissions belong together.
CREATE INDEX dead_letters_by_source
    ON dead_letters (source_topic, source_partition, source_offset);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_reader') THEN
        GRANT SELECT (revision, content_sha256, source_sent_at, indexed_at, displaced_at) ON dead_letters TO onrecord_reader;
    END IF;
END;
$$;
