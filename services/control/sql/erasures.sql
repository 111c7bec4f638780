-- name: select_transcript_to_erase
-- Of which study an interview is, stored or not, or only a dead letter; '' if nobody knows. No row: there
-- is none.
SELECT coalesce(
           (SELECT study_id FROM transcript_owners WHERE transcript_id = $1),
           (SELECT study_id FROM transcripts WHERE transcript_id = $1 ORDER BY revision LIMIT 1),
           (
                SELECT study_id FROM dead_letters
                 WHERE subject = $1::text AND study_id IS NOT NULL LIMIT 1
           ),
           ''
       ) AS study_id
 WHERE EXISTS (SELECT FROM transcript_owners WHERE transcript_id = $1)
    OR EXISTS (SELECT FROM transcripts WHERE transcript_id = $1)
    OR EXISTS (SELECT FROM submissions WHERE transcript_id = $1);

-- name: select_interviews_of_study
-- The interviews of a study, stored or not, or only dead letters, that are not erased.
SELECT transcript_id, 0 AS other_participants
  FROM (
        SELECT transcript_id FROM transcript_owners WHERE study_id = $1
         UNION
        SELECT transcript_id FROM transcripts WHERE study_id = $1
         UNION
        SELECT subject::uuid FROM dead_letters
         WHERE study_id = $1 AND service = 'ingestion'
           AND subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
       ) AS known
 WHERE NOT EXISTS (
        SELECT FROM erased_transcripts AS gone WHERE gone.transcript_id = known.transcript_id
       )
 ORDER BY transcript_id;

-- name: count_interviews_not_stored
-- How many interviews of a study are on their way or dead letters: who speaks in them is not known.
SELECT count(*)::int
  FROM transcript_owners AS owner
 WHERE owner.study_id = $1
   AND NOT EXISTS (
        SELECT FROM transcripts AS stored WHERE stored.transcript_id = owner.transcript_id
       )
   AND NOT is_erased(owner.transcript_id);

-- name: select_studies_of_interviews
-- The studies that any revision of some interviews is of.
SELECT DISTINCT study_id FROM transcripts WHERE transcript_id = ANY ($1::uuid[]);

-- name: select_interviews_of_participant
-- The interviews of a study in which a participant speaks.
SELECT transcript_id, other_participants FROM select_interviews_of_participant($1, $2);

-- name: select_titles_to_erase
-- Of some interviews, the latest title and the number of notes.
SELECT transcript_id, title, notes FROM select_titles_to_erase($1);

-- name: insert_erasure
-- Begins an erasure.
INSERT INTO erasures (erasure_id, kind, study_id, reference, requested_by)
VALUES ($1, $2, $3, $4, $5);

-- name: insert_tombstones
-- From now on, whatever arrives of these interviews is discarded; those that are erased already stay with
-- their erasure. Returns how many are this one's.
WITH added AS (
    INSERT INTO erased_transcripts (transcript_id, erasure_id)
    SELECT DISTINCT transcript_id, $1::uuid FROM unnest($2::uuid[]) AS asked (transcript_id)
        ON CONFLICT (transcript_id) DO NOTHING
    RETURNING 1
)
SELECT count(*)::int FROM added;

-- name: archive_erased_study
-- A study whose interviews are erased takes no more.
UPDATE studies SET archived_at = now(), changed_at = now(), changes = changes + 1
 WHERE study_id = $1 AND archived_at IS NULL;

-- name: select_erasures
-- Erasures behind a position, the latest first; one, if it is named.
SELECT erasure.erasure_id, kind, study_id, reference, requested_by, requested_at, rows_deleted_at,
       topic_ends, completed_at, count(gone.transcript_id)::int AS transcripts,
       count(gone.erased_at)::int AS erased
  FROM erasures AS erasure
  LEFT JOIN erased_transcripts AS gone USING (erasure_id)
 WHERE ($1::uuid IS NULL OR erasure.erasure_id = $1)
   AND ($2::text[] IS NULL OR study_id = ANY ($2))
   AND ($3::timestamptz IS NULL OR (requested_at, erasure.erasure_id) < ($3, $4::uuid))
 GROUP BY erasure.erasure_id
 ORDER BY requested_at DESC, erasure.erasure_id DESC
 LIMIT $5;

