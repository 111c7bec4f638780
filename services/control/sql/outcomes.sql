-- name: select_outcomes_for_reader
-- The latest outcome of each content that was submitted under an interview's id, without revisions
-- that are stored for other studies than those named; NULL: of all.
SELECT event
  FROM settlements AS settled
 WHERE transcript_id = $1
   AND ($2::text[] IS NULL OR NOT EXISTS (
        SELECT FROM transcripts AS interview
         WHERE interview.transcript_id = settled.transcript_id
           AND interview.revision = settled.revision
           AND interview.study_id <> ALL ($2)
   ))
 ORDER BY revision DESC NULLS LAST, decided_at DESC
 LIMIT 100;
