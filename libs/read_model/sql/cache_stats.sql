-- name: select_kept_answers
-- What is kept of each model's answers, and what it saved.
SELECT model AS name,
       count(*) AS answers,
       coalesce(sum(bytes), 0)::bigint AS bytes,
       coalesce(sum(hits), 0)::bigint AS hits,
       coalesce(sum(hits * (input_tokens + output_tokens)), 0)::bigint AS saved_tokens,
       coalesce(sum(hits * cost_usd), 0) AS saved_usd
  FROM llm_answers
 GROUP BY model
 ORDER BY saved_usd DESC, model;

-- name: count_matching_answers
-- How many answers are of a model and a prompt version, and older than a span; NULL: whichever.
SELECT count(*)
  FROM llm_answers
 WHERE ($1::text IS NULL OR model = $1)
   AND ($2::text IS NULL OR prompt_version = $2)
   AND ($3::interval IS NULL OR created_at < now() - $3);

-- name: delete_matching_answers
-- Deletes those.
WITH deleted AS (
    DELETE FROM llm_answers
     WHERE ($1::text IS NULL OR model = $1)
       AND ($2::text IS NULL OR prompt_version = $2)
       AND ($3::interval IS NULL OR created_at < now() - $3)
    RETURNING 1
)
SELECT count(*) FROM deleted;
