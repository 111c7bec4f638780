-- name: insert_letters
-- Indexes letters once; those whose id or place is known are not returned. The model and the prompt are
-- those of the latest call for a draft about the same before; clocks of services differ by seconds.
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
    source_offset, source_sent_at, consumer_group, error_code, error_type, error_message, attempts,
    timeouts, first_failed_at, failed_at, fingerprint, replay_of, subject, revision, content_sha256,
    key, message_sha256, study_id, producer, headers, size_bytes, model, prompt_version
)
SELECT given.*, call.model, call.prompt_version
  FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::int[],
        $8::bigint[], $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::int[], $15::int[], $16::timestamptz[], $17::timestamptz[], $18::text[], $19::uuid[],
        $20::text[], $21::int[], $22::text[], $23::bytea[], $24::bytea[], $25::text[], $26::text[],
        $27::jsonb[], $28::bigint[]
       ) AS given (
        letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
        source_offset, source_sent_at, consumer_group, error_code, error_type, error_message,
        attempts, timeouts, first_failed_at, failed_at, fingerprint, replay_of, subject, revision,
        content_sha256, key, message_sha256, study_id, producer, headers, size_bytes
       )
  LEFT JOIN LATERAL (
        SELECT model, prompt_version
          FROM llm_calls
         WHERE llm_calls.subject = given.subject
           AND purpose IN ('draft', 'draft-repair')
           AND started_at <= given.failed_at + interval '10 s'
         ORDER BY started_at DESC
         LIMIT 1
       ) AS call ON true
ON CONFLICT DO NOTHING
RETURNING letter_id;

-- name: adopt_letter
-- A letter that an earlier version indexed, by the id in its headers, is read again at its place; not one
-- that was gone from there.
UPDATE dead_letters
   SET message_sha256 = $5
 WHERE letter_id = $1 AND dlq_topic = $2 AND dlq_partition = $3 AND dlq_offset = $4
   AND (message_sha256 IS NULL OR message_sha256 = $5)
   AND size_bytes = $6 AND key IS NOT DISTINCT FROM $7 AND displaced_at IS NULL
RETURNING letter_id;

-- name: displace_letter
-- Another letter was read at this place: the DLQ was made anew, and this letter's bytes are gone.
UPDATE dead_letters
   SET displaced_at = now()
 WHERE dlq_topic = $2 AND dlq_partition = $3 AND dlq_offset = $4
   AND letter_id <> $1 AND displaced_at IS NULL
RETURNING letter_id;

-- name: place_letter
-- A letter that is known was read at this place; one that expired because its bytes were gone is open.
WITH placed AS (
    UPDATE dead_letters AS letter
       SET dlq_topic = $2, dlq_partition = $3, dlq_offset = $4, displaced_at = NULL,
           state = CASE WHEN expired THEN 'open' ELSE state END,
           state_changed_at = CASE WHEN expired THEN now() ELSE state_changed_at END,
           state_reason = CASE WHEN expired THEN '' ELSE state_reason END,
           outcome_at = CASE WHEN expired THEN NULL ELSE outcome_at END,
           outcome = CASE WHEN expired THEN NULL ELSE outcome END
      FROM (
            SELECT letter_id, outcome = 'expired' AND emptied_at IS NULL AS expired
              FROM dead_letters
             WHERE letter_id = $1
               FOR UPDATE
           ) AS known
     WHERE letter.letter_id = known.letter_id
    RETURNING letter.letter_id, expired
)
INSERT INTO settlement_checks (letter_id) SELECT letter_id FROM placed WHERE expired;

-- name: reopen_letter
-- A letter whose message failed again after the letter was closed is open again, with the new cause, and
-- with the model and the prompt that its draft was asked for since. One that was only written or read
-- twice failed before. What became of its interview changes, too. Where its time was over, its key is
-- there again, and its edits are not.
WITH reopened AS (
    UPDATE dead_letters AS letter
       SET state = 'open', state_changed_at = now(), state_reason = '', error_code = $2,
           error_type = $3, error_message = $4, attempts = $5, timeouts = $6, failed_at = $7,
           fingerprint = $8, headers = $9, outcome = NULL, outcome_at = NULL, became = NULL,
           snoozed_until = NULL, may_be_sent = false, emptied_at = NULL, key = $10,
           edit = CASE WHEN emptied_at IS NULL THEN edit END,
           content_sha256 = CASE WHEN emptied_at IS NOT NULL AND edit IS NOT NULL
                                      AND service = 'ingestion' THEN NULL
                                 ELSE content_sha256 END,
           (model, prompt_version) = (
                -- As before, if the calls are deleted.
                SELECT coalesce(max(call.model), letter.model),
                       CASE WHEN count(*) = 0 THEN letter.prompt_version
                            ELSE max(call.prompt_version) END
                  FROM (
                        SELECT model, prompt_version
                          FROM llm_calls
                         WHERE llm_calls.subject = letter.subject
                           AND purpose IN ('draft', 'draft-repair')
                           AND started_at <= $7::timestamptz + interval '10 s'
                         ORDER BY started_at DESC
                         LIMIT 1
                       ) AS call
           )
     WHERE letter_id = $1
       AND state IN ('replayed', 'discarded')
       AND failed_at < $7 AND state_changed_at < $7
    RETURNING letter_id
)
INSERT INTO settlement_checks (letter_id) SELECT letter_id FROM reopened RETURNING letter_id;

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
