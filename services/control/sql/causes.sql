-- name: sum_counts
-- Sums up changes of counts; hours that no list shows any more are one.
WITH taken AS (
    DELETE FROM letter_cause_counts
     WHERE NOT is_summed
        OR (hour > '-infinity' AND hour < now() - interval '25 hours')
    RETURNING *
)
INSERT INTO letter_cause_counts AS counted
SELECT cause_id, study_id,
       CASE WHEN hour < now() - interval '25 hours' THEN '-infinity' ELSE hour END,
       state, sum(letters), min(first_failed_at), max(last_failed_at), true
  FROM taken
 GROUP BY 1, 2, 3, 4
    ON CONFLICT (cause_id, study_id, hour, state) WHERE is_summed DO UPDATE
   SET letters = counted.letters + EXCLUDED.letters,
       first_failed_at = least(counted.first_failed_at, EXCLUDED.first_failed_at),
       last_failed_at = greatest(counted.last_failed_at, EXCLUDED.last_failed_at);

-- name: delete_empty_counts
-- Deletes sums that have come down to nothing.
DELETE FROM letter_cause_counts WHERE is_summed AND letters = 0;

-- name: delete_empty_causes
-- Deletes causes of which there is no letter and nothing is noted.
SELECT delete_empty_causes();

-- name: select_causes
-- The causes meant behind a position, those with the most letters first, each with the number of its
-- open letters that are snoozed now. Without muted ones, and without those whose open letters are all
-- snoozed, unless they are asked for. Letters of a model or a prompt are counted where they are.
WITH counted AS (
    SELECT cause_id, study_id, state, letters, first_failed_at, last_failed_at
      FROM letter_cause_counts
     WHERE $12::text IS NULL AND $13::text IS NULL
     UNION ALL
    SELECT cause_id, coalesce(study_id, ''),
           shown_letter_state(state, outcome), 1,
           failed_at, failed_at
      FROM dead_letters
     WHERE ($12 IS NOT NULL OR $13 IS NOT NULL)
       AND ($12 IS NULL OR model = $12)
       AND ($13 IS NULL OR prompt_version = $13)
), snoozed AS (
    SELECT cause_id, count(*) AS snoozed
      FROM dead_letters
     WHERE NOT settled AND state = 'open' AND snoozed_until > now()
       AND ($1::text IS NULL OR cause_id = $1)
       AND ($4::text IS NULL OR study_id = $4)
       AND ($12 IS NULL OR model = $12)
       AND ($13 IS NULL OR prompt_version = $13)
     GROUP BY cause_id
), totals AS (
    SELECT cause_id,
           coalesce(sum(letters) FILTER (WHERE state = 'open'), 0)::bigint AS open,
           coalesce(sum(letters) FILTER (WHERE state = 'replaying'), 0)::bigint AS replaying,
           coalesce(sum(letters) FILTER (WHERE state = 'replayed'), 0)::bigint AS replayed,
           coalesce(sum(letters) FILTER (WHERE state = 'resolved'), 0)::bigint AS resolved,
           coalesce(sum(letters) FILTER (WHERE state = 'failed_again'), 0)::bigint AS failed_again,
           coalesce(sum(letters) FILTER (WHERE state = 'discarded'), 0)::bigint AS discarded,
           coalesce(sum(letters) FILTER (WHERE state = 'expired'), 0)::bigint AS expired,
           coalesce(sum(letters) FILTER (WHERE $5::text IS NULL OR state = $5), 0)::bigint AS meant,
           min(first_failed_at) FILTER (WHERE letters > 0) AS first_failed_at,
           max(last_failed_at) FILTER (WHERE letters > 0) AS last_failed_at
      FROM counted
     WHERE ($1::text IS NULL OR cause_id = $1)
       AND ($4::text IS NULL OR study_id = $4)
     GROUP BY cause_id
)
SELECT cause.*, open, replaying, replayed, resolved, failed_again, discarded, expired,
       first_failed_at, last_failed_at, meant, coalesce(snoozed, 0) AS snoozed
  FROM totals
  JOIN letter_causes AS cause USING (cause_id)
  LEFT JOIN snoozed USING (cause_id)
 WHERE meant > 0
   AND ($2::text IS NULL OR service = $2)
   AND ($3::text IS NULL OR error_code = $3)
   AND ($6::boolean OR muted_until IS NULL OR muted_until <= now())
   AND ($7::boolean OR coalesce(snoozed, 0) < open)
   AND ($8::bigint IS NULL
        OR (meant, last_failed_at) < ($8, $9::timestamptz)
        OR (meant, last_failed_at) = ($8, $9) AND cause_id > $10::text)
 ORDER BY meant DESC, last_failed_at DESC, cause_id
 LIMIT $11;

