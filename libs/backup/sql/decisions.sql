-- name: select_revoked_tokens
-- Tokens that were revoked, and when.
SELECT token_id, revoked_at FROM access_tokens WHERE revoked_at IS NOT NULL;

-- name: revoke_token
-- Revokes a token that the backup still has as valid.
UPDATE access_tokens SET revoked_at = $2 WHERE token_id = $1 AND revoked_at IS NULL;

-- name: select_withdrawn_revisions
-- Revisions that are withdrawn.
SELECT transcript_id, revision FROM withdrawn_revisions;

-- name: withdraw_again
-- Withdraws a revision that the backup still has as current; true if it did.
SELECT withdraw_revision($1, $2) IS NOT NULL
 WHERE NOT EXISTS (
        SELECT FROM withdrawn_revisions WHERE transcript_id = $1 AND revision = $2
   );

-- name: select_erasures_to_repeat
-- Every erasure with its interviews.
SELECT erasure_id, kind, study_id, reference, requested_by, requested_at,
       array_agg(transcript_id ORDER BY transcript_id) AS transcript_ids
  FROM erasures JOIN erased_transcripts USING (erasure_id)
 GROUP BY erasure_id;

-- name: erase_again
-- Begins an erasure again that the backup does not have, as it was asked for; control carries it out once
-- it runs. Returns whether it was begun.
WITH begun AS (
    INSERT INTO erasures (erasure_id, kind, study_id, reference, requested_by, requested_at)
    VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (erasure_id) DO NOTHING
    RETURNING erasure_id
), archived AS (
    UPDATE studies SET archived_at = coalesce(archived_at, now()), changes = changes + 1
     WHERE study_id = $3 AND $2 = 'study' AND EXISTS (SELECT FROM begun)
), tombstones AS (
    INSERT INTO erased_transcripts (transcript_id, erasure_id)
    SELECT asked.transcript_id, begun.erasure_id
      FROM begun CROSS JOIN unnest($7::uuid[]) AS asked (transcript_id)
        ON CONFLICT (transcript_id) DO NOTHING
)
SELECT EXISTS (SELECT FROM begun);

-- name: select_receipt_key
-- The key that signs receipts of erasures.
SELECT name, secret FROM control_secrets WHERE name = 'erasure-receipts';

-- name: put_receipt_key
-- Keeps the key by which receipts were signed.
INSERT INTO control_secrets (name, secret) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET secret = EXCLUDED.secret;

-- name: restart_erasures
-- Erasures that were under way at the backup begin anew: topics may end elsewhere by now.
UPDATE erasures SET rows_deleted_at = NULL, topic_ends = NULL WHERE completed_at IS NULL;

-- name: select_study_retention_times
-- For how long what there is of studies is kept, and since when.
SELECT study_id, transcripts_days, notes_days, retention_days, answers_days, trail_days, changed_at
  FROM studies;

-- name: keep_study_retention_times
-- Keeps what was set later than what the backup has.
UPDATE studies
   SET transcripts_days = $2, notes_days = $3, retention_days = $4, answers_days = $5,
       trail_days = $6, changes = changes + 1, changed_at = now()
 WHERE study_id = $1 AND changed_at < $7
   AND (transcripts_days, notes_days, retention_days, answers_days, trail_days)
       IS DISTINCT FROM ($2::int, $3::int, $4::int, $5::int, $6::int);
