-- name: find_answers
-- Returns for each request the newest response of its first key that has one; counts the hits.
-- Where there is none and the request asks for it, claims its first key, unless another claimant's
-- lease on it holds; in the keys' order, so that no two statements deadlock. A claim is new if no
-- earlier one has left its row: then no response can have been stored since the statement began.
WITH asked AS (
    SELECT * FROM unnest(
        $1::int[], $2::int[], $3::text[], $4::boolean[], $5::boolean[], $6::timestamptz[],
        $7::text[]
    ) AS asked (request, place, key, takes_cut_off, claims, oldest, subject)
), found AS (
    SELECT DISTINCT ON (asked.request) asked.request, asked.subject, answer.*
      FROM asked
      JOIN llm_answers AS answer USING (key)
     WHERE answer.created_at > asked.oldest
       AND (answer.content IS NOT NULL OR asked.takes_cut_off)
       AND (NOT $9 OR answer.fingerprint = '' OR answer.fingerprint = (
            SELECT last.fingerprint FROM llm_fingerprints AS last WHERE last.model = answer.model
       ))
     ORDER BY asked.request, asked.place, answer.created_at DESC
), used AS (
    UPDATE llm_answers AS answer
       SET hits = answer.hits + sums.number, last_used_at = $8
      FROM (SELECT key, fingerprint, count(*) AS number FROM found GROUP BY 1, 2) AS sums
     WHERE answer.key = sums.key AND answer.fingerprint = sums.fingerprint
), used_for AS (
    INSERT INTO llm_answer_subjects (key, subject)
    SELECT DISTINCT found.key, found.subject FROM found WHERE found.subject <> '' ORDER BY 1, 2
        ON CONFLICT DO NOTHING
), claimed AS (
    INSERT INTO llm_claims AS held (key, claimant, leased_until)
    SELECT DISTINCT asked.key, $10::uuid, now() + $11::interval
      FROM asked
     WHERE asked.place = 1 AND asked.claims
       AND asked.request NOT IN (SELECT found.request FROM found)
     ORDER BY 1
        ON CONFLICT (key) DO UPDATE
       SET claimant = EXCLUDED.claimant, leased_until = EXCLUDED.leased_until
     WHERE held.leased_until < now() OR held.claimant = EXCLUDED.claimant
    RETURNING held.key, held.xmax = 0 AS is_new -- not an update of a row
)
SELECT asked.request, found.key, found.content, found.model, found.fingerprint,
       found.input_tokens, found.cached_tokens, found.output_tokens, found.cost_usd,
       claimed.key IS NOT NULL AS is_claimed, claimed.is_new IS TRUE AS is_new
  FROM asked
  LEFT JOIN found USING (request)
  LEFT JOIN claimed ON claimed.key = asked.key
 WHERE asked.place = 1;

-- name: peek_answer
-- Returns the newest response of the first key that has one, and counts no hit.
SELECT answer.content, answer.model, answer.fingerprint, answer.input_tokens, answer.cached_tokens,
       answer.output_tokens, answer.cost_usd
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (key, place)
  JOIN llm_answers AS answer USING (key)
 WHERE answer.created_at > $3
   AND (answer.content IS NOT NULL OR $2)
   AND (NOT $4 OR answer.fingerprint = '' OR answer.fingerprint = (
        SELECT last.fingerprint FROM llm_fingerprints AS last WHERE last.model = answer.model
   ))
 ORDER BY asked.place, answer.created_at DESC
 LIMIT 1;

-- name: count_hit
-- Counts one more use of a response that was shared within the process.
WITH used_for AS (
    INSERT INTO llm_answer_subjects (key, subject) SELECT $1, $4 WHERE $4 <> ''
        ON CONFLICT DO NOTHING
)
UPDATE llm_answers SET hits = hits + 1, last_used_at = $3 WHERE key = $1 AND fingerprint = $2;

-- name: keep_answers
-- Stores responses in place of older ones of the same fingerprint, records the fingerprint that
-- each model returned last, and releases the claims. Their rows stay for a while: a lookup that began
-- before learns from them that there may be a response it did not see.
WITH responses AS (
    SELECT * FROM unnest(
        $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
        $10::bigint[], $11::numeric[], $12::bigint[], $13::timestamptz[]
    ) AS responses (
        key, fingerprint, model, prompt_version, content, input_tokens, cached_tokens,
        output_tokens, cost_usd, bytes, at
    )
), kept AS (
    INSERT INTO llm_answers (
        key, fingerprint, model, prompt_version, content, input_tokens, cached_tokens,
        output_tokens, cost_usd, bytes, created_at, last_used_at
    )
    SELECT responses.*, responses.at FROM responses
     ORDER BY responses.key, responses.fingerprint
        ON CONFLICT (key, fingerprint) DO UPDATE
       SET model = EXCLUDED.model, content = EXCLUDED.content,
           input_tokens = EXCLUDED.input_tokens, cached_tokens = EXCLUDED.cached_tokens,
           output_tokens = EXCLUDED.output_tokens, cost_usd = EXCLUDED.cost_usd,
           bytes = EXCLUDED.bytes, created_at = EXCLUDED.created_at,
           last_used_at = EXCLUDED.last_used_at
), noted AS (
    INSERT INTO llm_fingerprints AS last (model, fingerprint, seen_at)
    SELECT DISTINCT ON (responses.model) responses.model, responses.fingerprint, responses.at
      FROM responses
     WHERE responses.fingerprint <> ''
     ORDER BY responses.model, responses.at DESC
        ON CONFLICT (model) DO UPDATE
       SET fingerprint = EXCLUDED.fingerprint, seen_at = EXCLUDED.seen_at
     WHERE last.seen_at <= EXCLUDED.seen_at
), kept_for AS (
    INSERT INTO llm_answer_subjects (key, subject)
    SELECT DISTINCT key, subject
      FROM unnest($14::text[], $15::text[]) AS asked (key, subject)
     WHERE subject <> ''
     ORDER BY key, subject
        ON CONFLICT DO NOTHING
)
UPDATE llm_claims
   SET claimant = '00000000-0000-0000-0000-000000000000', leased_until = now()
 WHERE claimant = $1 AND key = ANY($2::text[]);

-- name: delete_replaced
-- Deletes responses in whose place a new one was asked for.
DELETE FROM llm_answers WHERE key = ANY ($1::text[]) AND created_at <= $2;

-- name: renew_claims
-- Extends the leases of a claimant that is still asking.
UPDATE llm_claims SET leased_until = now() + $3 WHERE claimant = $1 AND key = ANY($2::text[]);

-- name: delete_expired
-- Deletes responses that are too old.
DELETE FROM llm_answers WHERE created_at <= $1;

-- name: delete_least_used
-- Deletes the least recently used responses beyond the size limit, in bytes.
DELETE FROM llm_answers AS kept
 USING (
    SELECT key, fingerprint,
           sum(bytes) OVER (ORDER BY last_used_at DESC, key, fingerprint) AS together
      FROM llm_answers
 ) AS ranked
 WHERE kept.key = ranked.key AND kept.fingerprint = ranked.fingerprint AND ranked.together > $1;

-- name: delete_dead_claims
-- Deletes claims that were released, or whose process was killed, longer ago than a lookup can take.
DELETE FROM llm_claims WHERE leased_until < now() - interval '10 minutes';

-- name: delete_subjects_without_answers
-- Deletes what is known of answers that are gone, unless one is being asked for.
DELETE FROM llm_answer_subjects AS asked
 WHERE NOT EXISTS (SELECT FROM llm_answers AS answer WHERE answer.key = asked.key);
