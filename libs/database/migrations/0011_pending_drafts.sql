-- Notes that arrive before their interview are kept until it arrives, and joined with it then.

-- What the guardrail made of a draft, as the event told it. Nothing here refers to the interview,
-- which is not there yet; whoever erases an interview erases its rows here too.
CREATE TABLE pending_drafts (
    chunk_id uuid NOT NULL,
    attempt int NOT NULL CHECK (attempt >= 1),
    -- A draft may come twice: leaving its chunk open, and completing it once it was judged again.
    final boolean NOT NULL,
    transcript_id uuid NOT NULL,
    revision int NOT NULL CHECK (revision >= 1),
    event text NOT NULL,
    -- Where its message is in Kafka, by which the audit tells it from others.
    source_topic text NOT NULL,
    source_partition int NOT NULL,
    source_offset bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chunk_id, attempt, final)
);
CREATE INDEX pending_drafts_by_transcript ON pending_drafts (transcript_id, revision);

-- Whether a draft waited here. The events about such drafts are sent by the handler of the
-- interview: when the interview is delivered again, this tells it which.
ALTER TABLE drafts ADD COLUMN waited boolean NOT NULL DEFAULT false;
