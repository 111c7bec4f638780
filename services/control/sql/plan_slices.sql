-- name: advance
-- Takes the next letters of a plan, if it is running here and where it was; nothing otherwise.
UPDATE replay_plans
   SET position = $3, step_ended_at = NULL
 WHERE plan_id = $1 AND position = $2 AND state = 'running' AND claimed_by = $4
RETURNING is_forced, meant ?| ARRAY['code', 'cause'] AS names_cause;

-- name: select_slice
-- The next letters of a plan's set, behind those that were taken, in the set's order.
SELECT begins, letter_ids
  FROM replay_plan_batches
 WHERE plan_id = $1 AND begins <= $2::int AND begins > $2::int - $3::int
 ORDER BY begins;

-- name: claim_slice
-- Letters of a plan are being replayed, as far as they are open, in their place and as they were when
-- it was made: neither snoozed nor failed anew since (services' clocks differ from the database's, so
-- that a letter also has to have changed).
WITH meant AS (
    SELECT letter_id
      FROM dead_letters
     WHERE letter_id = ANY ($2::uuid[])
       AND state = 'open' AND displaced_at IS NULL AND source_topic IS NOT NULL
       AND (snoozed_until IS NULL OR snoozed_until <= now())
       AND NOT (least(failed_at, state_changed_at) > (
            SELECT created_at FROM replay_plans WHERE plan_id = $1
       ))
     ORDER BY letter_id
       FOR UPDATE
)
UPDATE dead_letters AS letter
   SET state = 'replaying', state_changed_at = now(), state_reason = '', replay_began_at = now(),
       claimed_by = $3, plan_id = $1, outcome = NULL, outcome_at = NULL, became = NULL
  FROM meant
 WHERE letter.letter_id = meant.letter_id
RETURNING dlq_topic, dlq_partition, dlq_offset, letter.letter_id, service, message_sha256,
          letter.plan_id;

-- name: count_not_claimed
-- Why letters of a plan are not sent, that are not being replayed by it.
SELECT CASE WHEN letter.letter_id IS NULL THEN 'unknown'
            WHEN displaced_at IS NOT NULL THEN 'gone'
            WHEN settled THEN shown_letter_state(state, outcome)
            WHEN state = 'open' AND snoozed_until > now() THEN 'snoozed'
            WHEN state = 'open' AND source_topic IS NOT NULL THEN 'failed_since'
            ELSE state
       END AS reason, count(*)::int AS letters
  FROM unnest($1::uuid[]) AS asked (letter_id)
  LEFT JOIN dead_letters AS letter USING (letter_id)
 GROUP BY 1;

-- name: add_not_sent
-- Adds to the letters of a plan that were not sent, by why not; takes off what is negative.
UPDATE replay_plans AS plan
   SET not_sent = (
            SELECT coalesce(jsonb_object_agg(reason, letters), '{}')
              FROM (
                    SELECT reason, sum(letters::int) AS letters
                      FROM (
                            SELECT * FROM jsonb_each_text(plan.not_sent)
                             UNION ALL
                            SELECT * FROM jsonb_each_text($2::jsonb)
                           ) AS each (reason, letters)
                     GROUP BY reason
                    HAVING sum(letters::int) <> 0
                   ) AS summed
       )
 WHERE plan_id = $1;

-- name: withdraw
-- Puts a plan back to before a slice of which nothing was sent, if it is behind it, and is here.
UPDATE replay_plans
   SET position = $2
 WHERE plan_id = $1 AND position = $3 AND claimed_by = $4
RETURNING plan_id;

-- name: open_slice
-- Letters of a slice are open again of which nothing was sent, and no plan's: what becomes of them is not
-- counted as the plan's. In one order, as by whoever else changes many letters.
WITH unsent AS (
    SELECT letter_id
      FROM dead_letters
     WHERE letter_id = ANY ($1::uuid[]) AND state = 'replaying' AND claimed_by = $2 AND outcome IS NULL
     ORDER BY letter_id
       FOR UPDATE
)
UPDATE dead_letters AS letter
   SET state = 'open', state_changed_at = now(), claimed_by = NULL, plan_id = NULL
  FROM unsent
 WHERE letter.letter_id = unsent.letter_id
RETURNING letter.letter_id;
