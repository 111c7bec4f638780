-- Large sets of replay plans are frozen in the background: `freezing` until the set is written.
ALTER TABLE replay_plans
    -- Whether it goes in steps; decided when it is made, by how many letters match.
    ADD COLUMN is_canary boolean NOT NULL DEFAULT false,
    -- At most so many letters, in the order of the DLQs; all if null.
    ADD COLUMN most_letters int CHECK (most_letters > 0),
    -- Whether letters go back that no replay mends.
    ADD COLUMN is_forced boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT replay_plans_state_check,
    ADD CONSTRAINT replay_plans_state_check CHECK (
        state IN ('freezing', 'ready', 'running', 'paused', 'stopped', 'cancelled', 'finished')
    );
CREATE INDEX replay_plans_at_work ON replay_plans (created_at) WHERE state IN ('freezing', 'running');
DROP INDEX replay_plans_running;
