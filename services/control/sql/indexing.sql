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

-- name: select_unchanged
-- Letters that the index has at the places where they were read again, as they are.
SELECT letter_id
  FROM unnest(
        $1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bytea[]
       ) AS given (
        letter_id, dlq_topic, dlq_partition, dlq_offset, message_sha256, size_bytes, key
       )
  JOIN dead_letters AS letter USING (
        letter_id, dlq_topic, dlq_partition, dlq_offset, message_sha256, size_bytes
       )
 WHERE letter.key IS NOT DISTINCT FROM given.key AND displaced_at IS NULL;

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
