-- name: insert_letter
-- Indexes a letter once; no row comes back if its id or its place is known.
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
    source_offset, consumer_group, error_code, error_type, error_message, attempts, timeouts,
    first_failed_at, failed_at, fingerprint, replay_of, subject, key, headers, size_bytes
)
VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22
)
ON CONFLICT DO NOTHING
RETURNING letter_id;

-- name: displace_letter
-- Another letter was read at this place: the DLQ was made anew, and this letter's bytes are gone.
UPDATE dead_letters
   SET displaced_at = now()
 WHERE dlq_topic = $2 AND dlq_partition = $3 AND dlq_offset = $4
   AND letter_id <> $1 AND displaced_at IS NULL
RETURNING letter_id;

-- name: place_letter
-- A letter that is known was read at this place.
UPDATE dead_letters
   SET dlq_topic = $2, dlq_partition = $3, dlq_offset = $4, displaced_at = NULL
 WHERE letter_id = $1;

-- name: insert_submission
-- Indexes a record on the topic of submissions once.
INSERT INTO submissions (topic, partition, record_offset, transcript_id, revision, submitted_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (topic, partition, record_offset) DO NOTHING;

-- name: select_letters_newest_first
-- The latest letters of those meant.
SELECT *
  FROM dead_letters
 WHERE ($1::text IS NULL OR service = $1)
   AND ($2::text IS NULL OR error_code = $2)
   AND ($3::text IS NULL OR state = $3)
   AND ($7 OR NOT settled)
   AND ($4::text IS NULL OR fingerprint = $4)
   AND ($5::text IS NULL OR subject = $5)
 ORDER BY failed_at DESC, dlq_topic DESC, dlq_partition DESC, dlq_offset DESC
 LIMIT $6;

-- name: select_letters_oldest_first
-- The first letters of those meant.
SELECT *
  FROM dead_letters
 WHERE ($1::text IS NULL OR service = $1)
   AND ($2::text IS NULL OR error_code = $2)
   AND ($3::text IS NULL OR state = $3)
   AND ($7 OR NOT settled)
   AND ($4::text IS NULL OR fingerprint = $4)
   AND ($5::text IS NULL OR subject = $5)
 ORDER BY failed_at, dlq_topic, dlq_partition, dlq_offset
 LIMIT $6;

-- name: select_letters_between
-- The first two letters in a range of ids: enough to tell whether a prefix is unique.
SELECT * FROM dead_letters WHERE letter_id BETWEEN $1 AND $2 ORDER BY letter_id LIMIT 2;

-- name: claim_for_replay
-- An open letter is being replayed; of two who ask at once, one gets it.
UPDATE dead_letters
   SET state = 'replaying', state_changed_at = now(), state_reason = ''
 WHERE letter_id = $1 AND state = 'open'
RETURNING letter_id;

-- name: walk_in_order
-- For this transaction, rows are found by an index in its order. A planner that takes a table which
-- has just grown for a small one would fetch and sort all of it for each batch (ran: 49 us a letter
-- in place of 9).
SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off;

-- name: claim_many_for_replay
-- Open letters are being replayed, the next of those meant in the order of the DLQs; what another
-- replay holds is left out.
WITH meant AS (
    SELECT letter_id
      FROM dead_letters
     WHERE NOT settled
       AND state = 'open'
       AND displaced_at IS NULL
       AND source_topic IS NOT NULL
       AND (dlq_topic COLLATE "C", dlq_partition, dlq_offset) > ($7, $8, $9)
       AND failed_at <= $5
       AND ($1::text IS NULL OR service = $1)
       AND ($2::text IS NULL OR error_code = $2)
       AND ($3::text IS NULL OR fingerprint = $3)
       AND ($4::text IS NULL OR subject = $4)
     ORDER BY dlq_topic COLLATE "C", dlq_partition, dlq_offset
     LIMIT $6
       FOR UPDATE SKIP LOCKED
)
UPDATE dead_letters AS letter
   SET state = 'replaying', state_changed_at = now(), state_reason = ''
  FROM meant
 WHERE letter.letter_id = meant.letter_id
RETURNING dlq_topic, dlq_partition, dlq_offset, letter.letter_id, service;

-- name: select_replaying
-- Where the letters are whose replay a crash may have cut short.
SELECT dlq_topic, dlq_partition, dlq_offset, letter_id, service
  FROM dead_letters
 WHERE NOT settled AND state = 'replaying';

-- name: release_claims
-- Letters whose replay did not come to pass are open again.
UPDATE dead_letters
   SET state = 'open', state_changed_at = now()
 WHERE letter_id = ANY($1::uuid[]) AND state = 'replaying';

-- name: mark_many_replayed
-- The replayed messages are in Kafka.
UPDATE dead_letters
   SET state = 'replayed', state_changed_at = now()
 WHERE letter_id = ANY($1::uuid[]) AND state = 'replaying';

-- name: discard
-- A person gives up an open letter, and says why.
UPDATE dead_letters
   SET state = 'discarded', state_changed_at = now(), state_reason = $2
 WHERE letter_id = $1 AND state = 'open'
RETURNING letter_id;

-- name: count_letters
-- Letters by service, state and cause.
SELECT service, state, error_code, count(*) AS letters
  FROM dead_letters
 GROUP BY service, state, error_code
 ORDER BY service, state, error_code;
