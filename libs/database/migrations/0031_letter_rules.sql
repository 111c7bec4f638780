-- Rules by which control replays letters by itself; none is enabled unless somebody enables it.
CREATE TABLE letter_rules (
    name text PRIMARY KEY,
    filter jsonb NOT NULL,
    quiet_s int NOT NULL CHECK (quiet_s >= 0),
    rate_per_s int NOT NULL CHECK (rate_per_s >= 1),
    most_replays int NOT NULL CHECK (most_replays >= 1),
    is_enabled boolean NOT NULL DEFAULT false,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL DEFAULT 1,
    evaluated_at timestamptz,
    fired_at timestamptz,
    replayed bigint NOT NULL DEFAULT 0
);
