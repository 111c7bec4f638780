-- name: lock_decisions
-- Lock against other replicas until the transaction ends; false if one of them has it.
SELECT pg_try_advisory_xact_lock($1);

-- name: take_checks
-- Remove the oldest checks, and return how many there were and which interviews they concern. What
-- wrote them is committed, so the statements that follow see it.
WITH taken AS (
    DELETE FROM settlement_checks
     WHERE check_id IN (SELECT check_id FROM settlement_checks ORDER BY check_id LIMIT $1)
    RETURNING transcript_id, chunk_id, letter_id
), letters AS (
    SELECT source_topic, source_partition, source_offset,
           CASE WHEN subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN subject::uuid
           END AS subject
      FROM taken
      JOIN dead_letters USING (letter_id)
)
SELECT (SELECT count(*) FROM taken) AS checks,
       ARRAY(
            SELECT transcript_id FROM taken WHERE transcript_id IS NOT NULL
             UNION
            SELECT chunks.transcript_id FROM taken JOIN chunks USING (chunk_id)
             UNION
            SELECT subject FROM letters WHERE subject IS NOT NULL
             UNION
            SELECT chunks.transcript_id FROM letters JOIN chunks ON chunk_id = subject
             UNION
            SELECT submissions.transcript_id
              FROM letters
              JOIN submissions
                ON (topic, partition, record_offset)
                   = (source_topic, source_partition, source_offset)
             WHERE submissions.transcript_id IS NOT NULL
       ) AS transcript_ids;

-- name: select_facts
-- What is known of every content that was submitted for some interviews, with the outcome that was
-- decided last. An ingested revision is counted only if all of its chunks are stored or dead. Of a
-- submission that is not valid, an edit of its letter has the content that was sent in its place.
WITH submitted AS (
    SELECT transcript_id, revision, content_sha256,
           count(*) AS submissions, max(submitted_at) AS last_submitted_at
      FROM submissions
     WHERE transcript_id = ANY ($1::uuid[])
     GROUP BY transcript_id, revision, content_sha256
)
SELECT submitted.transcript_id, submitted.revision, submitted.content_sha256,
       submitted.submissions, submitted.last_submitted_at,
       interview.transcript_id IS NOT NULL AS ingested,
       (
            SELECT newest.revision FROM transcripts AS newest
             WHERE newest.transcript_id = submitted.transcript_id
               AND newest.withdrawn_at IS NULL AND NOT newest.is_pending
             ORDER BY coalesce(newest.refreshes, newest.revision) DESC, newest.revision DESC
             LIMIT 1
       ) AS newest_revision,
       EXISTS (
            SELECT FROM transcripts AS newer
             WHERE newer.transcript_id = interview.transcript_id
               AND newer.withdrawn_at IS NULL AND NOT newer.is_pending
               AND (coalesce(newer.refreshes, newer.revision), newer.revision)
                   > (coalesce(interview.refreshes, interview.revision), interview.revision)
       ) AS has_newer,
       interview.withdrawn_at IS NOT NULL AS is_withdrawn,
       EXISTS (
            SELECT FROM erased_transcripts AS gone
             WHERE gone.transcript_id = submitted.transcript_id
       ) AS is_erased,
       (
            SELECT refresh.content_revision FROM refreshes AS refresh
             WHERE refresh.transcript_id = submitted.transcript_id
               AND refresh.revision = submitted.revision
       ) AS refreshes,
       coalesce(work.is_going_on, false) AS is_going_on,
       coalesce(counts.chunks, 0) AS chunks,
       coalesce(counts.stored, 0) AS stored,
       coalesce(counts.notes, 0) AS notes,
       coalesce(counts.rejected_notes, 0) AS rejected_notes,
       letter.letter_id, letter.service, letter.error_code, letter.error_message,
       coalesce(settled.number, 0) AS number,
       settled.facts_sha256
  FROM submitted
  LEFT JOIN settlements AS settled
    ON settled.transcript_id = submitted.transcript_id
   AND settled.revision IS NOT DISTINCT FROM submitted.revision
   AND settled.content_sha256 IS NOT DISTINCT FROM submitted.content_sha256
  LEFT JOIN LATERAL (
        SELECT edited.content_sha256
          FROM submissions AS record
          JOIN dead_letters AS edited
            ON (edited.source_topic, edited.source_partition, edited.source_offset)
               = (record.topic, record.partition, record.record_offset)
         WHERE submitted.content_sha256 IS NULL
           AND record.transcript_id = submitted.transcript_id
           AND record.revision IS NOT DISTINCT FROM submitted.revision
           AND record.content_sha256 IS NULL
           AND edited.service = 'ingestion'
           AND edited.state = 'replayed'
           AND edited.edit IS NOT NULL
         ORDER BY edited.replay_began_at DESC
         LIMIT 1
   ) AS mended ON true
  LEFT JOIN transcripts AS interview
    ON interview.transcript_id = submitted.transcript_id
   AND interview.revision = submitted.revision
   AND interview.content_sha256 = coalesce(submitted.content_sha256, mended.content_sha256)
  LEFT JOIN LATERAL (
        SELECT EXISTS (
                SELECT FROM chunks AS chunk
                 WHERE chunk.transcript_id = interview.transcript_id
                   AND chunk.revision = interview.revision
                   AND chunk.stored_at IS NULL
                   AND NOT EXISTS (
                        SELECT FROM dead_letters AS dead
                         WHERE dead.subject = chunk.chunk_id::text AND dead.state <> 'replayed'
                   )
               ) AS is_going_on
         WHERE interview.transcript_id IS NOT NULL
   ) AS work ON true
  LEFT JOIN LATERAL (
        SELECT count(*) AS chunks, count(chunk.stored_at) AS stored,
               (
                    SELECT count(*) FROM notes AS note
                     WHERE note.transcript_id = interview.transcript_id
                       AND note.revision = interview.revision AND note.same_as IS NULL
                       AND note.version_of IS NULL
               ) AS notes,
               (
                    SELECT count(*)
                      FROM rejected_notes AS refused
                      JOIN chunks AS its USING (chunk_id)
                     WHERE its.transcript_id = interview.transcript_id
                       AND its.revision = interview.revision
               ) AS rejected_notes
          FROM chunks AS chunk
         WHERE chunk.transcript_id = interview.transcript_id
           AND chunk.revision = interview.revision
   ) AS counts ON NOT work.is_going_on
  LEFT JOIN LATERAL (
        SELECT dead.letter_id, dead.service, dead.error_code, dead.error_message
          FROM dead_letters AS dead
         WHERE interview.transcript_id IS NULL
           AND dead.state <> 'replayed'
           AND dead.letter_id IN (
                SELECT at_ingestion.letter_id
                  FROM submissions AS record
                  JOIN dead_letters AS at_ingestion
                    ON (at_ingestion.source_topic, at_ingestion.source_partition,
                        at_ingestion.source_offset)
                       = (record.topic, record.partition, record.record_offset)
                 WHERE record.transcript_id = submitted.transcript_id
                   AND record.revision IS NOT DISTINCT FROM submitted.revision
                   AND record.content_sha256 IS NOT DISTINCT FROM submitted.content_sha256
                   AND at_ingestion.service = 'ingestion'
                   AND coalesce(at_ingestion.source_sent_at = record.submitted_at, true)
                 UNION ALL
                SELECT at_persistence.letter_id
                  FROM dead_letters AS at_persistence
                 WHERE at_persistence.subject = submitted.transcript_id::text
                   AND at_persistence.service = 'persistence'
                   AND at_persistence.revision = submitted.revision
                   AND at_persistence.content_sha256 = submitted.content_sha256
           )
         ORDER BY dead.failed_at DESC, dead.letter_id
         LIMIT 1
   ) AS letter ON true
 ORDER BY submitted.transcript_id, submitted.revision, submitted.content_sha256;

