-- name: begin_discard
-- Notes who begins a discard, unless it was begun before.
INSERT INTO letter_discards (discard_id, token_id, filter)
SELECT $1, $2, $3::jsonb
 WHERE NOT EXISTS (SELECT FROM dead_letters WHERE discard_id = $1)
ON CONFLICT DO NOTHING;

-- name: is_own_discard
-- Whether a caller began a discard, with this filter.
SELECT EXISTS (
        SELECT FROM letter_discards
         WHERE discard_id = $1 AND token_id = $2 AND filter = $3::jsonb
       );

-- name: walk_letters_in_order
-- For this transaction, rows are found by an index in its order, from where the request before ended: for
-- a table that has just grown, the planner would fetch and sort all of it each time.
SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off;

-- name: discard_many
-- Discards open letters of those meant, the next ones behind a place in the order of the DLQs; what a
-- replay holds is left out, and so are snoozed letters.
WITH meant AS (
    SELECT letter_id
      FROM dead_letters AS letter
     WHERE NOT settled
       AND state = 'open'
       AND failed_at <= $2
       AND (snoozed_until IS NULL OR snoozed_until <= now())
       AND (dlq_topic COLLATE "C", dlq_partition, dlq_offset) > ($6, $7::int, $8::bigint)
       AND letter_matches(letter, $1::jsonb)
     ORDER BY dlq_topic COLLATE "C", dlq_partition, dlq_offset
     LIMIT $3
       FOR UPDATE SKIP LOCKED
)
UPDATE dead_letters AS letter
   SET state = 'discarded', state_changed_at = now(), state_reason = $4, discard_id = $5
  FROM meant
 WHERE letter.letter_id = meant.letter_id
RETURNING dlq_topic, dlq_partition, dlq_offset;

-- name: restore_discard
-- Opens letters of one discard again that are still discarded, and whose messages are still kept.
WITH meant AS (
    SELECT letter_id
      FROM dead_letters
     WHERE discard_id = $1 AND state = 'discarded' AND outcome IS NULL AND emptied_at IS NULL
     LIMIT $2
       FOR UPDATE SKIP LOCKED
)
UPDATE dead_letters AS letter
   SET state = 'open', state_changed_at = now(), state_reason = ''
  FROM meant
 WHERE letter.letter_id = meant.letter_id
RETURNING letter.letter_id;

-- name: count_discard
-- How many letters were in a discard, and how many of them can be opened again.
SELECT count(*) AS letters, count(*) FILTER (
        WHERE state = 'discarded' AND outcome IS NULL AND emptied_at IS NULL
       ) AS discarded
  FROM dead_letters
 WHERE discard_id = $1;

-- name: restore_letter
-- Opens a discarded letter again whose message is still kept.
UPDATE dead_letters
   SET state = 'open', state_changed_at = now(), state_reason = ''
 WHERE letter_id = $1 AND state = 'discarded' AND outcome IS NULL AND emptied_at IS NULL
RETURNING letter_id;

-- name: snooze_many
-- Snoozes open letters of those meant until then; null: no longer. Letters that are snoozed until then
-- already are not counted, so that a request that is sent again ends.
WITH meant AS (
    SELECT letter_id
      FROM dead_letters AS letter
     WHERE NOT settled
       AND state = 'open'
       AND failed_at <= $2
       AND snoozed_until IS DISTINCT FROM $4
       AND (dlq_topic COLLATE "C", dlq_partition, dlq_offset) > ($5, $6::int, $7::bigint)
       AND letter_matches(letter, $1::jsonb)
     ORDER BY dlq_topic COLLATE "C", dlq_partition, dlq_offset
     LIMIT $3
       FOR UPDATE SKIP LOCKED
)
UPDATE dead_letters AS letter
   SET snoozed_until = $4::timestamptz
  FROM meant
 WHERE letter.letter_id = meant.letter_id
RETURNING dlq_topic, dlq_partition, dlq_offset;

-- name: snooze_letter
-- Snoozes one open letter; null: no longer.
UPDATE dead_letters
   SET snoozed_until = $2
 WHERE letter_id = $1 AND state = 'open'
RETURNING letter_id;

-- name: count_snoozed
-- How many open letters of those meant are snoozed now.
SELECT count(*)
  FROM dead_letters AS letter
 WHERE NOT settled
   AND state = 'open'
   AND snoozed_until > now()
   AND letter_matches(letter, $1::jsonb);
