-- name: insert_plan
-- A plan without its set, of about so many letters.
INSERT INTO replay_plans (
    plan_id, created_by, meant, letters, set_sha256, left_out, steps, rate, max_failed, step_wait,
    is_canary, most_letters, overrides, is_forced, state
)
VALUES (
    $1, $2, $3::jsonb, $8, '', $4::jsonb, ARRAY[]::int[], $5, $6, $7, $9, $10, $11::jsonb, $12,
    'freezing'
);

-- name: select_not_open
-- Those of some letters that are not open, or not known at all, each once.
SELECT DISTINCT letter_id, letter.letter_id IS NOT NULL AS is_known,
       shown_letter_state(state, outcome) AS state
  FROM unnest($1::uuid[]) AS asked (letter_id)
  LEFT JOIN dead_letters AS letter USING (letter_id)
 WHERE letter.letter_id IS NULL OR state <> 'open'
 ORDER BY letter_id;

-- name: select_overrides
-- What plans set for their messages alone.
SELECT plan_id, overrides FROM replay_plans WHERE plan_id = ANY ($1::uuid[]);

-- name: select_plans
-- The latest plans, or one of them; those behind a position.
SELECT *
  FROM replay_plans
 WHERE ($1::uuid IS NULL OR plan_id = $1)
   AND ($2::timestamptz IS NULL OR (created_at, plan_id) < ($2, $3::uuid))
 ORDER BY created_at DESC, plan_id DESC
 LIMIT $4;

-- name: count_plans
-- What became of the letters that some plans sent.
SELECT plan_id, state, cause_id, sum(letters)::int AS letters
  FROM replay_plan_counts
 WHERE plan_id = ANY ($1::uuid[])
 GROUP BY plan_id, state, cause_id
HAVING sum(letters) > 0
 ORDER BY 4 DESC, 2, 3;

-- name: select_spending
-- What calls for messages of some plans with a budget cost, or may cost at most, and whether one was
-- refused for it.
SELECT plan_id, sum(usd) AS usd, bool_or(is_refusal) AS is_refused
  FROM llm_plan_spending
 WHERE plan_id = ANY ($1::uuid[])
 GROUP BY plan_id;

-- name: sum_plan_counts
-- Sums up the counts of a plan that are visible; they are the same before and after.
WITH taken AS (
    DELETE FROM replay_plan_counts WHERE plan_id = $1 RETURNING *
)
INSERT INTO replay_plan_counts
SELECT plan_id, state, cause_id, sum(letters)
  FROM taken
 GROUP BY plan_id, state, cause_id
HAVING sum(letters) <> 0;

-- name: change_state
-- Moves a plan from one of some states to another, if nobody has changed it meanwhile.
UPDATE replay_plans
   SET state = $3, state_reason = $4, version = version + 1,
       step_ended_at = NULL,
       started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
       finished_at = CASE WHEN $3 IN ('cancelled', 'finished') THEN now() END,
       accepted_failed = CASE WHEN state = 'stopped' THEN $6 ELSE accepted_failed END,
       accepted_known = CASE WHEN state = 'stopped' THEN $7 ELSE accepted_known END,
       accepted_position = CASE WHEN state = 'stopped' THEN position ELSE accepted_position END
 WHERE plan_id = $1 AND state = ANY ($2::text[]) AND ($5::bigint IS NULL OR version = $5)
RETURNING plan_id;

-- name: take_plans
-- Takes plans at work that no living replica has; of two who ask at once, one gets each.
WITH free AS (
    SELECT plan_id
      FROM replay_plans
     WHERE state IN ('freezing', 'running')
       AND (claimed_by IS NULL OR claimed_by = $1 OR NOT EXISTS (
            SELECT FROM pg_locks AS held
             WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
               AND held.classid = $2::int::oid AND held.objid = claimed_by::oid
               AND held.database = (
                    SELECT oid FROM pg_database WHERE datname = current_database()
               )
       ))
     ORDER BY created_at
       FOR UPDATE SKIP LOCKED
)
UPDATE replay_plans AS plan
   SET claimed_by = $1
  FROM free
 WHERE plan.plan_id = free.plan_id
RETURNING plan.plan_id;

-- name: count_step
-- How many letters of a part of a set its plan sent, and how many of those have an outcome.
SELECT count(*)::int AS sent, count(letter.outcome)::int AS known
  FROM (
        SELECT begins + each.ordinality - 1 AS number, each.letter_id
          FROM replay_plan_batches, unnest(letter_ids) WITH ORDINALITY AS each (letter_id)
         WHERE plan_id = $1 AND begins > $2::int - $4::int AND begins < $3::int
       ) AS asked
  JOIN dead_letters AS letter USING (letter_id)
 WHERE asked.number >= $2 AND asked.number < $3
   AND letter.plan_id = $1 AND letter.state IN ('replaying', 'replayed');

