-- Drift of models, prompts and producers: how far drafts and calls have been looked at, what is usual for
-- each series, and the alarms.

CREATE TABLE drift_positions (
    source text PRIMARY KEY CHECK (source IN ('drafts', 'calls')),
    read_until timestamptz NOT NULL,
    last_id uuid NOT NULL
);

COMMENT ON TABLE drift_positions IS
    'The last draft and the last call that series have observed; written with the series.';

-- What was stored before is not looked at: a series begins to learn now.
INSERT INTO drift_positions (source, read_until, last_id)
SELECT source, now(), '00000000-0000-0000-0000-000000000000'
  FROM unnest(ARRAY['drafts', 'calls']) AS source;

CREATE TABLE drift_series (
    metric text NOT NULL,
    dimension text NOT NULL,
    value text NOT NULL,
    -- Of which form the state is: one that the code does not know begins anew.
    version int NOT NULL,
    state jsonb NOT NULL,
    observations bigint NOT NULL,
    is_learning boolean NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (metric, dimension, value)
);

CREATE TABLE drift_alarms (
    alarm_id uuid PRIMARY KEY,
    metric text NOT NULL,
    dimension text NOT NULL,
    value text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    raised_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL,
    observations int NOT NULL,
    before_rate double precision NOT NULL,
    after_rate double precision NOT NULL,
    bound double precision,
    -- NULL: chunks before and since are still to be compared.
    side text,
    factors jsonb NOT NULL DEFAULT '[]',
    tries int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz CHECK (ended_at >= raised_at)
);

COMMENT ON COLUMN drift_alarms.ended_at IS
    'When the series had learned what is usual since; NULL: it is still learning.';

CREATE INDEX drift_alarms_by_time ON drift_alarms (raised_at DESC, alarm_id);
CREATE INDEX drift_alarms_open ON drift_alarms (metric, dimension, value) WHERE ended_at IS NULL;

CREATE INDEX drift_alarms_unattributed ON drift_alarms (not_before) WHERE side IS NULL;

CREATE INDEX drafts_by_time ON drafts (stored_at, chunk_id);
-- Of blocks, not of rows: settling a call changes no index of rows so far.
CREATE INDEX llm_calls_by_settlement ON llm_calls USING brin (settled_at) WITH (autosummarize = on);
