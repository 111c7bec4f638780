-- name: select_calls_about
-- The latest calls of models about a chunk, the earliest of them first.
SELECT *
  FROM (
        SELECT started_at, settled_at, purpose, prompt_version, endpoint, model, answered_by, outcome,
               input_tokens, cached_tokens, output_tokens, cost_usd, worst_usd, estimated,
               latency_s, first_token_s
          FROM llm_calls
         WHERE subject = $1
         ORDER BY started_at DESC
         LIMIT $2
       ) AS latest
 ORDER BY started_at;

-- name: sum_calls_about
-- How many calls there were about a chunk, and what they came to.
SELECT count(*) AS calls, coalesce(sum(cost_usd), 0) AS cost_usd,
       count(*) FILTER (WHERE settled_at IS NOT NULL AND cost_usd IS NULL) AS unpriced
  FROM llm_calls
 WHERE subject = $1;

-- name: select_related_letters
-- Letters of the same message, which a replay keeps the origin of, and letters about the same.
SELECT letter_id, service, error_code, coalesce(outcome, state) AS state, failed_at, replay_of
  FROM dead_letters
 WHERE (source_topic, source_partition, source_offset) = ($2, $3, $4)
   AND source_sent_at IS NOT DISTINCT FROM $5
   AND letter_id <> $1
 UNION
SELECT letter_id, service, error_code, coalesce(outcome, state) AS state, failed_at, replay_of
  FROM dead_letters
 WHERE subject = $6 AND letter_id <> $1
 ORDER BY failed_at DESC
 LIMIT $7;

-- name: select_stored_at
-- When the notes on a chunk were stored; null: not yet.
SELECT stored_at FROM chunks WHERE chunk_id = $1;
