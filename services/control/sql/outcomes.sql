-- name: select_outcomes_for_reader
-- The latest outcome of each content that was submitted under an interview's id, without revisions
-- that are stored for other studies than those named; NULL: of all.
-- The 100 that were decided last, so that revisions that others make up push out nothing new.
SELECT event
  FROM (
        SELECT event, revision, decided_at
          FROM settlements AS settled
         WHERE transcript_id = $1
           AND ($2::text[] IS NULL OR NOT EXISTS (
                SELECT FROM transcripts AS interview
                 WHERE interview.transcript_id = settled.transcript_id
                   AND interview.revision = settled.revision
                   AND interview.study_id <> ALL ($2)
           ))
         ORDER BY decided_at DESC
         LIMIT 100
       ) AS latest
 ORDER BY revision DESC NULLS LAST, decided_at DESC;