-- name: count_left_out_causes
-- How many causes that are meant are muted, and how many others have no open letter that is not snoozed.
WITH counted AS (
    SELECT cause_id, study_id, state, letters, first_failed_at, last_failed_at
      FROM letter_cause_counts
     WHERE $7::text IS NULL AND $8::text IS NULL
     UNION ALL
    SELECT cause_id, coalesce(study_id, ''),
           shown_letter_state(state, outcome), 1,
           failed_at, failed_at
      FROM dead_letters
     WHERE ($7 IS NOT NULL OR $8 IS NOT NULL)
       AND ($7 IS NULL OR model = $7)
       AND ($8 IS NULL OR prompt_version = $8)
), snoozed AS (
    SELECT cause_id, count(*) AS snoozed
      FROM dead_letters
     WHERE NOT settled AND state = 'open' AND snoozed_until > now()
       AND ($3::text IS NULL OR study_id = $3)
       AND ($7 IS NULL OR model = $7)
       AND ($8 IS NULL OR prompt_version = $8)
     GROUP BY cause_id
), totals AS (
    SELECT cause_id,
           coalesce(sum(letters) FILTER (WHERE state = 'open'), 0)::bigint AS open,
           coalesce(sum(letters) FILTER (WHERE $4::text IS NULL OR state = $4), 0)::bigint AS meant
      FROM counted
     WHERE $3::text IS NULL OR study_id = $3
     GROUP BY cause_id
), found AS (
    SELECT coalesce(muted_until > now(), false) AND NOT $5::boolean AS is_muted,
           coalesce(snoozed, 0) >= open AND NOT $6::boolean AS is_snoozed
      FROM totals
      JOIN letter_causes USING (cause_id)
      LEFT JOIN snoozed USING (cause_id)
     WHERE meant > 0
       AND ($1::text IS NULL OR service = $1)
       AND ($2::text IS NULL OR error_code = $2)
)
SELECT count(*) FILTER (WHERE is_muted)::int AS muted,
       count(*) FILTER (WHERE is_snoozed AND NOT is_muted)::int AS snoozed
  FROM found;

-- name: select_latest_hours
-- Letters of causes by hour, of as many hours as are asked for.
SELECT cause_id, hour, sum(letters)::bigint AS letters
  FROM (
        SELECT cause_id, study_id, hour, letters
          FROM letter_cause_counts
         WHERE $4::text IS NULL AND $5::text IS NULL
         UNION ALL
        SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'), 1
          FROM dead_letters
         WHERE ($4 IS NOT NULL OR $5 IS NOT NULL)
           AND ($4 IS NULL OR model = $4)
           AND ($5 IS NULL OR prompt_version = $5)
       ) AS counted
 WHERE cause_id = ANY ($1::text[])
   AND ($2::text IS NULL OR study_id = $2)
   AND hour > $3
 GROUP BY cause_id, hour;

-- name: select_studies_of_causes
-- How many studies have letters of each cause, and the ten with the most.
SELECT cause_id, study_id, letters, study_count
  FROM (
        SELECT cause_id, study_id, sum(letters)::bigint AS letters,
               count(*) OVER (PARTITION BY cause_id) AS study_count,
               row_number() OVER (
                    PARTITION BY cause_id ORDER BY sum(letters) DESC, study_id
               ) AS place
          FROM (
                SELECT cause_id, study_id, letters
                  FROM letter_cause_counts
                 WHERE $3::text IS NULL AND $4::text IS NULL
                 UNION ALL
                SELECT cause_id, coalesce(study_id, ''), 1
                  FROM dead_letters
                 WHERE ($3 IS NOT NULL OR $4 IS NOT NULL)
                   AND ($3 IS NULL OR model = $3)
                   AND ($4 IS NULL OR prompt_version = $4)
               ) AS of_letters
         WHERE cause_id = ANY ($1::text[])
           AND ($2::text IS NULL OR study_id = $2)
         GROUP BY cause_id, study_id
        HAVING sum(letters) > 0
       ) AS counted
 WHERE place <= 10
 ORDER BY cause_id, place;

-- name: edit_cause
-- Notes what an operator says about a cause, if nobody did so meanwhile.
UPDATE letter_causes
   SET assignee = coalesce($3, assignee),
       remark = coalesce($4, remark),
       muted_until = CASE WHEN $5::bool THEN $6::timestamptz ELSE muted_until END,
       version = version + 1
 WHERE cause_id = $1 AND ($2::bigint IS NULL OR version = $2)
RETURNING cause_id;
