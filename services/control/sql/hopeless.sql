-- name: find_hopeless
-- Those of some letters that a replay cannot mend as things are, and why: what they are about is stored,
-- withdrawn or superseded by a newer revision, or their study takes no interviews. Of a plan's set they
-- are only counted, by service, code and reason.
WITH asked AS (
    SELECT unnest($1::uuid[]) AS letter_id
     UNION ALL
    SELECT unnest(letter_ids) FROM replay_plan_batches WHERE plan_id = $3::uuid
)
SELECT CASE WHEN $3 IS NULL THEN letter_id END AS letter_id, service, error_code, reason,
       count(*)::int AS letters
  FROM (
        SELECT letter.letter_id, letter.service, letter.error_code,
               CASE
                    WHEN interview.withdrawn_at IS NOT NULL OR EXISTS (
                        SELECT FROM withdrawn_revisions AS withdrawn
                         WHERE withdrawn.transcript_id = about AND withdrawn.revision = letter.revision
                    ) THEN 'withdrawn'
                    WHEN EXISTS (
                        SELECT FROM transcripts AS newer
                         WHERE newer.transcript_id = coalesce(chunk.transcript_id, about)
                           AND newer.withdrawn_at IS NULL AND NOT newer.is_pending
                           AND coalesce(newer.refreshes, newer.revision) > coalesce(
                                interview.refreshes, interview.revision, letter.revision
                           )
                    ) THEN 'superseded'
                    WHEN chunk.stored_at IS NOT NULL THEN 'stored'
                    WHEN letter.service = 'ingestion' AND study.archived_at IS NOT NULL
                    THEN 'study_archived'
                    WHEN letter.error_code = 'unknown_study' AND letter.study_id IS NOT NULL
                         AND study.study_id IS NULL
                    THEN 'unknown_study'
                    WHEN letter.error_code = ANY ($2::text[]) THEN letter.error_code
               END AS reason
          FROM (
                SELECT *,
                       CASE WHEN length(subject) = 36 AND pg_input_is_valid(subject, 'uuid')
                            THEN subject::uuid
                       END AS about
                  FROM asked
                  JOIN dead_letters USING (letter_id)
               ) AS letter
          LEFT JOIN chunks AS chunk ON chunk.chunk_id = about
          LEFT JOIN transcripts AS interview
            ON interview.transcript_id = chunk.transcript_id
           AND interview.revision = chunk.revision
          LEFT JOIN studies AS study
            ON study.study_id = coalesce(interview.study_id, letter.study_id)
       ) AS judged
 WHERE reason IS NOT NULL
 GROUP BY 1, 2, 3, 4;
