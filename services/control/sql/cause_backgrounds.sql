-- name: sum_spend_of_cause
-- What calls about the chunks of a cause's latest letters came to, up to when each letter was set
-- aside; letters that are replayed are left out, as their calls were not in vain.
WITH latest AS (
    SELECT subject, failed_at
      FROM dead_letters
     WHERE cause_id = $1 AND state <> 'replayed'
     ORDER BY failed_at DESC
     LIMIT $2
), subjects AS (
    SELECT subject, max(failed_at) AS failed_at
      FROM latest
     WHERE subject IS NOT NULL
     GROUP BY subject
)
SELECT (SELECT count(*) FROM latest) AS letters,
       count(call.call_id) AS calls,
       coalesce(sum(call.cost_usd), 0) AS cost_usd,
       count(*) FILTER (WHERE call.settled_at IS NOT NULL AND call.cost_usd IS NULL) AS unpriced
  FROM subjects
  JOIN llm_calls AS call
    ON call.subject = subjects.subject AND call.started_at <= subjects.failed_at;

-- name: select_first_uses
-- What calls used first in a while before a moment, and not in the time before that.
WITH used AS (
    SELECT kind, value, min(started_at) AS at
      FROM llm_calls AS call
     CROSS JOIN LATERAL (
            VALUES ('prompt', call.prompt_version),
                   ('model', call.model),
                   ('endpoint', call.endpoint),
                   ('answered_by', call.answered_by),
                   ('fingerprint', call.fingerprint)
           ) AS field (kind, value)
     WHERE started_at > $1::timestamptz - $2::interval - $3::interval
       AND started_at <= $1
       AND value <> ''
       AND call.purpose <> 'availability-check' -- which failures bring about
     GROUP BY kind, value
)
SELECT kind, value, at
  FROM used
 WHERE at > $1 - $2
 ORDER BY at DESC, kind, value
 LIMIT $4;

-- name: select_study_changes
-- Versions of a cause's studies that were made in a while before a moment.
SELECT 'study' AS kind, version.study_id || ', version ' || version.version AS value,
       version.created_at AS at
  FROM study_versions AS version
 WHERE version.study_id IN (
        SELECT study_id FROM letter_cause_counts WHERE cause_id = $4
       )
   AND version.created_at > $1::timestamptz - $2::interval
   AND version.created_at <= $1
 ORDER BY at DESC
 LIMIT $3;

-- name: select_budget_changes
-- Budgets that people set in a while before a moment, and have not set since.
SELECT 'budget' AS kind, rtrim(scope || ' ' || name) AS value, set_at AS at
  FROM llm_budgets
 WHERE set_by = 'command'
   AND set_at > $1::timestamptz - $2::interval
   AND set_at <= $1
 ORDER BY at DESC
 LIMIT $3;
