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
