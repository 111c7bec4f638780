-- What the messages of a replay plan spend, and may spend at most: booked with the calls that they cause.

ALTER TABLE llm_calls ADD COLUMN plan_id uuid;
CREATE INDEX llm_calls_of_plans_open ON llm_calls (plan_id)
 WHERE plan_id IS NOT NULL AND settled_at IS NULL;

-- What is spent and reserved is the sum of a plan's rows. They are appended by whoever settles a call, so
-- that none waits for another, and added up by who reserves the next one.
CREATE TABLE llm_plan_spending (
    plan_id uuid NOT NULL,
    usd numeric NOT NULL,
    -- A call was not allowed, and what may come back would not have been enough for it.
    is_refusal boolean NOT NULL DEFAULT false
);
CREATE INDEX llm_plan_spending_by_plan ON llm_plan_spending (plan_id);

-- As reserve_call_spending, and within the budget of the plan that has the message sent, if there is one:
-- that is asked first, so that who reserves waits for locks in one order. Who settles waits for none of it.
CREATE FUNCTION reserve_paid_call(
    for_plan uuid, plan_limit numeric, for_study text, in_study_day text, moment timestamptz,
    worst numeric, study_default numeric, study_day_default numeric, day_default numeric
) RETURNS TABLE (
    scope text, limit_usd numeric, settled_usd numeric, reserved_usd numeric,
    returning_usd numeric, is_own boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    committed numeric;
BEGIN
    IF for_plan IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(for_plan::text, 1));
        WITH taken AS (
            DELETE FROM public.llm_plan_spending
             WHERE plan_id = for_plan AND NOT is_refusal
            RETURNING usd
        )
        INSERT INTO public.llm_plan_spending (plan_id, usd)
        SELECT for_plan, coalesce(sum(usd), 0) FROM taken
        RETURNING usd INTO committed;
        IF worst IS NULL OR committed + worst > plan_limit THEN
            SELECT coalesce(sum(worst_usd), 0),
                   coalesce(sum(worst_usd) FILTER (
                        WHERE started_at > moment - public.llm_lost_after()
                   ), 0)
              INTO reserved_usd, returning_usd
              FROM public.llm_calls
             WHERE plan_id = for_plan AND settled_at IS NULL;
            scope := 'plan';
            limit_usd := plan_limit;
            settled_usd := committed - reserved_usd;
            is_own := true;
            RETURN NEXT;
            IF worst IS NULL OR committed - returning_usd + worst > plan_limit THEN
                INSERT INTO public.llm_plan_spending (plan_id, usd, is_refusal)
                SELECT for_plan, 0, true
                 WHERE NOT EXISTS (
                        SELECT FROM public.llm_plan_spending
                         WHERE plan_id = for_plan AND is_refusal
                 );
            END IF;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
    SELECT * FROM public.reserve_call_spending(
        for_study, in_study_day, moment, worst, study_default, study_day_default, day_default
    );
    IF NOT FOUND AND for_plan IS NOT NULL THEN
        INSERT INTO public.llm_plan_spending (plan_id, usd) VALUES (for_plan, worst);
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END;
$$;
