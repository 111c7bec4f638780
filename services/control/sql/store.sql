-- name: insert_submission
-- Indexes a record on the topic of submissions once; another one at its place, of a topic that was
-- made anew, takes its row.
INSERT INTO submissions (
    topic, partition, record_offset, transcript_id, revision, content_sha256, submitted_at,
    submitted_by, submitted_by_token
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (topic, partition, record_offset) DO UPDATE
   SET transcript_id = EXCLUDED.transcript_id,
       revision = EXCLUDED.revision,
       content_sha256 = EXCLUDED.content_sha256,
       submitted_at = EXCLUDED.submitted_at,
       submitted_by = EXCLUDED.submitted_by,
       submitted_by_token = EXCLUDED.submitted_by_token
 WHERE (submissions.transcript_id, submissions.revision, submissions.content_sha256,
        submissions.submitted_at)
       IS DISTINCT FROM (EXCLUDED.transcript_id, EXCLUDED.revision, EXCLUDED.content_sha256,
        EXCLUDED.submitted_at);

-- name: select_letters_newest_first
-- The latest letters of those meant.
SELECT *
  FROM dead_letters AS letter
 WHERE letter_matches(letter, $1::jsonb)
   AND ($2::text IS NULL OR state = $2)
   AND (NOT $9 OR outcome IS NOT DISTINCT FROM $10)
   AND ($3 OR NOT settled AND state IN ('open', 'replaying'))
   AND ($11 OR snoozed_until IS NULL OR snoozed_until <= now())
   AND ($5::timestamptz IS NULL
        OR (failed_at, dlq_topic, dlq_partition, dlq_offset) < ($5, $6::text, $7::int, $8::bigint))
 ORDER BY failed_at DESC, dlq_topic DESC, dlq_partition DESC, dlq_offset DESC
 LIMIT $4;

-- name: select_letters_oldest_first
-- The first letters of those meant.
SELECT *
  FROM dead_letters AS letter
 WHERE letter_matches(letter, $1::jsonb)
   AND ($2::text IS NULL OR state = $2)
   AND (NOT $9 OR outcome IS NOT DISTINCT FROM $10)
   AND ($3 OR NOT settled AND state IN ('open', 'replaying'))
   AND ($11 OR snoozed_until IS NULL OR snoozed_until <= now())
   AND ($5::timestamptz IS NULL
        OR (failed_at, dlq_topic, dlq_partition, dlq_offset) > ($5, $6::text, $7::int, $8::bigint))
 ORDER BY failed_at, dlq_topic, dlq_partition, dlq_offset
 LIMIT $4;

-- name: select_letters_between
-- The first two letters in a range of ids: enough to tell whether a prefix is unique.
SELECT * FROM dead_letters WHERE letter_id BETWEEN $1 AND $2 ORDER BY letter_id LIMIT 2;

-- name: claim_for_replay
-- An open letter is being replayed; of two who ask at once, one gets it.
UPDATE dead_letters
   SET state = 'replaying', state_changed_at = now(), state_reason = '', replay_began_at = now(),
       claimed_by = $2, plan_id = NULL, outcome = NULL, outcome_at = NULL, became = NULL
 WHERE letter_id = $1 AND state = 'open'
RETURNING letter_id;

-- name: walk_in_order
-- For this transaction, rows are found by an index in its order. A planner that takes a table which
-- has just grown for a small one would fetch and sort all of it for each batch (ran: 49 us a letter
-- in place of 9).
SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off;

-- name: walk_as_planned
-- What follows in this transaction is planned as anything else is.
SET LOCAL enable_sort = DEFAULT; SET LOCAL enable_bitmapscan = DEFAULT;

-- name: claim_many_for_replay
-- Open letters are being replayed, the next of those meant in the order of the DLQs; what another
-- replay holds is left out.
WITH meant AS (
    SELECT letter_id
      FROM dead_letters AS letter
     WHERE NOT settled
       AND state = 'open'
       AND displaced_at IS NULL
       AND source_topic IS NOT NULL
       AND (snoozed_until IS NULL OR snoozed_until <= now())
       AND (dlq_topic COLLATE "C", dlq_partition, dlq_offset) > ($4, $5, $6)
       AND failed_at <= $2
       AND letter_matches(letter, $1::jsonb)
       AND ($1::jsonb ?| ARRAY['code', 'cause', 'letter_ids'] OR error_code <> ALL ($7::text[])
            OR edit IS NOT NULL)
     ORDER BY dlq_topic COLLATE "C", dlq_partition, dlq_offset
     LIMIT $3
       FOR UPDATE SKIP LOCKED
)
UPDATE dead_letters AS letter
   SET state = 'replaying', state_changed_at = now(), state_reason = '', replay_began_at = now(),
       claimed_by = $8, plan_id = NULL, outcome = NULL, outcome_at = NULL, became = NULL
  FROM meant
 WHERE letter.letter_id = meant.letter_id
RETURNING dlq_topic, dlq_partition, dlq_offset, letter.letter_id, service, message_sha256;

-- name: find_latest_claim
-- When the latest of the letters was claimed that are being replayed, of those meant; null if none is.
SELECT max(coalesce(replay_began_at, state_changed_at))
  FROM dead_letters AS letter
 WHERE NOT settled
   AND state = 'replaying'
   AND ($2::timestamptz IS NULL OR coalesce(replay_began_at, state_changed_at) <= $2)
   AND letter_matches(letter, $1::jsonb);

-- name: count_left_out
-- Open letters of those meant that a replay of many does not try, by why not.
SELECT reason, count(*) AS letters
  FROM (
        SELECT CASE WHEN displaced_at IS NOT NULL THEN 'gone'
                    WHEN source_topic IS NULL THEN 'unknown_source'
                    WHEN snoozed_until > now() THEN 'snoozed'
                    WHEN NOT $1::jsonb ?| ARRAY['code', 'cause', 'letter_ids'] AND error_code = ANY ($3::text[])
                         AND edit IS NULL
                    THEN error_code
               END AS reason
          FROM dead_letters AS letter
         WHERE NOT settled
           AND state = 'open'
           AND failed_at <= $2
           -- As a join: looked up by their ids, however many letters are open.
           AND ($1::jsonb -> 'letter_ids' IS NULL OR letter_id IN (
                SELECT jsonb_array_elements_text($1::jsonb -> 'letter_ids')::uuid
               ))
           AND letter_matches(letter, $1::jsonb)
       ) AS meant
 WHERE reason IS NOT NULL
 GROUP BY reason
 ORDER BY reason;

-- name: count_selection
-- Open letters of those meant, and how many of them a replay of many tries.
SELECT count(*) AS letters,
       count(*) FILTER (
            WHERE displaced_at IS NULL AND source_topic IS NOT NULL
              AND (snoozed_until IS NULL OR snoozed_until <= now())
              AND ($1::jsonb ?| ARRAY['code', 'cause', 'letter_ids'] OR error_code <> ALL ($2::text[])
                   OR edit IS NOT NULL)
       ) AS replayable,
       count(*) FILTER (WHERE snoozed_until > now()) AS snoozed
  FROM dead_letters AS letter
 WHERE NOT settled AND state = 'open'
   -- As a join: looked up by their ids, however many letters are open.
   AND ($1::jsonb -> 'letter_ids' IS NULL OR letter_id IN (
        SELECT jsonb_array_elements_text($1::jsonb -> 'letter_ids')::uuid
       ))
   AND letter_matches(letter, $1::jsonb);

-- name: take_over_interrupted
-- Takes over letters whose replay was cut short: of replicas that are gone, and this one's own that it
-- is not at work on, so many at a time. Of two who ask at once, one gets each.
WITH interrupted AS (
    SELECT letter_id
      FROM dead_letters
     WHERE NOT settled
       AND state = 'replaying'
       AND letter_id <> ALL ($2::uuid[])
       AND (claimed_by IS NULL OR claimed_by = $1 OR NOT EXISTS (
            SELECT FROM pg_locks AS held
             WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
               AND held.classid = $3::int::oid AND held.objid = claimed_by::oid
               AND held.database = (
                    SELECT oid FROM pg_database WHERE datname = current_database()
               )
       ))
     ORDER BY dlq_topic COLLATE "C", dlq_partition, dlq_offset
     LIMIT $4
       FOR UPDATE SKIP LOCKED
)
UPDATE dead_letters AS letter
   SET claimed_by = $1
  FROM interrupted
 WHERE letter.letter_id = interrupted.letter_id
RETURNING dlq_topic, dlq_partition, dlq_offset, letter.letter_id, service, message_sha256,
          letter.plan_id;

-- name: release_claims
-- Letters whose replay did not come to pass are open again, without an outcome. One whose message has
-- failed again meanwhile was sent, whatever the broker answered: the letter that it became is open. In
-- one order, as by whoever else changes many letters, so that none waits for the other. What the broker may
-- have all the same is not edited. One that another replica took over is that one's to open: it may be
-- sending it.
WITH unsent AS (
    SELECT letter_id
      FROM dead_letters
     WHERE letter_id = ANY($1::uuid[]) AND state = 'replaying' AND claimed_by = $3
     ORDER BY letter_id
       FOR UPDATE
)
UPDATE dead_letters AS letter
   SET state = CASE WHEN outcome = 'failed_again' THEN 'replayed' ELSE 'open' END,
       state_changed_at = now(), claimed_by = NULL,
       outcome = CASE WHEN outcome = 'failed_again' THEN outcome END,
       outcome_at = CASE WHEN outcome = 'failed_again' THEN outcome_at END,
       became = CASE WHEN outcome = 'failed_again' THEN became END,
       may_be_sent = may_be_sent OR letter.letter_id = ANY($2::uuid[])
  FROM unsent
 WHERE letter.letter_id = unsent.letter_id;

-- name: mark_many_replayed
-- The replayed messages are in Kafka; a trigger has what becomes of them looked for, unless it is known.
-- The claim's columns and these are in no index, which makes both heap-only updates (0053).
WITH sent AS (
    SELECT letter_id
      FROM dead_letters
     WHERE letter_id = ANY($1::uuid[]) AND state = 'replaying'
     ORDER BY letter_id
       FOR UPDATE
)
UPDATE dead_letters AS letter
   SET state = 'replayed', state_changed_at = now(), claimed_by = NULL
  FROM sent
 WHERE letter.letter_id = sent.letter_id;

-- name: discard
-- A person gives up an open letter, and says why.
UPDATE dead_letters
   SET state = 'discarded', state_changed_at = now(), state_reason = $2, discard_id = NULL
 WHERE letter_id = $1 AND state = 'open'
RETURNING letter_id;

-- name: count_letters
-- Letters by service, state and cause.
SELECT service,
       shown_letter_state(state, outcome) AS state,
       error_code, count(*) AS letters,
       count(*) FILTER (
            WHERE state = 'open' AND displaced_at IS NULL AND source_topic IS NOT NULL
       ) AS replayable
  FROM dead_letters
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3;

-- name: select_models
-- Models and versions of prompts by which letters can be selected: those of letters, found one after the
-- other by an index, and those of the latest calls.
WITH RECURSIVE models AS (
    (SELECT min(model) AS name FROM dead_letters)
     UNION ALL
    SELECT (SELECT min(model) FROM dead_letters WHERE model > models.name)
      FROM models
     WHERE models.name IS NOT NULL
), prompts AS (
    (SELECT min(prompt_version) AS name FROM dead_letters)
     UNION ALL
    SELECT (SELECT min(prompt_version) FROM dead_letters WHERE prompt_version > prompts.name)
      FROM prompts
     WHERE prompts.name IS NOT NULL
), latest AS (
    SELECT model, prompt_version
      FROM llm_calls
     WHERE purpose IN ('draft', 'draft-repair')
     ORDER BY started_at DESC
     LIMIT 1000
)
SELECT ARRAY(
            SELECT name FROM models WHERE name IS NOT NULL
             UNION
            SELECT model FROM latest
             ORDER BY 1
       ) AS models,
       ARRAY(
            SELECT name FROM prompts WHERE name IS NOT NULL
             UNION
            SELECT prompt_version FROM latest
             ORDER BY 1
       ) AS prompts;
