-- name: reserve_calls
-- Inserts calls of one study, day and kind of price if the budgets allow their sum; else inserts
-- none and returns a row for each budget that refuses. Calls of one replay plan are within its budget.
WITH asked AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
        $8::numeric[]
    ) AS asked (
        call_id, subject, purpose, prompt_version, endpoint, model, started_at, worst_usd
    )
), together AS MATERIALIZED (
    SELECT max(asked.started_at) AS moment, sum(asked.worst_usd) AS worst_usd,
           llm_study_day_name($9, $10) AS study_day
      FROM asked
), refusals AS MATERIALIZED (
    SELECT refusal.*
      FROM together,
           reserve_paid_call(
               $14, $15, $9, together.study_day, together.moment, together.worst_usd, $11, $12, $13
           ) AS refusal
), reserved AS (
    INSERT INTO llm_calls (
        call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, study_day,
        started_at, worst_usd, plan_id
    )
    SELECT asked.call_id, $9, asked.subject, asked.purpose, asked.prompt_version, asked.endpoint,
           asked.model, $10, together.study_day, asked.started_at, asked.worst_usd, $14
      FROM asked, together
     WHERE NOT EXISTS (SELECT FROM refusals)
)
SELECT refusal.*,
       EXISTS (SELECT FROM llm_budgets WHERE set_by = 'command' AND limit_usd IS NOT NULL)
           OR EXISTS (SELECT FROM studies WHERE daily_budget_usd IS NOT NULL)
           AS anybody_has_a_limit
  FROM (SELECT) AS one
  LEFT JOIN refusals AS refusal ON true;

-- name: settle_calls
-- Settles reserved calls, each once, and books their cost; returns those it settled. Commits
-- without waiting for the disk: after a power cut a call counts with its worst-case cost.
WITH outcomes AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::numeric[], $10::boolean[], $11::float8[], $12::float8[]
    ) AS outcomes (
        call_id, settled_at, outcome, answered_by, fingerprint, input_tokens, cached_tokens,
        output_tokens, cost_usd, estimated, latency_s, first_token_s
    )
), settled AS (
    UPDATE llm_calls AS call
       SET settled_at = outcomes.settled_at, outcome = outcomes.outcome, answered_by = outcomes.answered_by,
           fingerprint = outcomes.fingerprint, input_tokens = outcomes.input_tokens,
           cached_tokens = outcomes.cached_tokens, output_tokens = outcomes.output_tokens,
           cost_usd = outcomes.cost_usd, estimated = outcomes.estimated, latency_s = outcomes.latency_s,
           first_token_s = outcomes.first_token_s
      FROM outcomes
     WHERE call.call_id = outcomes.call_id AND call.settled_at IS NULL
    RETURNING call.call_id, call.study_id, call.study_day, call.day, call.plan_id,
              coalesce(call.cost_usd, call.worst_usd, 0) AS charged,
              coalesce(call.worst_usd, 0) AS reserved
), of_plans AS (
    INSERT INTO llm_plan_spending (plan_id, usd)
    SELECT plan_id, sum(charged - reserved)
      FROM settled
     WHERE plan_id IS NOT NULL
     GROUP BY plan_id
), sums AS (
    SELECT study_id, study_day, day, sum(charged) AS charged, sum(reserved) AS reserved,
           array_agg(call_id) AS calls
      FROM settled
     GROUP BY study_id, study_day, day
)
SELECT set_config('synchronous_commit', 'off', true),
       book_call_spending(study_id, study_day, day, charged, -reserved), calls
  FROM sums;

-- name: record_call
-- Inserts, once, a call that was made while the database was away.
WITH recorded AS (
    INSERT INTO llm_calls (
        call_id, settled_at, outcome, answered_by, fingerprint, input_tokens, cached_tokens,
        output_tokens, cost_usd, estimated, latency_s, first_token_s, study_id, subject, purpose,
        prompt_version, endpoint, model, day, started_at, worst_usd, plan_id
    )
    VALUES (
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22
    )
    ON CONFLICT (call_id) DO NOTHING
    RETURNING study_id, day, plan_id, coalesce(cost_usd, worst_usd, 0) AS charged
), of_plan AS (
    INSERT INTO llm_plan_spending (plan_id, usd)
    SELECT plan_id, charged FROM recorded WHERE plan_id IS NOT NULL
)
SELECT book_call_spending(study_id, NULL, day, charged, 0) FROM recorded;

-- name: withdraw_call
-- Deletes a call that was reserved but never made.
WITH withdrawn AS (
    DELETE FROM llm_calls
     WHERE call_id = $1 AND settled_at IS NULL
    RETURNING study_id, study_day, day, plan_id, coalesce(worst_usd, 0) AS reserved
), of_plan AS (
    INSERT INTO llm_plan_spending (plan_id, usd)
    SELECT plan_id, -reserved FROM withdrawn WHERE plan_id IS NOT NULL
)
SELECT book_call_spending(study_id, study_day, day, 0, -reserved) FROM withdrawn;

-- name: record_limits
-- Writes the limits from the settings, for people to see.
INSERT INTO llm_budgets (scope, name, set_by, limit_usd)
VALUES ('study', '', 'settings', $1), ('day', '', 'settings', $2),
       ('study_day', '', 'settings', $3)
    ON CONFLICT (scope, name, set_by) DO UPDATE
   SET limit_usd = EXCLUDED.limit_usd, set_at = now()
 WHERE llm_budgets.limit_usd IS DISTINCT FROM EXCLUDED.limit_usd;
