-- name: select_refresh_states
-- A study's current interviews, whether they are of a version of it, and whether they are being
-- asked again with it; of some ids, or all if NULL.
SELECT interview.transcript_id, interview.revision, interview.chunk_count AS chunks,
       coalesce((interview.study ->> 'version')::int = $2, false) AS is_up_to_date,
       EXISTS (
            SELECT FROM live_refreshes AS refresh
             WHERE refresh.transcript_id = interview.transcript_id
               AND refresh.content_revision = coalesce(interview.refreshes, interview.revision)
               AND refresh.study_version = $2
               AND refresh.published_at IS NOT NULL
               AND NOT refresh.is_given_up
       ) AS is_in_progress
  FROM current_transcripts AS interview
 WHERE interview.study_id = $1 AND ($3::uuid[] IS NULL OR interview.transcript_id = ANY ($3))
 ORDER BY interview.transcript_id;

-- name: select_refresh_costs
-- What calls about the chunks of some revisions came to: of each chunk and purpose, the cheapest that
-- was answered, and all.
WITH of_purpose AS (
    SELECT chunk.chunk_id, call.purpose, count(*) AS calls,
           min(call.input_tokens + call.output_tokens) FILTER (WHERE call.outcome = 'answered')
               AS least_tokens,
           sum(call.input_tokens + call.output_tokens) AS tokens,
           min(call.cost_usd) FILTER (WHERE call.outcome = 'answered') AS least_usd,
           sum(call.cost_usd) AS usd
      FROM unnest($1::uuid[], $2::int[]) AS asked (transcript_id, revision)
      JOIN chunks AS chunk
        ON chunk.transcript_id = asked.transcript_id AND chunk.revision = asked.revision
      JOIN llm_calls AS call ON call.subject = chunk.chunk_id::text
     WHERE call.settled_at IS NOT NULL AND call.purpose <> 'availability-check'
     GROUP BY chunk.chunk_id, call.purpose
), of_chunk AS (
    SELECT count(*) AS calls_low, sum(calls) AS calls_high,
           coalesce(sum(least_tokens), 0) AS tokens_low, coalesce(sum(tokens), 0) AS tokens_high,
           sum(least_usd) AS usd_low, sum(usd) AS usd_high
      FROM of_purpose
     GROUP BY chunk_id
)
SELECT count(*)::int AS chunks,
       coalesce(sum(calls_low), 0)::int AS calls_low, coalesce(min(calls_low), 0)::int AS calls_min,
       coalesce(sum(calls_high), 0)::int AS calls_high,
       coalesce(max(calls_high), 0)::int AS calls_max,
       coalesce(sum(tokens_low), 0)::bigint AS tokens_low,
       coalesce(min(tokens_low), 0)::bigint AS tokens_min,
       coalesce(sum(tokens_high), 0)::bigint AS tokens_high,
       coalesce(max(tokens_high), 0)::bigint AS tokens_max,
       sum(usd_low) AS usd_low, min(usd_low) AS usd_min,
       sum(usd_high) AS usd_high, max(usd_high) AS usd_max
  FROM of_chunk;

-- name: count_cached_chunks
-- Chunks of some revisions whose content was asked the same before.
SELECT coalesce(sum(interview.chunk_count), 0)::int
  FROM unnest($1::uuid[], $2::int[]) AS asked (transcript_id, revision)
  JOIN transcripts AS interview
    ON interview.transcript_id = asked.transcript_id AND interview.revision = asked.revision
 WHERE EXISTS (
        SELECT FROM transcripts AS earlier
         WHERE earlier.transcript_id = interview.transcript_id
           AND coalesce(earlier.refreshes, earlier.revision)
               = coalesce(interview.refreshes, interview.revision)
           AND NOT earlier.is_pending
           AND earlier.study @> $3::jsonb
   );

-- name: lock_refreshes
-- Waits for other requests that ask a study's interviews again, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('refreshes ' || $1, 0));

-- name: claim_refresh
-- Claims the refresh of an interview with a version of its study; no row if there is nothing to ask.
SELECT revision, title, is_published FROM claim_refresh($1, $2, $3, $4);

-- name: mark_refresh_published
-- The broker has the submissions of some refreshes.
UPDATE refreshes AS refresh
   SET published_at = now()
  FROM unnest($1::uuid[], $2::int[]) AS sent (transcript_id, revision)
 WHERE refresh.transcript_id = sent.transcript_id AND refresh.revision = sent.revision
   AND refresh.published_at IS NULL;
