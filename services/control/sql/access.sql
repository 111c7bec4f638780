-- name: insert_token
-- A new token.
INSERT INTO access_tokens (token_id, name, secret_sha256, grants, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
RETURNING token_id, name, grants, created_at, created_by, expires_at, last_used_at, revoked_at;

-- name: lock_admin_token
-- Lets one process at a time look at the admin's token and change it.
SELECT pg_advisory_xact_lock(hashtext('onrecord: the admin''s token'));

-- name: select_token_by_secret
-- A token, valid or not, by the hash of its secret.
SELECT grants, revoked_at IS NOT NULL OR expires_at <= now() AS is_over
  FROM access_tokens
 WHERE secret_sha256 = $1;

-- name: revoke_tokens_of
-- Revokes the valid tokens that somebody made under a name.
UPDATE access_tokens SET revoked_at = now()
 WHERE name = $1 AND created_by = $2 AND revoked_at IS NULL;

-- name: select_caller
-- A valid token by the hash of its secret, and whether its last use is to be noted.
SELECT token_id, name, grants,
       last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS is_use_to_be_noted
  FROM access_tokens
 WHERE secret_sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- name: note_use
-- When a token was used, to the minute; nothing if somebody else notes it now.
UPDATE access_tokens SET last_used_at = now()
 WHERE token_id = (
        SELECT token_id FROM access_tokens
         WHERE token_id = $1
           AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
           FOR UPDATE SKIP LOCKED
   );

-- name: select_tokens
-- The tokens behind a position, the latest first.
SELECT token_id, name, grants, created_at, created_by, expires_at, last_used_at, revoked_at
  FROM access_tokens
 WHERE $2::timestamptz IS NULL OR (created_at, token_id) < ($2, $3::uuid)
 ORDER BY created_at DESC, token_id DESC
 LIMIT $1;

-- name: revoke_token
-- A token that is refused from now on; one that was revoked before stays as it was.
UPDATE access_tokens SET revoked_at = coalesce(revoked_at, now())
 WHERE token_id = $1
RETURNING token_id, name, grants, created_at, created_by, expires_at, last_used_at, revoked_at;

-- name: insert_trail_entry
-- One entry of the trail; none if the token or the session has ended since it was looked up.
INSERT INTO trail (actor, token_id, action, target, study_id, reason, address)
SELECT $1, $2, $3, $4, $5, $6, $7
 WHERE NOT EXISTS (
        SELECT FROM access_tokens
         WHERE token_id = $2 AND (revoked_at IS NOT NULL OR expires_at <= now()))
   AND NOT EXISTS (
        SELECT FROM sessions
         WHERE session_id = $8 AND (ended_at IS NOT NULL OR expires_at <= now()))
RETURNING entry_id;

-- name: insert_trail_outcomes
-- What became of entries of the trail.
INSERT INTO trail_outcomes (entry_id, outcome, status)
SELECT entry_id, $2, $3 FROM unnest($1::bigint[]) AS entry_id;

-- name: select_trail
-- A page of the trail, the latest first.
SELECT trail.entry_id, trail.at, actor, token_id, action, target, study_id, reason, address,
       outcome, status, cleared_at
  FROM trail LEFT JOIN trail_outcomes USING (entry_id)
 WHERE ($1::bigint IS NULL OR trail.entry_id < $1)
   AND ($2::text IS NULL OR actor = $2)
   AND ($3::text IS NULL OR action = $3 OR starts_with(action, $3 || '.'))
   AND ($4::text IS NULL OR study_id = $4)
 ORDER BY trail.entry_id DESC
 LIMIT $5;
