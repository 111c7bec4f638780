-- Whether the hash of a submission's content is unknown although the submission is valid: its content
-- is compressed or somewhere else, and only ingestion reads it.
ALTER TABLE submissions ADD COLUMN content_unknown boolean NOT NULL DEFAULT false;
