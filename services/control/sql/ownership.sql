-- name: select_owned_transcript
-- Whose an interview is, and which of its revisions count. One that was stored before this was
-- recorded belongs to the study it was stored in first.
-- A refresh counts as the revision whose content it has: its number is none of the producer's.
SELECT coalesce(owner.study_id, stored.first_study) AS study_id, owner.producer, stored.current,
       greatest(owner.revision, stored.current, 0) AS highest,
       ARRAY(
            SELECT revision FROM withdrawn_revisions WHERE transcript_id = $1 ORDER BY revision
       ) AS withdrawn
  FROM (
        SELECT (array_agg(study_id ORDER BY revision))[1] AS first_study,
               max(revision) FILTER (
                   WHERE withdrawn_at IS NULL AND refreshes IS NULL AND NOT is_pending
               ) AS current
          FROM transcripts
         WHERE transcript_id = $1
       ) AS stored
  LEFT JOIN transcript_owners AS owner ON owner.transcript_id = $1
 WHERE coalesce(owner.study_id, stored.first_study) IS NOT NULL;

-- name: withdraw_revision
-- Withdraws a revision, the highest one if none is named; returns which, or NULL if there is none.
SELECT withdraw_revision($1, $2);

-- name: restore_revision
-- Restores a revision, the one withdrawn last if none is named; returns which, or NULL.
SELECT restore_revision($1, $2);

-- name: is_known_revision
-- Whether a revision was ever submitted, stored, asked for again or withdrawn.
SELECT is_known_revision($1, $2);

-- name: is_withdrawn
-- Whether a revision of an interview of a study is withdrawn. Of another study's nothing is said.
SELECT EXISTS (SELECT FROM withdrawn_revisions WHERE transcript_id = $1 AND revision = $2)
   AND coalesce(
        (SELECT study_id FROM transcript_owners WHERE transcript_id = $1),
        (SELECT study_id FROM transcripts WHERE transcript_id = $1 ORDER BY revision LIMIT 1)
   ) = $3;

-- name: is_of_another_producer
-- Whether an interview of a study belongs to another producer. Of another study's nothing is said.
SELECT EXISTS (
    SELECT FROM transcript_owners WHERE transcript_id = $1 AND study_id = $2 AND producer <> $3
);

-- name: hand_over_transcript
-- Makes an interview another producer's. One that was stored before owners were recorded has no row.
INSERT INTO transcript_owners (transcript_id, study_id, producer, revision)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (transcript_id) DO UPDATE SET producer = EXCLUDED.producer;

-- name: hand_over_interviews
-- Makes the interviews of a study another producer's: those of one producer, or all if NULL, also
-- those that were stored before owners were recorded. Returns how many had another one before.
WITH changed AS (
    UPDATE transcript_owners
       SET producer = $2
     WHERE study_id = $1
       AND producer IS DISTINCT FROM $2
       AND ($3::text IS NULL OR producer = $3)
    RETURNING transcript_id
), added AS (
    INSERT INTO transcript_owners (transcript_id, study_id, producer, revision)
    SELECT transcript_id, $1, $2,
           coalesce(max(revision) FILTER (WHERE withdrawn_at IS NULL AND refreshes IS NULL), 0)
      FROM transcripts AS stored
     WHERE $3::text IS NULL
       AND transcript_id IN (SELECT transcript_id FROM transcripts WHERE study_id = $1)
       AND NOT EXISTS (
            SELECT FROM transcript_owners AS owner
             WHERE owner.transcript_id = stored.transcript_id
       )
     GROUP BY transcript_id
    HAVING (array_agg(study_id ORDER BY revision))[1] = $1
        ON CONFLICT DO NOTHING
    RETURNING transcript_id
)
SELECT (SELECT count(*) FROM changed)::int + (SELECT count(*) FROM added)::int;
