-- name: reserve_call
-- Writes a call down if the budgets allow it; else gives one row a budget that does not.
WITH refusals AS MATERIALIZED (
    SELECT refusal.*
      FROM reserve_llm_spending($2, $9, $10, $11, $12) AS refusal
), reserved AS (
    INSERT INTO llm_calls (
        call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, started_at,
        worst_usd
    )
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
     WHERE NOT EXISTS (SELECT FROM refusals)
)
SELECT refusal.*,
       EXISTS (SELECT FROM llm_budgets WHERE set_by = 'command' AND limit_usd IS NOT NULL)
           AS anybody_has_a_limit
  FROM (SELECT) AS one
  LEFT JOIN refusals AS refusal ON true;

-- name: settle_call
-- Completes a call that was reserved, once, and books what it came to.
-- Nobody waits for the disk: after a power cut the call counts with the most it can cost.
WITH settled AS (
    UPDATE llm_calls
       SET settled_at = $2, outcome = $3, answered_by = $4, fingerprint = $5, input_tokens = $6,
           cached_tokens = $7, output_tokens = $8, cost_usd = $9, estimated = $10,
           latency_s = $11, first_token_s = $12
     WHERE call_id = $1 AND settled_at IS NULL
    RETURNING study_id, day, coalesce(cost_usd, worst_usd, 0) AS charged,
              coalesce(worst_usd, 0) AS reserved
)
SELECT set_config('synchronous_commit', 'off', true),
       book_llm_spending(study_id, day, charged, -reserved)
  FROM settled;

-- name: record_call
-- Writes down, once, a call that was made while the database was away.
WITH recorded AS (
    INSERT INTO llm_calls (
        call_id, settled_at, outcome, answered_by, fingerprint, input_tokens, cached_tokens,
        output_tokens, cost_usd, estimated, latency_s, first_token_s, study_id, subject, purpose,
        prompt_version, endpoint, model, day, started_at, worst_usd
    )
    VALUES (
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21
    )
    ON CONFLICT (call_id) DO NOTHING
    RETURNING study_id, day, coalesce(cost_usd, worst_usd, 0) AS charged
)
SELECT book_llm_spending(study_id, day, charged, 0) FROM recorded;

-- name: withdraw_call
-- Takes back a call that was reserved but never made.
WITH withdrawn AS (
    DELETE FROM llm_calls
     WHERE call_id = $1 AND settled_at IS NULL
    RETURNING study_id, day, coalesce(worst_usd, 0) AS reserved
)
SELECT book_llm_spending(study_id, day, 0, -reserved) FROM withdrawn;

-- name: tell_settings
-- Writes down the limits that services hold by their settings, for people to see.
INSERT INTO llm_budgets (scope, name, set_by, limit_usd)
VALUES ('study', '', 'settings', $1), ('day', '', 'settings', $2)
    ON CONFLICT (scope, name, set_by) DO UPDATE
   SET limit_usd = EXCLUDED.limit_usd, set_at = now()
 WHERE llm_budgets.limit_usd IS DISTINCT FROM EXCLUDED.limit_usd;
