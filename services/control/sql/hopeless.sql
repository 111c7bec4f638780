-- name: find_hopeless
-- Those of some letters that a replay cannot mend as things are, and why: what they are about is stored,
-- withdrawn or superseded by a newer revision, their study takes no interviews, or a model would be asked
-- and a budget for that is spent: their study's, that of its day, or that of everybody's day. Of a plan's
-- set they are only counted, by service, code and reason.
WITH asked AS (
    SELECT unnest($1::uuid[]) AS letter_id
     UNION ALL
    SELECT unnest(letter_ids) FROM replay_plan_batches WHERE plan_id = $3::uuid
), found AS MATERIALIZED (
    SELECT letter.letter_id, letter.service, letter.error_code, letter.about, letter.revision,
           letter.study_id AS named_study, chunk.transcript_id, chunk.stored_at,
           interview.withdrawn_at, coalesce(interview.refreshes, interview.revision) AS shown_revision,
           coalesce(interview.study_id, letter.study_id, '') AS study_id
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
), today AS MATERIALIZED (
    SELECT (now() AT TIME ZONE 'UTC')::date AS day,
           (
            SELECT min(worst_usd)
              FROM (SELECT worst_usd FROM llm_calls ORDER BY started_at DESC LIMIT 100) AS latest
           ) AS least_usd
), budget AS MATERIALIZED (
    -- By command, or else from the settings of the services; null: no limit.
    SELECT DISTINCT ON (scope, name) scope, name, limit_usd
      FROM llm_budgets
     ORDER BY scope, name, set_by
), spent AS MATERIALIZED (
    -- A budget is spent that would not allow the cheapest of the latest calls, if there was any, so a
    -- model that costs nothing is asked at a budget of nothing; what running calls have reserved may
    -- come back. Of a study's budgets, the one that is spent for longest.
    SELECT DISTINCT ON (asked.study_id) asked.study_id, limited.scope || '_budget_spent' AS reason
      FROM (SELECT DISTINCT study_id FROM found) AS asked
     CROSS JOIN today
      LEFT JOIN studies AS study USING (study_id)
      LEFT JOIN budget AS own ON own.scope = 'study' AND own.name = nullif(asked.study_id, '')
     CROSS JOIN LATERAL (
            VALUES (1, 'study', asked.study_id,
                    CASE WHEN own.scope IS NOT NULL THEN own.limit_usd
                         ELSE (SELECT limit_usd FROM budget WHERE scope = 'study' AND name = '')
                    END),
                   (2, 'study_day', llm_study_day_name(asked.study_id, day),
                    coalesce(
                        study.daily_budget_usd,
                        (SELECT limit_usd FROM budget WHERE scope = 'study_day' AND name = '')
                    )),
                   (3, 'day', llm_day_name(day),
                    (SELECT limit_usd FROM budget WHERE scope = 'day' AND name = ''))
           ) AS limited (place, scope, name, limit_usd)
      LEFT JOIN llm_spending AS sums ON sums.scope = limited.scope AND sums.name = limited.name
     WHERE coalesce(sums.settled_usd, 0) + coalesce(least_usd, 0) > limited.limit_usd
        OR coalesce(sums.settled_usd, 0) = limited.limit_usd AND least_usd IS NULL
     ORDER BY asked.study_id, limited.place
)
SELECT CASE WHEN $3 IS NULL THEN letter_id END AS letter_id, service, error_code, reason,
       count(*)::int AS letters
  FROM (
        SELECT letter.letter_id, letter.service, letter.error_code,
               CASE
                    WHEN withdrawn_at IS NOT NULL OR EXISTS (
                        SELECT FROM withdrawn_revisions AS withdrawn
                         WHERE withdrawn.transcript_id = about AND withdrawn.revision = letter.revision
                    ) THEN 'withdrawn'
                    WHEN EXISTS (
                        SELECT FROM transcripts AS newer
                         WHERE newer.transcript_id = coalesce(letter.transcript_id, about)
                           AND newer.withdrawn_at IS NULL AND NOT newer.is_pending
                           AND coalesce(newer.refreshes, newer.revision)
                               > coalesce(shown_revision, letter.revision)
                    ) THEN 'superseded'
                    WHEN stored_at IS NOT NULL THEN 'stored'
                    WHEN letter.service = 'ingestion' AND study.archived_at IS NOT NULL
                    THEN 'study_archived'
                    WHEN letter.error_code = 'unknown_study' AND named_study IS NOT NULL
                         AND study.study_id IS NULL
                    THEN 'unknown_study'
                    WHEN spent.reason IS NOT NULL
                         AND (letter.service = 'enrichment' OR letter.error_code = 'budget_exceeded')
                    THEN spent.reason
                    WHEN letter.error_code = ANY ($2::text[]) THEN letter.error_code
               END AS reason
          FROM found AS letter
          LEFT JOIN studies AS study ON study.study_id = letter.study_id
          LEFT JOIN spent ON spent.study_id = letter.study_id
       ) AS judged
 WHERE reason IS NOT NULL
 GROUP BY 1, 2, 3, 4;