-- name: select_dead_chunks
-- The latest dead letter of each chunk of a revision that is not stored, in the order of the chunks.
SELECT DISTINCT ON (chunk.index)
       letter.letter_id, letter.service, letter.error_code, letter.error_message
  FROM chunks AS chunk
  JOIN dead_letters AS letter ON letter.subject = chunk.chunk_id::text
 WHERE chunk.transcript_id = $1 AND chunk.revision = $2
   AND chunk.stored_at IS NULL
   AND letter.state <> 'replayed'
 ORDER BY chunk.index, letter.failed_at DESC, letter.letter_id;

-- name: write_settlement
-- Write the outcome of a content in place of the one before; it is yet to be published.
INSERT INTO settlements (
    transcript_id, revision, content_sha256, number, facts_sha256, event
)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (transcript_id, revision, content_sha256) DO UPDATE
   SET number = EXCLUDED.number, facts_sha256 = EXCLUDED.facts_sha256, event = EXCLUDED.event,
       decided_at = EXCLUDED.decided_at, published_at = NULL;

-- name: select_unpublished
-- The first outcomes that are yet to be published.
SELECT transcript_id, revision, content_sha256, number, event
  FROM settlements
 WHERE published_at IS NULL
 ORDER BY decided_at
 LIMIT $1;

-- name: mark_published
-- Kafka has these outcomes. One that was replaced meanwhile is yet to be published.
UPDATE settlements AS settled
   SET published_at = now()
  FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[])
       AS published (transcript_id, revision, content_sha256, number)
 WHERE settled.transcript_id = published.transcript_id
   AND settled.revision IS NOT DISTINCT FROM published.revision
   AND settled.content_sha256 IS NOT DISTINCT FROM published.content_sha256
   AND settled.number = published.number;
