-- name: delete_old_sessions
-- Removes a few sessions that ended a month ago; the trail keeps who opened and ended them.
DELETE FROM sessions
 WHERE session_id IN (
        SELECT session_id FROM sessions
         WHERE expires_at < now() - interval '30 days'
         LIMIT 100
           FOR UPDATE SKIP LOCKED
   );

-- name: insert_session
-- A new session: of an access token, or of a person at an issuer.
INSERT INTO sessions
    (session_id, secret_sha256, token_id, issuer, subject, name, grants, address, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9::interval)
RETURNING expires_at;

-- name: select_session_caller
-- A valid session by the hash of its secret: neither ended nor expired nor idle, and its token valid.
SELECT session_id, token_id, issuer, subject, sessions.expires_at,
       coalesce(access_tokens.name, sessions.name) AS name,
       coalesce(access_tokens.grants, sessions.grants) AS grants,
       sessions.last_used_at < now() - interval '1 minute' AS is_use_to_be_noted
  FROM sessions
  LEFT JOIN access_tokens USING (token_id)
 WHERE sessions.secret_sha256 = $1
   AND ended_at IS NULL
   AND sessions.expires_at > now()
   AND sessions.last_used_at > now() - $2::interval
   AND (token_id IS NULL OR (revoked_at IS NULL
        AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > now())));

-- name: note_session_use
-- When a session was used, to the minute; nothing if somebody else notes it now.
UPDATE sessions SET last_used_at = now()
 WHERE session_id = (
        SELECT session_id FROM sessions
         WHERE session_id = $1 AND last_used_at < now() - interval '1 minute'
           FOR UPDATE SKIP LOCKED
   );

-- name: end_session
-- A session that is refused from now on; one that had ended stays as it was.
UPDATE sessions SET ended_at = coalesce(ended_at, now())
 WHERE session_id = $1
RETURNING session_id;

-- name: select_sessions
-- Sessions behind a position that may still be used, or all; the latest first.
SELECT session_id, token_id, issuer, subject, address, ended_at, sessions.created_at,
       sessions.last_used_at, sessions.expires_at,
       coalesce(access_tokens.name, sessions.name) AS name,
       coalesce(access_tokens.grants, sessions.grants) AS grants
  FROM sessions
  LEFT JOIN access_tokens USING (token_id)
 WHERE ($1::boolean
        OR (ended_at IS NULL AND sessions.expires_at > now()
            AND sessions.last_used_at > now() - $2::interval
            AND (token_id IS NULL OR (revoked_at IS NULL
                 AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > now())))))
   AND ($4::timestamptz IS NULL OR (sessions.created_at, session_id) < ($4, $5::uuid))
 ORDER BY sessions.created_at DESC, session_id DESC
 LIMIT $3;
