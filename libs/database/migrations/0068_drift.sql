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
    side text NOT NULL,
    factors jsonb NOT NULL,
    ended_at timestamptz CHECK (ended_at >= raised_at)
);

COMMENT ON COLUMN drift_alarms.ended_at IS
    'When the series had learned what is usual since; NULL: it is still learning.';

CREATE INDEX drift_alarms_by_time ON drift_alarms (raised_at DESC, alarm_id);
CREATE INDEX drift_alarms_open ON drift_alarms (metric, dimension, value) WHERE ended_at IS NULL;

-- Of blocks, not of rows: they cost next to nothing where rows are stored, which are nearly in order.
CREATE INDEX drafts_by_time ON drafts USING brin (stored_at) WITH (autosummarize = on);
CREATE INDEX llm_calls_by_settlement ON llm_calls USING brin (settled_at) WITH (autosummarize = on);
