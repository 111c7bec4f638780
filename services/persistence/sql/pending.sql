-- name: lock_interview
-- Exclusive lock for storing an interview, against drafts that arrive meanwhile.
SELECT pg_advisory_xact_lock($1);

-- name: lock_arrival
-- Shared lock for keeping a draft of an interview: several at once, but not while it is stored.
SELECT pg_advisory_xact_lock_shared($1);

-- name: insert_pending_draft
-- Keeps a draft unless its interview is stored; then no row is returned. The same draft again
-- changes nothing. The row names the interview of the draft that is kept under this identity.
INSERT INTO pending_drafts (
    chunk_id, attempt, final, transcript_id, revision, event, source_topic, source_partition,
    source_offset
)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
 WHERE NOT EXISTS (SELECT FROM transcripts WHERE transcript_id = $4 AND revision = $5)
ON CONFLICT (chunk_id, attempt, final) DO UPDATE SET received_at = pending_drafts.received_at
RETURNING transcript_id, revision;

-- name: insert_pending_drafts
-- Keeps several drafts as insert_pending_draft does; no two may have the same identity.
INSERT INTO pending_drafts (
    chunk_id, attempt, final, transcript_id, revision, event, source_topic, source_partition,
    source_offset
)
SELECT draft.*
  FROM unnest(
        $1::uuid[], $2::int[], $3::boolean[], $4::uuid[], $5::int[], $6::text[], $7::text[],
        $8::int[], $9::bigint[]
       ) AS draft (
        chunk_id, attempt, final, transcript_id, revision, event, source_topic, source_partition,
        source_offset
       )
 WHERE NOT EXISTS (
        SELECT FROM transcripts AS stored
         WHERE stored.transcript_id = draft.transcript_id AND stored.revision = draft.revision
       )
ON CONFLICT (chunk_id, attempt, final) DO UPDATE SET received_at = pending_drafts.received_at
RETURNING chunk_id, attempt, final, transcript_id, revision;

-- name: select_pending
-- Returns the identities of drafts that wait for an interview, in the order of their making.
SELECT chunk_id, attempt, final
  FROM pending_drafts
 WHERE transcript_id = $1 AND revision = $2
 ORDER BY attempt, final, chunk_id;

-- name: select_pending_draft
-- Returns one of them as its event; no row if it was joined meanwhile.
SELECT event, source_topic, source_partition, source_offset
  FROM pending_drafts
 WHERE chunk_id = $1 AND attempt = $2 AND final = $3;

-- name: delete_pending
-- Deletes a pending draft.
DELETE FROM pending_drafts WHERE chunk_id = $1 AND attempt = $2 AND final = $3;

-- name: delete_pending_event
-- Deletes a pending draft if what is kept under its identity is still this text.
DELETE FROM pending_drafts
 WHERE chunk_id = $1 AND attempt = $2 AND final = $3 AND event = $4;

-- name: delete_all_pending
-- Deletes some pending drafts.
DELETE FROM pending_drafts AS waiting
 USING unnest($1::uuid[], $2::int[], $3::boolean[]) AS gone (chunk_id, attempt, final)
 WHERE (waiting.chunk_id, waiting.attempt, waiting.final)
     = (gone.chunk_id, gone.attempt, gone.final);

-- name: select_chunks_from_pending_drafts
-- Returns the chunks of an interview whose draft waited for it.
SELECT DISTINCT chunk.chunk_id, chunk.index
  FROM chunks AS chunk
  JOIN drafts AS draft USING (chunk_id)
 WHERE chunk.transcript_id = $1 AND chunk.revision = $2 AND draft.waited
 ORDER BY chunk.index;

-- name: count_pending
-- Counts the pending drafts; returns also the oldest one's wait in seconds.
SELECT count(*) AS drafts,
       coalesce(extract(epoch FROM now() - min(received_at)), 0)::float8 AS oldest_s
  FROM pending_drafts;

-- name: select_overdue
-- Returns some drafts whose interview has been stored for longer than a span without being joined.
SELECT waiting.chunk_id, waiting.attempt, waiting.final, waiting.event
  FROM pending_drafts AS waiting
  JOIN transcripts AS interview USING (transcript_id, revision)
 WHERE interview.ingested_at < now() - $1::interval
   AND waiting.received_at < now() - $1::interval
 ORDER BY waiting.received_at
 LIMIT $2;

-- name: is_stored
-- Whether a revision of an interview is stored.
SELECT EXISTS (SELECT FROM transcripts WHERE transcript_id = $1 AND revision = $2);
