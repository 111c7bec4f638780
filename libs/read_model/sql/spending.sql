-- name: select_costs
-- What calls came to, by study, model, purpose or day (UTC).
SELECT CASE $1 WHEN 'study' THEN study_id WHEN 'model' THEN model WHEN 'purpose' THEN purpose
            ELSE llm_day_name(day)
       END AS name,
       count(*) AS calls,
       count(*) FILTER (WHERE outcome = 'answered') AS answered,
       count(*) FILTER (WHERE outcome <> 'answered') AS failed,
       count(*) FILTER (
           WHERE settled_at IS NULL AND started_at > now() - llm_lost_after()
       ) AS under_way,
       count(*) FILTER (
           WHERE settled_at IS NULL AND started_at <= now() - llm_lost_after()
       ) AS lost,
       count(*) FILTER (WHERE settled_at IS NOT NULL AND cost_usd IS NULL) AS unpriced,
       coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(cached_tokens), 0)::bigint AS cached_tokens,
       coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(cost_usd), 0) AS cost_usd,
       coalesce(sum(cost_usd) FILTER (WHERE estimated), 0) AS estimated_usd,
       coalesce(sum(worst_usd) FILTER (
           WHERE settled_at IS NULL AND started_at <= now() - llm_lost_after()
       ), 0) AS lost_usd
  FROM llm_calls
 WHERE $2::interval IS NULL OR started_at > now() - $2
 GROUP BY 1
 ORDER BY CASE $1 WHEN 'day' THEN min(day) END, sum(cost_usd) DESC NULLS LAST, 1;

-- name: select_budgets
-- Limits and what is left of them: today's, then each study's that has one or spent something, then
-- today's of each study that has a registered one or spent something today; '*': of those together
-- that registered themselves. Those behind a budget, by its scope and name.
WITH today AS (
    SELECT (now() AT TIME ZONE 'UTC')::date AS day
), known AS (
    SELECT 1 AS place, 'day' AS scope, '' AS budget, llm_day_name(day) AS name,
           llm_day_name(day) AS spending
      FROM today
     UNION
    SELECT 2, 'study', name, name, name FROM llm_spending WHERE scope = 'study'
     UNION
    SELECT 2, 'study', name, name, name FROM llm_budgets WHERE scope = 'study' AND name <> ''
     UNION
    SELECT 3, 'study_day', study_id, study_id, study_id || ' ' || llm_day_name(day)
      FROM studies, today
     WHERE daily_budget_usd IS NOT NULL
     UNION
    SELECT 3, 'study_day', study.id, study.id, spent.name
      FROM llm_spending AS spent
     CROSS JOIN today
     CROSS JOIN LATERAL (SELECT split_part(spent.name, ' ', 1)) AS study (id)
     WHERE spent.scope = 'study_day' AND spent.name = study.id || ' ' || llm_day_name(day)
)
SELECT known.scope, known.name,
       CASE WHEN own.set_by IS NULL THEN given.limit_usd ELSE own.limit_usd END AS limit_usd,
       CASE WHEN own.set_by IS NOT NULL THEN own.set_by
            WHEN given.limit_usd IS NOT NULL THEN given.set_by
       END AS set_by,
       coalesce(sums.settled_usd, 0) AS spent_usd,
       coalesce(sums.reserved_usd, 0) AS reserved_usd,
       (
            SELECT coalesce(sum(call.worst_usd), 0)
              FROM llm_calls AS call
             WHERE call.settled_at IS NULL
               AND call.started_at <= now() - llm_lost_after()
               AND (known.scope = 'day' OR call.study_id = known.name OR known.name = '*' AND EXISTS (
                    SELECT FROM studies AS study
                     WHERE study.study_id = call.study_id
                       AND study.is_self_registered AND study.daily_budget_usd IS NULL
                   ))
               AND (known.scope = 'study' OR call.day = today.day)
       ) AS lost_usd,
       (
            SELECT count(*)
              FROM llm_calls AS call
             WHERE call.settled_at IS NOT NULL AND call.cost_usd IS NULL
               AND (known.scope = 'day' OR call.study_id = known.name OR known.name = '*' AND EXISTS (
                    SELECT FROM studies AS study
                     WHERE study.study_id = call.study_id
                       AND study.is_self_registered AND study.daily_budget_usd IS NULL
                   ))
               AND (known.scope = 'study' OR call.day = today.day)
       ) AS unpriced
  FROM known
 CROSS JOIN today
  LEFT JOIN llm_spending AS sums ON sums.scope = known.scope AND sums.name = known.spending
  LEFT JOIN (
        SELECT scope, name, limit_usd, set_by FROM llm_budgets WHERE set_by = 'command'
         UNION ALL
        SELECT 'study_day', study_id, daily_budget_usd, 'registration'
          FROM studies
         WHERE daily_budget_usd IS NOT NULL
       ) AS own ON own.scope = known.scope AND own.name = known.budget
  LEFT JOIN llm_budgets AS given
    ON given.scope = known.scope AND given.name = '' AND given.set_by = 'settings'
 WHERE $1::text IS NULL
    OR (known.place, known.name) > (CASE $1 WHEN 'day' THEN 1 WHEN 'study' THEN 2 ELSE 3 END, $2::text)
 ORDER BY known.place, known.name
 LIMIT $3;

-- name: select_budget_limit
-- A limit, and who set it: a command, or else the settings of the services.
SELECT limit_usd, set_by
  FROM llm_budgets
 WHERE scope = $1
   AND (name = $2 AND set_by = 'command'
        OR name = '' AND set_by = 'settings' AND limit_usd IS NOT NULL)
 ORDER BY set_by
 LIMIT 1;

-- name: lock_budget
-- Whoever changes a limit waits here for others who change the same, also where there is none yet.
SELECT pg_advisory_xact_lock(hashtextextended('llm_budgets ' || $1 || ' ' || $2, 0));

-- name: set_budget
-- A limit by command; NULL: none.
INSERT INTO llm_budgets (scope, name, set_by, limit_usd)
VALUES ($1, $2, 'command', $3)
    ON CONFLICT (scope, name, set_by) DO UPDATE
   SET limit_usd = EXCLUDED.limit_usd, set_at = now();

-- name: forget_budget
-- From now on the settings say it.
DELETE FROM llm_budgets WHERE scope = $1 AND name = $2 AND set_by = 'command';

-- name: study_is_known
-- Whether a study is registered, or there is anything of it yet.
SELECT EXISTS (SELECT FROM studies WHERE study_id = $1)
    OR EXISTS (SELECT FROM transcripts WHERE study_id = $1)
    OR EXISTS (SELECT FROM llm_spending WHERE scope = 'study' AND name = $1);
