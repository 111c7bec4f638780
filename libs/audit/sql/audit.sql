-- name: submissions
-- Every indexed record on the topic of submissions.
SELECT topic, partition, record_offset, transcript_id, revision, content_sha256,
       (extract(epoch FROM submitted_at) * 1000)::bigint AS sent_ms
  FROM submissions;

-- name: letters
-- Every letter that was not replayed; its replay, if it failed, is a letter of its own.
SELECT service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
       source_offset, subject, state, revision, content_sha256,
       (extract(epoch FROM source_sent_at) * 1000)::bigint AS sent_ms
  FROM dead_letters
 WHERE state <> 'replayed';

-- name: chunks
-- Every chunk, whether it is stored, and whether its revision is withdrawn or superseded.
SELECT chunk.chunk_id, chunk.transcript_id, chunk.revision,
       chunk.stored_at IS NOT NULL AS stored,
       coalesce(
           chunk.revision < max(latest.revision) FILTER (WHERE latest.withdrawn_at IS NULL), false
       ) AS superseded,
       bool_or(latest.revision = chunk.revision AND latest.withdrawn_at IS NOT NULL) AS withdrawn
  FROM chunks AS chunk
  JOIN transcripts AS latest USING (transcript_id)
 GROUP BY chunk.chunk_id;

-- name: interviews
-- Every ingested revision of every interview.
SELECT transcript_id, revision, content_sha256, withdrawn_at IS NOT NULL AS withdrawn
  FROM transcripts;

-- name: pending_drafts
-- Every draft that persistence keeps until its interview arrives.
SELECT chunk_id, transcript_id, source_topic, source_partition, source_offset FROM pending_drafts;
