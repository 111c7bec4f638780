-- name: find_answer
-- The answer of the first key that has one, the newest first; counts the hit.
UPDATE llm_answers AS kept
   SET hits = kept.hits + 1, last_used_at = $2
  FROM (
    SELECT answer.key, answer.fingerprint
      FROM unnest($1::text[]) WITH ORDINALITY AS asked (key, place)
      JOIN llm_answers AS answer USING (key)
     WHERE answer.created_at > $3
       AND (NOT $4 OR answer.fingerprint = '' OR answer.fingerprint = (
            SELECT last.fingerprint FROM llm_fingerprints AS last WHERE last.model = answer.model
       ))
     ORDER BY asked.place, answer.created_at DESC
     LIMIT 1
  ) AS found
 WHERE kept.key = found.key AND kept.fingerprint = found.fingerprint
RETURNING kept.key, kept.content, kept.model, kept.fingerprint, kept.input_tokens,
          kept.cached_tokens, kept.output_tokens, kept.cost_usd;

-- name: count_hit
-- One more use of an answer that was given on within the process.
UPDATE llm_answers SET hits = hits + 1, last_used_at = $3 WHERE key = $1 AND fingerprint = $2;

-- name: keep_answer
-- Keeps an answer in place of an older one of the same fingerprint.
INSERT INTO llm_answers (
    key, fingerprint, model, prompt_version, content, input_tokens, cached_tokens, output_tokens,
    cost_usd, bytes, created_at, last_used_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
    ON CONFLICT (key, fingerprint) DO UPDATE
   SET model = EXCLUDED.model, content = EXCLUDED.content, input_tokens = EXCLUDED.input_tokens,
       cached_tokens = EXCLUDED.cached_tokens, output_tokens = EXCLUDED.output_tokens,
       cost_usd = EXCLUDED.cost_usd, bytes = EXCLUDED.bytes, created_at = EXCLUDED.created_at,
       last_used_at = EXCLUDED.last_used_at;

-- name: note_fingerprint
-- The fingerprint a model gave last.
INSERT INTO llm_fingerprints AS last (model, fingerprint, seen_at)
VALUES ($1, $2, $3)
    ON CONFLICT (model) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, seen_at = EXCLUDED.seen_at
 WHERE last.seen_at <= EXCLUDED.seen_at;

-- name: claim
-- Takes a question that nobody is asking, or whose claimant has not been heard of in time.
INSERT INTO llm_claims AS held (key, claimant, leased_until)
VALUES ($1, $2, now() + $3)
    ON CONFLICT (key) DO UPDATE
   SET claimant = EXCLUDED.claimant, leased_until = EXCLUDED.leased_until
 WHERE held.leased_until < now() OR held.claimant = EXCLUDED.claimant
RETURNING true;

-- name: renew_claims
-- Tells that a claimant is still asking.
UPDATE llm_claims SET leased_until = now() + $3 WHERE claimant = $1 AND key = ANY($2::text[]);

-- name: release_claims
-- Lets others ask.
DELETE FROM llm_claims WHERE claimant = $1 AND key = ANY($2::text[]);

-- name: delete_expired
-- Answers that are too old.
DELETE FROM llm_answers WHERE created_at <= $1;

-- name: delete_least_used
-- Answers that are beyond the size limit, in bytes; the least recently used go.
DELETE FROM llm_answers AS kept
 USING (
    SELECT key, fingerprint,
           sum(bytes) OVER (ORDER BY last_used_at DESC, key, fingerprint) AS together
      FROM llm_answers
 ) AS ranked
 WHERE kept.key = ranked.key AND kept.fingerprint = ranked.fingerprint AND ranked.together > $1;

-- name: delete_dead_claims
-- Claims of those who were killed, and that nobody took over.
DELETE FROM llm_claims WHERE leased_until < now() - interval '1 hour';
