-- Plans by which many letters go back: a frozen set, at a rate, in steps, stopped when too many fail.

CREATE TABLE replay_plans (
    plan_id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    -- What was asked for; the set is in the batches, and is never changed.
    meant jsonb NOT NULL,
    letters int NOT NULL,
    set_sha256 text NOT NULL,
    left_out jsonb NOT NULL,
    -- How many letters are sent by the end of each step.
    steps int[] NOT NULL,
    rate double precision CHECK (rate > 0),
    max_failed double precision NOT NULL CHECK (max_failed BETWEEN 0 AND 1),
    step_wait interval NOT NULL,
    -- What is set for these messages alone, such as a model.
    overrides jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'ready' CHECK (
        state IN ('ready', 'running', 'paused', 'stopped', 'cancelled', 'finished')
    ),
    state_reason text NOT NULL DEFAULT '',
    version bigint NOT NULL DEFAULT 1,
    -- Letters of the set that were taken, in its order.
    position int NOT NULL DEFAULT 0,
    step_ended_at timestamptz,
    -- Of letters that were taken: why they were not sent, and how many.
    not_sent jsonb NOT NULL DEFAULT '{}',
    -- What had failed again, and what had an outcome, when somebody had it go on after a stop.
    accepted_failed int NOT NULL DEFAULT 0,
    accepted_known int NOT NULL DEFAULT 0,
    accepted_position int NOT NULL DEFAULT 0,
    -- Whose turn it is: the key of a replica's advisory lock.
    claimed_by int,
    started_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX replay_plans_by_time ON replay_plans (created_at, plan_id);
CREATE INDEX replay_plans_running ON replay_plans (created_at) WHERE state = 'running';

CREATE TABLE replay_plan_batches (
    plan_id uuid NOT NULL REFERENCES replay_plans ON DELETE CASCADE,
    -- Place of the batch's first letter in the set, from 0.
    begins int NOT NULL,
    letter_ids uuid[] NOT NULL,
    PRIMARY KEY (plan_id, begins)
);

-- What became of the letters that a plan sent: a count is the sum of its rows. They are appended by
-- whoever changes a letter, so that none waits for another, and summed up now and then.
CREATE TABLE replay_plan_counts (
    plan_id uuid NOT NULL,
    state text NOT NULL,
    -- Of letters that failed again: of what.
    cause_id text NOT NULL,
    letters int NOT NULL
);
CREATE INDEX replay_plan_counts_by_plan ON replay_plan_counts (plan_id);

CREATE FUNCTION count_letters_of_plans() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.replay_plan_counts (plan_id, state, cause_id, letters)
    SELECT plan_id, state, coalesce(cause_id, ''), sum(letters)
      FROM (
            SELECT letter.plan_id,
                   CASE WHEN letter.state = 'replayed' THEN coalesce(letter.outcome, letter.state)
                        ELSE letter.state END AS state,
                   CASE WHEN letter.outcome = 'failed_again' THEN again.cause_id END AS cause_id,
                   1 AS letters
              FROM changed AS letter
              LEFT JOIN public.dead_letters AS again ON again.letter_id = letter.became
             WHERE letter.plan_id IS NOT NULL
             UNION ALL
            SELECT letter.plan_id,
                   CASE WHEN letter.state = 'replayed' THEN coalesce(letter.outcome, letter.state)
                        ELSE letter.state END,
                   CASE WHEN letter.outcome = 'failed_again' THEN again.cause_id END,
                   -1
              FROM before AS letter
              LEFT JOIN public.dead_letters AS again ON again.letter_id = letter.became
             WHERE letter.plan_id IS NOT NULL
           ) AS change
     GROUP BY 1, 2, 3
    HAVING sum(letters) <> 0;
    RETURN NULL;
END;
$$;
CREATE TRIGGER letters_of_plans_are_counted AFTER UPDATE ON dead_letters
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION count_letters_of_plans();