-- name: end_step
-- Notes when all of a step were sent, once; anew while some are being sent.
UPDATE replay_plans
   SET step_ended_at = CASE WHEN $3::boolean THEN now() ELSE coalesce(step_ended_at, now()) END
 WHERE plan_id = $1 AND state = 'running' AND claimed_by = $2
RETURNING now() - step_ended_at AS waited;

-- name: select_letters
-- What became of a page of a plan's letters, in its order.
SELECT asked.number::int AS number, asked.letter_id, letter.service, letter.error_code,
       letter.subject,
       CASE WHEN letter.letter_id IS NULL THEN 'unknown'
            ELSE shown_letter_state(letter.state, letter.outcome) END AS state,
       letter.plan_id IS NOT DISTINCT FROM $1 AS by_this_plan,
       letter.became, again.error_code AS became_code
  FROM (
        SELECT begins + each.ordinality - 1 AS number, each.letter_id
          FROM replay_plan_batches, unnest(letter_ids) WITH ORDINALITY AS each (letter_id)
         WHERE plan_id = $1 AND begins > $2::int - $4::int AND begins < $2::int + $3::int
       ) AS asked
  LEFT JOIN dead_letters AS letter USING (letter_id)
  LEFT JOIN dead_letters AS again ON again.letter_id = letter.became
 WHERE asked.number >= $2
 ORDER BY asked.number
 LIMIT $3;

-- name: preview
-- A plan's letters by service and code, and how many of them can do nothing: their chunk is stored, or
-- their interview is withdrawn.
SELECT letter.service, letter.error_code, count(*)::int AS letters,
       count(*) FILTER (WHERE letter.state <> 'open')::int AS closed,
       count(chunk.stored_at)::int AS stored,
       count(*) FILTER (WHERE interview.withdrawn_at IS NOT NULL)::int AS withdrawn,
       count(DISTINCT letter.subject) FILTER (WHERE chunk.stored_at IS NULL)::int AS subjects
  FROM replay_plan_batches AS batch, unnest(batch.letter_ids) AS asked (letter_id)
  JOIN dead_letters AS letter USING (letter_id)
  LEFT JOIN chunks AS chunk
    ON chunk.chunk_id = CASE
            WHEN length(letter.subject) = 36 AND pg_input_is_valid(letter.subject, 'uuid')
            THEN letter.subject::uuid
       END
  LEFT JOIN transcripts AS interview
    ON interview.transcript_id = chunk.transcript_id AND interview.revision = chunk.revision
 WHERE batch.plan_id = $1
 GROUP BY letter.service, letter.error_code
 ORDER BY letters DESC, letter.service, letter.error_code;

-- name: select_chunks_of_interviews
-- How many chunks 95 in 100 interviews have at most; null without interviews.
SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY chunk_count)::int FROM transcripts;

-- name: select_chunk_costs
-- What chunks cost of late, by purpose: how many calls, and dollars, 95 in 100 chunks took at most, with
-- the calls that repair answers, and tokens; of the latest 10,000 calls, those of one model if asked.
SELECT purpose,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY calls)::int AS calls_high,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY usd) AS usd_high,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY input_tokens)::bigint AS input_high,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY output_tokens)::bigint AS output_high
  FROM (
        SELECT purpose, subject, count(*) AS calls, sum(cost_usd) AS usd,
               sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
          FROM (
                SELECT replace(purpose, $1, '') AS purpose, subject, cost_usd, input_tokens,
                       output_tokens
                  FROM llm_calls
                 WHERE settled_at IS NOT NULL AND ($2::text IS NULL OR model = $2)
                 ORDER BY started_at DESC
                 LIMIT 10000
               ) AS latest
         GROUP BY purpose, subject
       ) AS of_chunk
 GROUP BY purpose;

-- name: delete_old_plans
-- Plans that are over for so long; their sets go with them.
DELETE FROM replay_plans
 WHERE state IN ('finished', 'cancelled') AND finished_at < now() - $1::interval;

-- name: delete_counts_of_no_plan
-- Counts of plans that are deleted.
DELETE FROM replay_plan_counts AS counted
 WHERE NOT EXISTS (SELECT FROM replay_plans AS plan WHERE plan.plan_id = counted.plan_id);

-- name: delete_spending_of_no_plan
-- What messages of plans spent that are deleted.
DELETE FROM llm_plan_spending AS spent
 WHERE NOT EXISTS (SELECT FROM replay_plans AS plan WHERE plan.plan_id = spent.plan_id);
