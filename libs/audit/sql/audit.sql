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
-- Every chunk, and whether it is stored.
SELECT chunk_id, transcript_id, revision, stored_at IS NOT NULL AS stored FROM chunks;

-- name: interviews
-- Every ingested revision of every interview, whether it is withdrawn, and whether it is superseded:
-- by one with newer content, or by a later refresh that is complete.
WITH latest AS (
    SELECT DISTINCT ON (transcript_id)
           transcript_id, coalesce(refreshes, revision) AS content, revision
      FROM transcripts
     WHERE withdrawn_at IS NULL AND NOT is_pending
     ORDER BY transcript_id, coalesce(refreshes, revision) DESC, revision DESC
)
SELECT interview.transcript_id, interview.revision, interview.content_sha256,
       interview.withdrawn_at IS NOT NULL AS withdrawn,
       coalesce(
           (coalesce(interview.refreshes, interview.revision), interview.revision)
           < (latest.content, latest.revision), false
       ) AS superseded
  FROM transcripts AS interview
  LEFT JOIN latest USING (transcript_id);

-- name: pending_drafts
-- Every draft that persistence keeps until its interview arrives.
SELECT chunk_id, transcript_id, source_topic, source_partition, source_offset FROM pending_drafts;

-- name: erased
-- Every interview that was erased on request.
SELECT transcript_id FROM erased_transcripts;