-- name: select_erasures_under_way
-- Erasures that are not complete, the oldest first.
SELECT erasure_id, kind, study_id, rows_deleted_at, topic_ends FROM erasures
 WHERE completed_at IS NULL
 ORDER BY requested_at;

-- name: select_transcripts_to_delete
-- Interviews of an erasure: those whose rows are to be deleted, or all.
SELECT transcript_id FROM erased_transcripts
 WHERE erasure_id = $1 AND ($2 OR erased_at IS NULL)
 ORDER BY transcript_id;

-- name: select_contents_to_erase
-- Contents that were submitted under an interview's revisions, by which chunks that are not stored are
-- known.
SELECT DISTINCT revision, content_sha256 FROM submissions
 WHERE transcript_id = $1 AND revision IS NOT NULL AND content_sha256 IS NOT NULL;

-- name: erase_transcript
-- Deletes all that is kept of an interview.
SELECT erase_transcript($1, $2);

-- name: erase_later_letters
-- Closes letters of erased interviews that were indexed since; returns how many.
SELECT erase_letters(NULL);

-- name: erase_later_answers
-- Deletes what models answered about erased interviews since; returns how many answers.
SELECT erase_later_answers();

-- name: erase_mentions
-- Deletes what names an erasure's interviews and is of no one of them.
SELECT erase_mentions($1);

-- name: has_letters_being_replayed
-- Whether a dead letter of an erasure's interviews is being replayed now.
SELECT EXISTS (
        SELECT FROM dead_letters AS letter
          JOIN erased_subjects AS erased ON erased.subject = letter.subject
          JOIN erased_transcripts AS gone USING (transcript_id)
         WHERE gone.erasure_id = $1 AND letter.state = 'replaying'
       );

-- name: start_again
-- An erasure has more interviews than before: their rows are to be deleted.
UPDATE erasures SET rows_deleted_at = NULL, topic_ends = NULL
 WHERE erasure_id = $1 AND completed_at IS NULL;

-- name: mark_rows_deleted
-- No row is left of an erasure's interviews; what is on its way is before these ends of topics.
UPDATE erasures SET rows_deleted_at = now(), topic_ends = $2
 WHERE erasure_id = $1 AND rows_deleted_at IS NULL;

-- name: select_erased
-- The interviews of an erasure, with what was deleted of them and which models were sent words of them.
SELECT transcript_id, erased_at, rows_deleted, model_calls, more_deleted
  FROM erased_transcripts JOIN erasures USING (erasure_id)
 WHERE erasure_id = $1
 ORDER BY transcript_id;

-- name: complete_erasure
-- Keeps the signed receipt of an erasure.
WITH known_no_more AS (DELETE FROM ids_being_erased WHERE erasure_id = $1)
UPDATE erasures SET completed_at = $2, receipt = $3, signature = $4
 WHERE erasure_id = $1 AND completed_at IS NULL;

-- name: select_receipt
-- The signed receipt of an erasure, and its study.
SELECT study_id, receipt, signature FROM erasures WHERE erasure_id = $1;

-- name: select_known_subjects
-- Those of some ids of chunks that a dead letter, a model call or a cached response is about.
SELECT asked.subject
  FROM unnest($1::text[]) AS asked (subject)
 WHERE EXISTS (SELECT FROM dead_letters AS letter WHERE letter.subject = asked.subject)
    OR EXISTS (SELECT FROM llm_calls AS call WHERE call.subject = asked.subject)
    OR EXISTS (SELECT FROM llm_answer_subjects AS kept WHERE kept.subject = asked.subject);

-- name: lift_statement_timeout
-- Until the transaction ends.
SELECT set_config('statement_timeout', '0', true);

-- name: select_tables_with_words
-- Tables whose statistics may quote what was erased.
SELECT unnest(tables_with_words()) AS name;

-- name: analyze_what_was_erased
-- Makes PostgreSQL's statistics of a table anew, which quote common values.
SELECT analyze_what_was_erased($1);
