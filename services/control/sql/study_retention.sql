-- name: select_study_retention
-- How long what there is of a study is kept, and the rounds in which what was too old was deleted.
SELECT study.changes, study.transcripts_days, study.notes_days, study.retention_days AS letters_days,
       study.answers_days, study.trail_days, round.begun_at, coalesce(round.counts, '{}') AS counts,
       coalesce(round.failures, '{}') AS failures, round.last_begun_at, round.last_ended_at,
       coalesce(round.last_counts, '{}') AS last_counts,
       coalesce(round.last_failures, '{}') AS last_failures, round.next_at
  FROM studies AS study
  LEFT JOIN retention_rounds AS round USING (study_id)
 WHERE study.study_id = $1;

-- name: lock_study_to_retain
-- Locks a study against other changes until the transaction ends.
SELECT FROM studies WHERE study_id = $1 FOR NO KEY UPDATE;

-- name: update_study_retention
-- Sets how long what there is of a study is kept.
UPDATE studies
   SET transcripts_days = $2, notes_days = $3, retention_days = $4, answers_days = $5,
       trail_days = $6, changes = changes + 1, changed_at = now()
 WHERE study_id = $1;

-- name: preview_retention
-- What would be deleted of a study if it were kept for so many days, by kind.
SELECT kind, kept, oldest_at, due_now, due_soon
  FROM preview_retention($1, $2, $3, $4, $5, $6, $7, $8);

-- name: add_retention_rounds
-- Studies that keep something for a time have rounds; the first begins at once. Those that have one are
-- left out beforehand: a conflict would wait for the batch that another replica is in.
INSERT INTO retention_rounds (study_id)
SELECT study_id FROM studies AS study
 WHERE num_nonnulls(transcripts_days, notes_days, answers_days, trail_days) > 0
   AND NOT EXISTS (SELECT FROM retention_rounds AS round WHERE round.study_id = study.study_id)
    ON CONFLICT (study_id) DO NOTHING;

-- name: claim_retention_round
-- Takes the round of one study for a replica for a while: one that is due, or that another replica was
-- killed in; the study that waits longest first. A change of the study has it begin at once.
UPDATE retention_rounds AS round
   SET holder = $1, leased_until = now() + $2::interval, begun_at = coalesce(begun_at, now())
 WHERE study_id = (
        SELECT due.study_id
          FROM retention_rounds AS due
          JOIN studies AS study USING (study_id)
         WHERE (due.leased_until IS NULL OR due.leased_until < now())
           AND (due.begun_at IS NOT NULL
                OR num_nonnulls(study.transcripts_days, study.notes_days, study.answers_days,
                                study.trail_days) > 0
                   AND (due.next_at <= now() OR study.changed_at > due.last_begun_at))
         ORDER BY due.next_at, due.study_id
         LIMIT 1
           FOR UPDATE OF due SKIP LOCKED
       )
RETURNING study_id;

-- name: renew_retention_lease
-- Says that a replica still carries a study's round out, and locks that until the transaction ends. No
-- row: another one does by now.
UPDATE retention_rounds SET leased_until = now() + $3::interval
 WHERE study_id = $1 AND holder = $2
RETURNING study_id;

-- name: count_expired
-- Adds to what a study's round has deleted of a kind.
UPDATE retention_rounds
   SET counts = counts || jsonb_build_object(
           $2::text, coalesce((counts ->> $2)::bigint, 0) + $3::bigint
       )
 WHERE study_id = $1;

-- name: note_expiry_failure
-- Says why a kind of a study could not be deleted in this round.
UPDATE retention_rounds SET failures = failures || jsonb_build_object($3::text, $4::text)
 WHERE study_id = $1 AND holder = $2;

-- name: end_retention_round
-- Ends a study's round; the next begins after a while.
UPDATE retention_rounds
   SET holder = NULL, leased_until = NULL, begun_at = NULL, counts = '{}', failures = '{}',
       last_begun_at = begun_at, last_ended_at = now(), last_counts = counts,
       last_failures = failures, next_at = now() + $3::interval
 WHERE study_id = $1 AND holder = $2
RETURNING last_counts, last_failures;

-- name: limit_expiry
-- Until the transaction ends: for how long, in milliseconds, a lock is waited for, and a statement runs.
SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true);

-- name: begin_retention_erasure
-- Begins the erasure of so many interviews of a study that are older than it keeps them.
SELECT taken, begun FROM begin_retention_erasure($1, $2, $3);

-- name: expire_notes
-- Deletes the notes of so many interviews of a study that are older than it keeps notes.
SELECT interviews AS taken, deleted FROM expire_notes($1, $2);

-- name: expire_drafts
-- Deletes so many drafts of interviews that never came and that are older than the study keeps such.
SELECT expired AS taken, expired AS deleted FROM expire_drafts($1, $2) AS expired;

-- name: expire_answers
-- Deletes so many cached answers about a study that are older than it keeps them.
SELECT expired AS taken, expired AS deleted FROM expire_answers($1, $2) AS expired;

-- name: clear_trail
-- Clears the texts of so many entries about a study that are older than it keeps them.
SELECT cleared AS taken, cleared AS deleted FROM clear_trail($1, $2) AS cleared;

-- name: clear_trail_of_no_study
-- Clears the texts of so many entries about no study that may have words of interviews.
SELECT clear_trail_of_no_study($1);
