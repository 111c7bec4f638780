-- name: claim_request
-- The claim on a key: a new one, or one of a request that ended without an answer. No row if another
-- request has the key or had it.
INSERT INTO idempotent_requests AS known (
    token_id, key_sha256, fingerprint, claim_id, salt, locked_until
)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
ON CONFLICT (token_id, key_sha256) DO UPDATE
   SET claim_id = EXCLUDED.claim_id, started_at = now(), locked_until = EXCLUDED.locked_until
 WHERE known.status IS NULL
   AND known.locked_until < now()
   AND known.fingerprint = EXCLUDED.fingerprint
RETURNING claim_id, salt;

-- name: select_request
-- What is known of the request with a key.
SELECT fingerprint, salt, status, media_type, body
  FROM idempotent_requests
 WHERE token_id = $1 AND key_sha256 = $2;

-- name: renew_claim
-- A claimed request is still being carried out.
UPDATE idempotent_requests SET locked_until = now() + $2::interval
 WHERE claim_id = $1 AND status IS NULL;

-- name: store_answer
-- The answer of a claimed request.
UPDATE idempotent_requests SET status = $2, media_type = $3, body = $4 WHERE claim_id = $1;

-- name: release_request
-- A claimed request failed: it may be sent again with the same key.
DELETE FROM idempotent_requests WHERE claim_id = $1 AND status IS NULL;

-- name: delete_old_requests
-- Answers that are kept no longer.
DELETE FROM idempotent_requests WHERE started_at < now() - $1::interval;

-- name: put_secret
-- A secret of control's, made by the first replica that needs it.
INSERT INTO control_secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING;

-- name: select_secret
-- A secret of control's.
SELECT secret FROM control_secrets WHERE name = $1;

-- name: select_stored_revisions
-- The revisions of an interview that were submitted and are stored for a study, without refreshes.
SELECT revision, content_sha256
  FROM transcripts
 WHERE transcript_id = $1 AND study_id = $2 AND refreshes IS NULL
 ORDER BY revision;
