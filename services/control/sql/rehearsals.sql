-- name: insert_rehearsal
-- A rehearsal begins.
INSERT INTO rehearsals (rehearsal_id, mode, budget_usd, created_by, overrides)
VALUES ($1, $2, $3, $4, $5::jsonb);

-- name: choose_letters
-- The open letters that match, or are named, become a rehearsal's; of too many, from each cause about
-- as many, by chance. Returns how many there were.
WITH matching AS (
    SELECT letter_id, service, cause_id
      FROM dead_letters AS letter
     WHERE NOT settled AND state = 'open'
       AND ($3::uuid[] IS NULL OR letter_id = ANY ($3))
       AND letter_matches(letter, $2::jsonb)
), ranked AS (
    SELECT *,
           row_number() OVER (
               PARTITION BY cause_id ORDER BY hashtextextended(letter_id::text || $1::uuid::text, 0)
           ) AS place
      FROM matching
), chosen AS (
    SELECT * FROM ranked ORDER BY place, cause_id LIMIT $4
), inserted AS (
    INSERT INTO rehearsed_letters (rehearsal_id, letter_id, service, cause_id)
    SELECT $1::uuid, letter_id, service, cause_id FROM chosen
)
UPDATE rehearsals
   SET matching = (SELECT count(*) FROM matching)
 WHERE rehearsal_id = $1
RETURNING matching;

-- name: select_rehearsal
-- One rehearsal, with what its letters come to, and how the predictions compare with replays since.
WITH counted AS (
    SELECT prediction, count(*) AS letters, sum(calls_cached) AS calls_cached,
           sum(calls_made) AS calls_made, sum(calls_needed) AS calls_needed,
           sum(cost_usd) AS cost_usd
      FROM rehearsed_letters
     WHERE rehearsal_id = $1
     GROUP BY prediction
)
SELECT rehearsal.rehearsal_id, rehearsal.state, rehearsal.mode, rehearsal.budget_usd,
       rehearsal.overrides,
       rehearsal.matching, rehearsal.created_at, rehearsal.created_by, rehearsal.finished_at,
       coalesce((SELECT sum(letters) FROM counted), 0)::int AS letters,
       coalesce((SELECT sum(letters) FROM counted WHERE prediction IS NOT NULL), 0)::int
           AS rehearsed,
       (SELECT jsonb_object_agg(prediction, letters) FROM counted WHERE prediction IS NOT NULL)
           AS predictions,
       coalesce((SELECT sum(calls_cached) FROM counted), 0)::int AS calls_cached,
       coalesce((SELECT sum(calls_made) FROM counted), 0)::int AS calls_made,
       coalesce((SELECT sum(calls_needed) FROM counted), 0)::int AS calls_needed,
       coalesce((SELECT sum(cost_usd) FROM counted), 0) AS cost_usd
  FROM rehearsals AS rehearsal
 WHERE rehearsal.rehearsal_id = $1;

-- name: select_outcomes
-- Letters of a rehearsal that were replayed since, with what became of them, as for plans: failed, if
-- the message, or for the guardrail the next draft of the same chunk, became another letter.
SELECT rehearsed.letter_id, rehearsed.prediction, rehearsed.predicted_cause_id,
       again.cause_id AS failed_cause_id,
       CASE letter.outcome WHEN 'failed_again' THEN 'failed'
                           WHEN 'resolved' THEN 'passed'
                           ELSE 'pending'
       END AS outcome
  FROM rehearsed_letters AS rehearsed
  JOIN dead_letters AS letter
    ON letter.letter_id = rehearsed.letter_id
   AND letter.state IN ('replaying', 'replayed')
   AND letter.replay_began_at > rehearsed.rehearsed_at
  LEFT JOIN dead_letters AS again
    ON again.letter_id = letter.became AND letter.outcome = 'failed_again'
 WHERE rehearsed.rehearsal_id = $1
   AND rehearsed.rehearsed_at IS NOT NULL
   AND ($2::uuid[] IS NULL OR rehearsed.letter_id = ANY ($2));

-- name: select_rehearsed_letters
-- A page of a rehearsal's letters, by id.
SELECT letter_id, service, cause_id, prediction, predicted_service, predicted_code,
       predicted_message, predicted_cause_id, reason, calls_cached, calls_made, calls_needed,
       cost_usd
  FROM rehearsed_letters
 WHERE rehearsal_id = $1
   AND ($2::text IS NULL OR prediction = $2)
   AND ($3::text IS NULL OR cause_id = $3)
   AND ($4::uuid IS NULL OR letter_id > $4)
 ORDER BY letter_id
 LIMIT $5;

