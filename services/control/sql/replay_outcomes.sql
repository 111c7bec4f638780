-- name: lock_sweep
-- Lock against other replicas until the transaction ends; false if one of them has it.
SELECT pg_try_advisory_xact_lock($1);

-- name: select_awaited
-- The next letters that were replayed since a time, and of which it was not known what became when they
-- were looked at last; the latest first.
SELECT sent_at, letter_id
  FROM awaited_replays
 WHERE (sent_at, letter_id) < ($1, $2)
   AND sent_at > now() - $3::interval
 ORDER BY sent_at DESC, letter_id DESC
 LIMIT $4;

-- name: resolve
-- Marks those of some letters whose messages have gone through their stage: its effect is there, or a
-- later stage had the same chunk or interview since. What a replay sent is no effect. A draft that the
-- guardrail refuses goes on without its bad notes while the model is asked for another one, so a letter
-- of the guardrail is resolved by the last draft of its chunk alone. Returns how many.
WITH awaited AS (
    SELECT letter.*,
           CASE WHEN subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN subject::uuid
           END AS about
      FROM dead_letters AS letter
     WHERE letter_id = ANY ($1::uuid[]) AND state = 'replayed' AND outcome IS NULL
), gone_through AS (
    SELECT letter_id
      FROM awaited
     WHERE EXISTS (
            SELECT FROM chunks AS chunk
             WHERE chunk.chunk_id = about AND chunk.stored_at IS NOT NULL
           )
        OR EXISTS (
            SELECT FROM drafts AS draft
             WHERE draft.chunk_id = about AND draft.stored_at >= replay_began_at
               AND awaited.service <> 'guardrail'
           )
        OR EXISTS (
            SELECT FROM pending_drafts AS pending
             WHERE pending.chunk_id = about
               AND (pending.final
                    OR pending.received_at >= replay_began_at AND awaited.service <> 'guardrail')
           )
        OR EXISTS (
            SELECT FROM transcripts AS interview
             WHERE interview.transcript_id = about
               AND interview.revision = coalesce(awaited.revision, 1)
               AND interview.content_sha256 IN (
                    SELECT awaited.content_sha256 WHERE awaited.content_sha256 IS NOT NULL
                     UNION ALL
                    SELECT record.content_sha256
                      FROM submissions AS record
                     WHERE (record.topic, record.partition, record.record_offset)
                           = (awaited.source_topic, awaited.source_partition, awaited.source_offset)
               )
           )
        OR EXISTS (
            SELECT FROM dead_letters AS later
             WHERE later.subject = awaited.subject
               AND later.service <> awaited.service
               AND later.indexed_at >= awaited.replay_began_at
               AND later.source_topic = ANY (
                    CASE awaited.service
                        WHEN 'ingestion' THEN ARRAY['transcripts-ingested', 'chunks-ready']
                        WHEN 'enrichment' THEN ARRAY['notes-drafted', 'notes-validated']
                    END
               )
           )
), locked AS (
    SELECT letter_id
      FROM dead_letters
     WHERE letter_id IN (SELECT letter_id FROM gone_through)
       AND state = 'replayed' AND outcome IS NULL
     ORDER BY letter_id
       FOR UPDATE
), resolved AS (
    UPDATE dead_letters AS letter
       SET outcome = 'resolved', outcome_at = now()
      FROM locked
     WHERE letter.letter_id = locked.letter_id
    RETURNING 1
)
SELECT count(*) FROM resolved;

-- name: forget_known
-- Some letters that were replayed at a time are awaited no longer if it is known what became of them, or
-- if they were replayed anew since.
DELETE FROM awaited_replays AS awaited
 USING unnest($1::timestamptz[], $2::uuid[]) AS looked_at (sent_at, letter_id)
 WHERE (awaited.sent_at, awaited.letter_id) = (looked_at.sent_at, looked_at.letter_id)
   AND NOT EXISTS (
        SELECT FROM dead_letters AS letter
         WHERE letter.letter_id = awaited.letter_id
           AND letter.state = 'replayed' AND letter.outcome IS NULL
           AND letter.state_changed_at = awaited.sent_at
       );
