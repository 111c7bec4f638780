-- A call gives back what it reserved to the day that it was reserved in, even if its study has left
-- the day that studies which registered themselves share.

-- As `llm_spending` names the study's day at the reservation; NULL: reserved by older code.
ALTER TABLE llm_calls ADD COLUMN study_day text;

-- As book_llm_spending, in a study's day by its name.
CREATE FUNCTION book_call_spending(
    for_study text, in_study_day text, on_day date, settled numeric, reserved numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place record;
BEGIN
    FOR place IN
        VALUES (1, 'study', for_study),
               (2, 'study_day',
                coalesce(in_study_day, public.llm_study_day_name(for_study, on_day))),
               (3, 'day', public.llm_day_name(on_day))
         ORDER BY 1
    LOOP
        INSERT INTO public.llm_spending (scope, name)
        VALUES (place.column2, place.column3)
            ON CONFLICT (scope, name) DO NOTHING;
        -- Of a call that was reserved before there was such a sum, no more is given back than it has.
        UPDATE public.llm_spending AS sums
           SET settled_usd = sums.settled_usd + settled,
               reserved_usd = CASE place.column2
                   WHEN 'study_day' THEN greatest(sums.reserved_usd + reserved, 0)
                   ELSE sums.reserved_usd + reserved
                   END
         WHERE sums.scope = place.column2 AND sums.name = place.column3;
    END LOOP;
END;
$$;

-- As older code calls it.
CREATE OR REPLACE FUNCTION book_llm_spending(
    for_study text, on_day date, settled numeric, reserved numeric
) RETURNS void LANGUAGE sql BEGIN ATOMIC
    SELECT public.book_call_spending(for_study, NULL, on_day, settled, reserved);
END;

-- As reserve_study_spending, which older code calls, in a study's day by its name.
CREATE FUNCTION reserve_call_spending(
    for_study text, in_study_day text, moment timestamptz, worst numeric, study_default numeric,
    study_day_default numeric, day_default numeric
) RETURNS TABLE (
    scope text, limit_usd numeric, settled_usd numeric, reserved_usd numeric,
    returning_usd numeric, is_own boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    today date := (moment AT TIME ZONE 'UTC')::date;
    refused boolean := false;
    limited boolean := false;
    place record;
    sums record;
    own numeric;
    allowed numeric;
BEGIN
    FOR place IN
        VALUES (1, 'study', for_study, for_study, study_default),
               (2, 'study_day', in_study_day, for_study, study_day_default),
               (3, 'day', public.llm_day_name(today), '', day_default)
         ORDER BY 1
    LOOP
        INSERT INTO public.llm_spending (scope, name)
        VALUES (place.column2, place.column3)
            ON CONFLICT (scope, name) DO NOTHING;
        SELECT spent.settled_usd, spent.reserved_usd
          INTO sums
          FROM public.llm_spending AS spent
         WHERE spent.scope = place.column2 AND spent.name = place.column3
           FOR UPDATE;
        IF place.column2 = 'study_day' THEN
            SELECT study.daily_budget_usd INTO own FROM public.studies AS study
             WHERE study.study_id = place.column4 AND study.daily_budget_usd IS NOT NULL;
        ELSE
            SELECT budget.limit_usd INTO own FROM public.llm_budgets AS budget
             WHERE budget.scope = place.column2 AND budget.name = place.column4
               AND budget.set_by = 'command';
        END IF;
        is_own := FOUND;
        allowed := CASE WHEN is_own THEN own ELSE place.column5 END;
        CONTINUE WHEN worst IS NULL AND place.column2 = 'study_day' AND NOT is_own;
        -- What a power cut makes forgotten may overshoot the default by as little.
        limited := limited OR allowed IS NOT NULL AND (is_own OR place.column2 <> 'study_day');
        IF worst IS NULL AND allowed IS NOT NULL
            OR sums.settled_usd + sums.reserved_usd + worst > allowed
        THEN
            refused := true;
            scope := place.column2;
            limit_usd := allowed;
            settled_usd := sums.settled_usd;
            reserved_usd := sums.reserved_usd;
            SELECT coalesce(sum(call.worst_usd), 0)
              INTO returning_usd
              FROM public.llm_calls AS call
             WHERE call.settled_at IS NULL
               AND call.started_at > moment - public.llm_lost_after()
               AND (call.study_id = for_study OR place.column2 = 'day')
               AND (call.day = today OR place.column2 = 'study');
            RETURN NEXT;
        END IF;
    END LOOP;
    IF NOT limited THEN
        -- No budget can be overshot, so nobody waits for the disk.
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    IF NOT refused THEN
        PERFORM public.book_call_spending(
            for_study, in_study_day, today, 0, coalesce(worst, 0)
        );
    END IF;
END;
$$;