-- name: claim_rehearsal
-- The first rehearsal that nobody works on is this worker's for a while.
UPDATE rehearsals
   SET worker = $1, leased_until = now() + $2::interval, begun_at = coalesce(begun_at, now())
 WHERE rehearsal_id = (
        SELECT rehearsal_id
          FROM rehearsals
         WHERE state = 'running' AND (leased_until IS NULL OR leased_until < now() OR worker = $1)
         ORDER BY created_at
         LIMIT 1
           FOR UPDATE SKIP LOCKED
       )
RETURNING rehearsal_id, mode, budget_usd, overrides;

-- name: renew_lease
-- The worker goes on; nothing is returned if the rehearsal is no longer its own, or was cancelled.
UPDATE rehearsals
   SET leased_until = now() + $3::interval
 WHERE rehearsal_id = $1 AND worker = $2 AND state = 'running'
RETURNING rehearsal_id;

-- name: select_next_letters
-- Letters of a rehearsal that are not rehearsed yet, with their places in the DLQs.
SELECT rehearsed.letter_id, letter.state, letter.source_topic, letter.displaced_at,
       letter.size_bytes, letter.dlq_topic, letter.dlq_partition, letter.dlq_offset,
       letter.service, letter.message_sha256, letter.subject
  FROM rehearsed_letters AS rehearsed
  LEFT JOIN dead_letters AS letter USING (letter_id)
 WHERE rehearsed.rehearsal_id = $1 AND rehearsed.prediction IS NULL
 ORDER BY letter.dlq_topic COLLATE "C", letter.dlq_partition, letter.dlq_offset
 LIMIT $2;

-- name: select_spent
-- What the calls of a rehearsal have cost by the ledger, which has also those whose answers nobody
-- waited for; one under way counts with its worst case. At least what its stages have answered. And
-- whether calls have been under way for no longer than $2: they are about to be settled.
WITH called AS (
    SELECT call.settled_at, call.started_at,
           coalesce(CASE WHEN call.settled_at IS NULL THEN call.worst_usd ELSE call.cost_usd END, 0)
               AS cost_usd
      FROM rehearsals AS rehearsal
      JOIN llm_calls AS call
        -- The services' clocks may be behind.
        ON call.started_at >= coalesce(rehearsal.begun_at, rehearsal.created_at) - interval '10 s'
     WHERE rehearsal.rehearsal_id = $1
       AND call.purpose IN ('rehearsal', 'rehearsal-repair')
       AND EXISTS (
            SELECT FROM dead_letters AS letter
              JOIN rehearsed_letters AS rehearsed USING (letter_id)
             WHERE letter.subject = call.subject AND rehearsed.rehearsal_id = $1
           )
)
SELECT greatest(
           (SELECT coalesce(sum(cost_usd), 0) FROM called),
           (SELECT coalesce(sum(cost_usd), 0) FROM rehearsed_letters WHERE rehearsal_id = $1)
       ) AS spent,
       EXISTS (
            SELECT FROM called WHERE settled_at IS NULL AND started_at > now() - $2::interval
       ) AS is_settling;

-- name: store_prediction
-- What was found out about a letter; a failure is of the letter's cause or of another one.
WITH found AS (
    SELECT CASE WHEN $5::text = '' THEN ''
                ELSE letter_cause_id($4::text, $5::text, $6::text, $7::text)
           END AS cause_id
)
UPDATE rehearsed_letters AS letter
   SET prediction = CASE WHEN found.cause_id = '' THEN $3
                         WHEN found.cause_id = letter.cause_id THEN 'same_cause'
                         ELSE 'other_cause'
                    END,
       predicted_service = $4, predicted_code = $5, predicted_message = $7,
       predicted_cause_id = found.cause_id, reason = $8, calls_cached = $9, calls_made = $10,
       calls_needed = $11, cost_usd = $12, rehearsed_at = now()
  FROM found
 WHERE letter.rehearsal_id = $1 AND letter.letter_id = $2 AND letter.prediction IS NULL;

-- name: refuse_letters
-- Letters of a rehearsal that are not rehearsed will not be.
UPDATE rehearsed_letters
   SET prediction = 'not_rehearsed', reason = $2, rehearsed_at = now()
 WHERE rehearsal_id = $1 AND prediction IS NULL;

-- name: finish_rehearsal
-- All letters of a rehearsal are rehearsed.
UPDATE rehearsals
   SET state = 'done', finished_at = now(), leased_until = NULL
 WHERE rehearsal_id = $1 AND state = 'running';

-- name: cancel_rehearsal
-- No more letters are rehearsed.
UPDATE rehearsals
   SET state = 'cancelled', finished_at = now(), leased_until = NULL
 WHERE rehearsal_id = $1 AND state = 'running'
RETURNING rehearsal_id;

-- name: delete_old_rehearsals
-- Rehearsals are kept for a while.
DELETE FROM rehearsals WHERE state <> 'running' AND finished_at < now() - $1::interval;
