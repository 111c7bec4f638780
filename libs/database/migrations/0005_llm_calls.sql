-- Every call of a language model, what it cost, and the budgets it is paid from.

-- Written before the call with the most it can cost, completed after it. A row that is never
-- completed is of a process that was killed: nobody knows what its call came to.
CREATE TABLE llm_calls (
    call_id uuid PRIMARY KEY,
    study_id text NOT NULL,
    subject text NOT NULL,
    purpose text NOT NULL,
    prompt_version text NOT NULL,
    endpoint text NOT NULL,
    model text NOT NULL,
    day date NOT NULL,
    started_at timestamptz NOT NULL,
    worst_usd numeric CHECK (worst_usd >= 0),
    settled_at timestamptz,
    outcome text,
    answered_by text,
    fingerprint text,
    input_tokens bigint,
    cached_tokens bigint,
    output_tokens bigint,
    cost_usd numeric CHECK (cost_usd >= 0),
    estimated boolean,
    latency_s double precision,
    first_token_s double precision,
    CONSTRAINT call_is_settled_whole CHECK (
        num_nulls(settled_at, outcome, answered_by, fingerprint, input_tokens, cached_tokens,
                  output_tokens, estimated, latency_s) IN (0, 9)
    )
);
CREATE INDEX llm_calls_by_start ON llm_calls (started_at);
CREATE INDEX llm_calls_open ON llm_calls (day, study_id) WHERE settled_at IS NULL;

-- Running sums, so that no call has to add up the ledger: by study, and by day in UTC
-- ('YYYY-MM-DD'). Half-empty pages leave room for updates that touch no index.
CREATE TABLE llm_spending (
    scope text NOT NULL CHECK (scope IN ('study', 'day')),
    name text NOT NULL,
    settled_usd numeric NOT NULL DEFAULT 0 CHECK (settled_usd >= 0),
    reserved_usd numeric NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0),
    PRIMARY KEY (scope, name)
) WITH (fillfactor = 50);

-- Limits: of one study, of any study (name ''), and of the day (name ''). What people set by
-- command goes before what services tell of their settings. A row without a limit says that there
-- is none.
CREATE TABLE llm_budgets (
    scope text NOT NULL CHECK (scope IN ('study', 'day')),
    name text NOT NULL DEFAULT '',
    set_by text NOT NULL CHECK (set_by IN ('command', 'settings')),
    limit_usd numeric CHECK (limit_usd >= 0),
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, name, set_by)
);

CREATE FUNCTION llm_day_name(of_day date) RETURNS text STABLE LANGUAGE sql
    RETURN to_char(of_day, 'YYYY-MM-DD');

-- A call not settled by then is taken for lost with its process: no call is given that long.
CREATE FUNCTION llm_lost_after() RETURNS interval IMMUTABLE LANGUAGE sql
    RETURN interval '10 minutes';

-- Adds to a study's and a day's sums. Whoever changes both locks the study's first, so that
-- nobody waits for each other.
CREATE FUNCTION book_llm_spending(
    for_study text, on_day date, settled numeric, reserved numeric
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place record;
BEGIN
    FOR place IN
        VALUES (1, 'study', for_study), (2, 'day', public.llm_day_name(on_day)) ORDER BY 1
    LOOP
        INSERT INTO public.llm_spending (scope, name)
        VALUES (place.column2, place.column3)
            ON CONFLICT (scope, name) DO NOTHING;
        UPDATE public.llm_spending AS sums
           SET settled_usd = sums.settled_usd + settled,
               reserved_usd = sums.reserved_usd + reserved
         WHERE sums.scope = place.column2 AND sums.name = place.column3;
    END LOOP;
END;
$$;

-- Reserves the most a call can cost, if the study's and the day's budgets allow it.
--
-- Gives no row if they do; else one for each budget that does not, and changes nothing.
-- `returning_usd` is what calls still under way may give back; older ones are lost. A call of
-- unknown price (worst NULL) is refused by every limit.
CREATE FUNCTION reserve_llm_spending(
    for_study text, moment timestamptz, worst numeric, study_default numeric, day_default numeric
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
    own record;
    allowed numeric;
BEGIN
    FOR place IN
        VALUES (1, 'study', for_study, for_study, study_default),
               (2, 'day', public.llm_day_name(today), '', day_default)
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
        SELECT budget.limit_usd
          INTO own
          FROM public.llm_budgets AS budget
         WHERE budget.scope = place.column2 AND budget.name = place.column4
           AND budget.set_by = 'command';
        is_own := FOUND;
        allowed := CASE WHEN is_own THEN own.limit_usd ELSE place.column5 END;
        limited := limited OR allowed IS NOT NULL;
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
               AND CASE place.column2
                   WHEN 'study' THEN call.study_id = for_study
                   ELSE call.day = today
                   END;
            RETURN NEXT;
        END IF;
    END LOOP;
    IF NOT limited THEN
        -- No budget can be overshot, so nobody waits for the disk.
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    IF NOT refused THEN
        PERFORM public.book_llm_spending(for_study, today, 0, coalesce(worst, 0));
    END IF;
END;
$$;
