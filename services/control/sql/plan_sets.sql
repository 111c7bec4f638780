-- name: prepare_to_freeze
-- For this transaction: a set is sorted in memory, and joined by hashes. A planner that takes a table
-- which has just grown for a small one would go through all letters for each. Compiling costs more
-- than it saves. A replica that is gone does not leave the statement behind.
SET LOCAL work_mem = '256MB'; SET LOCAL enable_nestloop = off; SET LOCAL jit = off;
SET LOCAL client_connection_check_interval = '2s';

-- name: limit_time
-- For this transaction, the longest time of a statement in milliseconds.
SELECT set_config('statement_timeout', $1, true);

-- name: lock_set
-- Whether a plan's set is yet to be written, here, by nobody else until the end of the transaction. The
-- plan itself stays free for whoever cancels it.
SELECT EXISTS (
        SELECT FROM replay_plans
         WHERE plan_id = $1 AND state = 'freezing' AND (claimed_by IS NULL OR claimed_by = $2)
       )
   AND pg_try_advisory_xact_lock(hashtextextended($1::text, 0));

-- name: is_freezing
-- Whether a plan's set is yet to be written.
SELECT EXISTS (SELECT FROM replay_plans WHERE plan_id = $1 AND state = 'freezing');

-- name: select_freezing_plan
-- A plan whose set is yet to be written.
SELECT created_at, meant, is_canary, most_letters, is_forced
  FROM replay_plans
 WHERE plan_id = $1 AND state = 'freezing';

-- name: freeze
-- Writes the set of a plan: the open letters that are meant, as of when the plan was made, by steps
-- and, within a step, in the order of the DLQs. Steps are samples of interviews by a hash with the
-- plan's own seed, so that letters of one interview go in one step. Returns the letters by the end of
-- each step that has any, and the hash of the ids as text, in the set's order, a line each.
--
-- It is sorted once, by one number: of 63 bits, 5 are the step, 10 a hash of the DLQ and its partition,
-- and 48 the offset. The whole set is one array, of which slices are cheap (ran: 3.3 s of CPU a million
-- letters; a window over three columns took 4.3 s, and a pattern in place of pg_input_is_valid 7 more).
WITH meant AS MATERIALIZED (
    SELECT letter.letter_id,
           (((hashtext(letter.dlq_topic)::bigint + letter.dlq_partition) & 1023) << 48)
           | (letter.dlq_offset & ((1::bigint << 48) - 1)) AS place,
           -- Of a letter about an interview, and of those about its chunks, the same.
           (CASE WHEN chunk.transcript_id IS NOT NULL
                 THEN uuid_hash_extended(chunk.transcript_id, $3)
                 WHEN letter.subject IS NULL THEN uuid_hash_extended(letter.letter_id, $3)
                 WHEN length(letter.subject) = 36 AND pg_input_is_valid(letter.subject, 'uuid')
                 THEN uuid_hash_extended(letter.subject::uuid, $3)
                 ELSE hashtextextended(letter.subject, $3)
            END & 65535)::int AS bucket
      FROM dead_letters AS letter
      LEFT JOIN chunks AS chunk
        ON chunk.chunk_id = CASE
                WHEN length(letter.subject) = 36 AND pg_input_is_valid(letter.subject, 'uuid')
                THEN letter.subject::uuid
           END
     WHERE NOT letter.settled
       AND letter.state = 'open'
       AND letter.displaced_at IS NULL
       AND letter.source_topic IS NOT NULL
       AND (letter.snoozed_until IS NULL OR letter.snoozed_until <= now())
       -- As a join: looked up by their ids, however many letters are open.
       AND ($2::jsonb -> 'letter_ids' IS NULL OR letter.letter_id IN (
            SELECT jsonb_array_elements_text($2::jsonb -> 'letter_ids')::uuid
           ))
       AND letter_matches(letter, $2::jsonb)
       AND ($2::jsonb ?| ARRAY['code', 'cause', 'letter_ids'] OR letter.error_code <> ALL ($4::text[])
            OR letter.edit IS NOT NULL)
       AND letter.indexed_at <= $7
       AND NOT (least(letter.failed_at, letter.state_changed_at) > $7)
       AND ($8::int IS NULL OR letter.letter_id IN (
            SELECT first.letter_id
              FROM dead_letters AS first
             WHERE NOT first.settled
               AND first.state = 'open'
               AND first.displaced_at IS NULL
               AND first.source_topic IS NOT NULL
               AND (first.snoozed_until IS NULL OR first.snoozed_until <= now())
               AND letter_matches(first, $2::jsonb)
               AND ($2::jsonb ?| ARRAY['code', 'cause', 'letter_ids'] OR first.error_code <> ALL ($4::text[])
                    OR first.edit IS NOT NULL)
               AND first.indexed_at <= $7
               AND NOT (least(first.failed_at, first.state_changed_at) > $7)
             ORDER BY first.dlq_topic COLLATE "C", first.dlq_partition, first.dlq_offset
             LIMIT $8
       ))
), counted AS MATERIALIZED (
    SELECT bucket, sum(count(*)) OVER (ORDER BY bucket) AS upto, sum(count(*)) OVER () AS total
      FROM meant
     GROUP BY bucket
), ends AS MATERIALIZED (
    -- A step ends before it would be larger than its share; an interview that is, is a step.
    SELECT DISTINCT bucket, upto
      FROM (
            SELECT coalesce(
                        max(bucket) FILTER (WHERE upto <= share * total), min(bucket)
                   ) AS bucket
              FROM counted, unnest($5::float8[]) AS share
             GROUP BY share
           ) AS last
      JOIN counted USING (bucket)
), ordered AS MATERIALIZED (
    SELECT array_agg(letter_id ORDER BY place) AS letter_ids,
           string_agg(letter_id::text, E'\n' ORDER BY place) AS lines
      FROM (
            SELECT letter_id,
                   (width_bucket(
                        bucket, ARRAY(SELECT bucket + 1 FROM ends ORDER BY bucket)
                    )::bigint << 58) | place AS place
              FROM meant
           ) AS placed
), written AS (
    INSERT INTO replay_plan_batches (plan_id, begins, letter_ids)
    SELECT $1, begins, letter_ids[begins + 1:begins + $6::int]
      FROM ordered, generate_series(0, cardinality(letter_ids) - 1, $6::int) AS begins
    RETURNING 1
)
SELECT ARRAY(SELECT upto::int FROM ends ORDER BY upto) AS steps,
       encode(sha256(convert_to(lines, 'UTF8')), 'hex') AS set_sha256,
       (SELECT count(*) FROM written) AS batches
  FROM ordered;

-- name: finish_plan
-- What its set came to, unless somebody has cancelled it meanwhile; a plan of no letters is over.
UPDATE replay_plans
   SET steps = $2::int[], letters = $3, set_sha256 = $4, version = version + 1, claimed_by = NULL,
       state = CASE WHEN $3 > 0 THEN 'ready' ELSE 'cancelled' END,
       state_reason = CASE WHEN $3 > 0 THEN '' ELSE 'none of its letters was open any more' END,
       finished_at = CASE WHEN $3 > 0 THEN NULL ELSE now() END
 WHERE plan_id = $1 AND state = 'freezing'
RETURNING plan_id;

-- name: give_up
-- A plan whose set takes too long is over.
UPDATE replay_plans
   SET state = 'cancelled', state_reason = $2, version = version + 1, claimed_by = NULL,
       finished_at = now()
 WHERE plan_id = $1 AND state = 'freezing';
