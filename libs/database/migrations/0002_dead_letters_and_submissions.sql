-- What control knows: every submission, and every message that was set aside.

CREATE TABLE submissions (
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    transcript_id uuid,
    revision int,
    submitted_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, record_offset)
);
CREATE INDEX submissions_by_transcript ON submissions (transcript_id, revision);

-- One row a letter, however often a crash made a service write it to its DLQ. The message's value
-- stays in Kafka only: dlq_topic, dlq_partition and dlq_offset say where.
CREATE TABLE dead_letters (
    letter_id uuid PRIMARY KEY,
    service text NOT NULL,
    dlq_topic text NOT NULL,
    dlq_partition int NOT NULL,
    dlq_offset bigint NOT NULL,
    source_topic text,
    source_partition int,
    source_offset bigint,
    consumer_group text NOT NULL,
    error_code text NOT NULL,
    error_type text NOT NULL,
    error_message text NOT NULL,
    attempts int NOT NULL,
    timeouts int NOT NULL,
    first_failed_at timestamptz,
    failed_at timestamptz NOT NULL,
    fingerprint text NOT NULL,
    replay_of uuid,
    subject text,
    headers jsonb NOT NULL,
    key bytea,
    size_bytes bigint NOT NULL,
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'replaying', 'replayed', 'discarded')),
    state_changed_at timestamptz NOT NULL DEFAULT now(),
    state_reason text NOT NULL DEFAULT '',
    indexed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT letter_has_its_own_place UNIQUE (dlq_topic, dlq_partition, dlq_offset),
    CONSTRAINT discarding_has_a_reason CHECK (state <> 'discarded' OR state_reason <> '')
);
CREATE INDEX dead_letters_by_state ON dead_letters (state, service, failed_at);
CREATE INDEX dead_letters_by_fingerprint ON dead_letters (fingerprint);
CREATE INDEX dead_letters_by_subject ON dead_letters (subject);
