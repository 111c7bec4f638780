-- Letters whose time is over, or whose bytes are gone, expire: in the table they are `discarded` with an
-- outcome, as older code, the audit and the outcomes of interviews ask for that.

ALTER TABLE dead_letters
    -- Since when the index has neither headers nor key nor edits of it: its time is over.
    ADD COLUMN emptied_at timestamptz,
    DROP CONSTRAINT dead_letters_outcome_check;
-- NOT VALID: the rows that are there satisfied a stricter condition.
ALTER TABLE dead_letters ADD CONSTRAINT dead_letters_outcome_check
    CHECK (outcome IN ('resolved', 'failed_again', 'expired')) NOT VALID;

-- The state of a letter as people see it.
CREATE FUNCTION shown_letter_state(state text, outcome text) RETURNS text IMMUTABLE PARALLEL SAFE
LANGUAGE sql RETURN CASE WHEN state IN ('replayed', 'discarded') THEN coalesce(outcome, state)
                         ELSE state END;

-- Counts by the state that is shown.
CREATE OR REPLACE FUNCTION count_letters_indexed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_causes (
        cause_id, service, error_code, error_type, summary, example
    )
    SELECT DISTINCT ON (cause_id)
           cause_id, service, error_code, error_type,
           public.letter_cause_summary(error_message), letter_id
      FROM indexed
     WHERE NOT EXISTS (
           SELECT FROM public.letter_causes AS known WHERE known.cause_id = indexed.cause_id
     )
     ORDER BY cause_id
        ON CONFLICT DO NOTHING;
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'),
           public.shown_letter_state(state, outcome), count(*),
           min(failed_at), max(failed_at)
      FROM indexed
     GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION count_letters_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_causes (
        cause_id, service, error_code, error_type, summary, example
    )
    SELECT DISTINCT ON (cause_id)
           cause_id, service, error_code, error_type,
           public.letter_cause_summary(error_message), letter_id
      FROM changed
     WHERE NOT EXISTS (
           SELECT FROM public.letter_causes AS known WHERE known.cause_id = changed.cause_id
     )
     ORDER BY cause_id
        ON CONFLICT DO NOTHING;
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, study_id, hour, state, sum(letters), min(failed_at), max(failed_at)
      FROM (
            SELECT cause_id, coalesce(study_id, '') AS study_id,
                   date_trunc('hour', failed_at, 'UTC') AS hour,
                   public.shown_letter_state(state, outcome) AS state,
                   1 AS letters, failed_at
              FROM changed
             UNION ALL
            SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'),
                   public.shown_letter_state(state, outcome),
                   -1, failed_at
              FROM before
           ) AS change
     GROUP BY 1, 2, 3, 4
    HAVING sum(letters) <> 0;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION count_letters_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'),
           public.shown_letter_state(state, outcome), -count(*),
           min(failed_at), max(failed_at)
      FROM deleted
     GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION count_letters_of_plans() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.replay_plan_counts (plan_id, state, cause_id, letters)
    SELECT plan_id, state, coalesce(cause_id, ''), sum(letters)
      FROM (
            SELECT letter.plan_id,
                   public.shown_letter_state(letter.state, letter.outcome) AS state,
                   CASE WHEN letter.outcome = 'failed_again' THEN again.cause_id END AS cause_id,
                   1 AS letters
              FROM changed AS letter
              LEFT JOIN public.dead_letters AS again ON again.letter_id = letter.became
             WHERE letter.plan_id IS NOT NULL
             UNION ALL
            SELECT letter.plan_id,
                   public.shown_letter_state(letter.state, letter.outcome),
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
