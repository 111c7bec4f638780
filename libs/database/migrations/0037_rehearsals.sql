-- Rehearsals of replays: which letters were taken through the current code of their stage, and what
-- a replay of each would end in.

CREATE TABLE rehearsals (
    rehearsal_id uuid PRIMARY KEY,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'cancelled')),
    mode text NOT NULL CHECK (mode IN ('recorded', 'live')),
    budget_usd numeric NOT NULL CHECK (budget_usd >= 0),
    matching int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    finished_at timestamptz,
    -- The replica of control that works on it.
    worker uuid,
    leased_until timestamptz
);
CREATE INDEX rehearsals_running ON rehearsals (created_at) WHERE state = 'running';

CREATE TABLE rehearsed_letters (
    rehearsal_id uuid NOT NULL REFERENCES rehearsals ON DELETE CASCADE,
    letter_id uuid NOT NULL,
    service text NOT NULL,
    -- What it died of when the rehearsal was begun.
    cause_id text NOT NULL,
    prediction text CHECK (
        prediction IN ('passes', 'same_cause', 'other_cause', 'unknown', 'not_rehearsed')
    ),
    predicted_service text NOT NULL DEFAULT '',
    predicted_code text NOT NULL DEFAULT '',
    predicted_message text NOT NULL DEFAULT '',
    predicted_cause_id text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    calls_cached int NOT NULL DEFAULT 0,
    calls_made int NOT NULL DEFAULT 0,
    calls_needed int NOT NULL DEFAULT 0,
    cost_usd numeric NOT NULL DEFAULT 0,
    rehearsed_at timestamptz,
    PRIMARY KEY (rehearsal_id, letter_id)
);
CREATE INDEX rehearsed_letters_by_letter ON rehearsed_letters (letter_id);

CREATE INDEX dead_letters_by_replay ON dead_letters (replay_of) WHERE replay_of IS NOT NULL;
