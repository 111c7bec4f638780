-- name: claim_drift_source
-- How far a source has been looked at; none while another replica looks at it.
SELECT read_until, last_id
  FROM drift_positions
 WHERE source = $1
   FOR UPDATE SKIP LOCKED;

-- name: move_drift_source
-- The last row that series have observed.
UPDATE drift_positions SET read_until = $2, last_id = $3 WHERE source = $1;

-- name: select_drafts_to_observe
-- Drafts stored since a place, oldest first, with counts of their notes; not those of the last moments,
-- before which some may still be committed.
SELECT draft.chunk_id AS row_id, draft.stored_at AS at, draft.model,
       draft.model_fingerprint AS fingerprint, draft.prompt_version AS prompt,
       coalesce(owner.producer, '') AS producer, draft.output_tokens,
       accepted.notes AS accepted, accepted.unproven, refused.notes AS refused
  FROM (
       SELECT chunk_id, attempt, stored_at, model, model_fingerprint, prompt_version, output_tokens
         FROM drafts
        WHERE stored_at >= $1
          AND (stored_at, chunk_id) > ($1, $2)
          AND stored_at <= now() - $3::interval
        ORDER BY stored_at, chunk_id
        LIMIT $4
       ) AS draft
  JOIN chunks AS chunk USING (chunk_id)
  LEFT JOIN transcript_owners AS owner USING (transcript_id),
       LATERAL (
           SELECT count(*) AS notes, count(*) FILTER (WHERE standing = 'unproven') AS unproven
             FROM notes AS note
            WHERE (note.chunk_id, note.attempt) = (draft.chunk_id, draft.attempt)
              AND version_of IS NULL
       ) AS accepted,
       LATERAL (
           SELECT count(*) AS notes
             FROM rejected_notes AS note
            WHERE (note.chunk_id, note.attempt) = (draft.chunk_id, draft.attempt)
       ) AS refused
 ORDER BY draft.stored_at, draft.chunk_id;

-- name: select_calls_to_observe
-- Calls for drafts that were answered since a place, however well, oldest first.
SELECT call.call_id AS row_id, call.settled_at AS at,
       coalesce(nullif(call.answered_by, ''), call.model) AS model,
       call.fingerprint, call.prompt_version AS prompt, coalesce(owner.producer, '') AS producer,
       call.outcome, call.output_tokens, call.latency_s, call.cost_usd::double precision AS cost_usd
  FROM llm_calls AS call
  LEFT JOIN chunks AS chunk
    ON chunk.chunk_id = CASE WHEN call.subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                             THEN call.subject::uuid END
  LEFT JOIN transcript_owners AS owner USING (transcript_id)
 WHERE call.purpose = 'draft'
   AND call.outcome = ANY ($5)
   AND call.settled_at >= $1
   AND (call.settled_at, call.call_id) > ($1, $2)
   AND call.settled_at <= now() - $3::interval
 ORDER BY call.settled_at, call.call_id
 LIMIT $4;

-- name: select_drift_series
-- Series of some models, fingerprints, prompts and producers.
SELECT metric, dimension, value, state::text AS state, observations
  FROM drift_series
 WHERE (dimension, value) IN (SELECT * FROM unnest($1::text[], $2::text[]));

-- name: count_values_of_dimensions
-- How many models, fingerprints, prompts and producers there are series of.
SELECT dimension, count(DISTINCT value) AS number FROM drift_series GROUP BY dimension;

-- name: upsert_drift_series
-- What is usual for series, with how many observations they have had.
INSERT INTO drift_series (metric, dimension, value, state, observations, is_learning, last_at)
SELECT metric, dimension, value, state::jsonb, observations, is_learning, $7
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::boolean[])
       AS changed (metric, dimension, value, state, observations, is_learning)
    ON CONFLICT (metric, dimension, value) DO UPDATE
   SET state = excluded.state, observations = excluded.observations,
       is_learning = excluded.is_learning, last_at = excluded.last_at;

-- name: select_drift_alarms
-- The latest alarms, those that are not over first, with how many of them there are.
SELECT alarm_id, metric, dimension, value, direction, raised_at, begun_at, observations, before_rate,
       after_rate, bound, side, factors::text AS factors, ended_at
  FROM drift_alarms
 ORDER BY ended_at IS NOT NULL, raised_at DESC, alarm_id
 LIMIT $1;

-- name: count_drift
-- How many alarms are not over, how many series there are and learn, and up to when all was observed.
SELECT (SELECT count(*) FROM drift_alarms WHERE ended_at IS NULL) AS open_alarms,
       count(*) AS series,
       count(*) FILTER (WHERE is_learning) AS learning,
       max(last_at) AS observed_until
  FROM drift_series;

-- name: delete_old_drift_series
-- Series that had no observation for a time; their alarms stay.
DELETE FROM drift_series WHERE last_at < now() - $1::interval;

-- name: delete_old_drift_alarms
-- Alarms that were raised before a time and are over.
DELETE FROM drift_alarms WHERE raised_at < now() - $1::interval AND ended_at IS NOT NULL;

-- name: insert_drift_alarm
-- An alarm, with what explains it.
INSERT INTO drift_alarms (
    alarm_id, metric, dimension, value, direction, raised_at, begun_at, observations, before_rate,
    after_rate, bound, side, factors
)
VALUES ($1, $2, $3, $4, $5, $6::timestamptz, least($7::timestamptz, $6), $8, $9, $10, $11, $12, $13);

-- name: end_drift_alarms
-- Alarms of series that know again what is usual.
UPDATE drift_alarms
   SET ended_at = greatest($4, raised_at)
 WHERE ended_at IS NULL
   AND (metric, dimension, value) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]));

-- name: select_drafts_to_compare
-- Drafts of one side of a moment, nearest first, with what may explain a drift.
SELECT draft.model, draft.model_fingerprint AS fingerprint, draft.prompt_version AS prompt,
       draft.producer, transcript.format, draft.turns, draft.output_tokens,
       accepted.notes AS accepted, accepted.unproven, refused.notes AS refused
  FROM (
       SELECT one.chunk_id, one.attempt, one.model, one.model_fingerprint, one.prompt_version,
              one.output_tokens, chunk.transcript_id, chunk.revision, coalesce(owner.producer, '') AS producer,
              chunk.last_segment - chunk.first_segment + 1 AS turns
         FROM drafts AS one
         JOIN chunks AS chunk USING (chunk_id)
         LEFT JOIN transcript_owners AS owner USING (transcript_id)
        WHERE one.stored_at >= $1 AND one.stored_at < $2
          AND CASE $3 WHEN 'model' THEN one.model = $4
                      WHEN 'fingerprint' THEN one.model_fingerprint = $4
                      WHEN 'prompt' THEN one.prompt_version = $4
                      ELSE coalesce(owner.producer, '') = $4 END
        ORDER BY CASE WHEN $5 THEN one.stored_at END DESC, one.stored_at
        LIMIT $6
       ) AS draft
  JOIN transcripts AS transcript USING (transcript_id, revision),
       LATERAL (
           SELECT count(*) AS notes, count(*) FILTER (WHERE standing = 'unproven') AS unproven
             FROM notes AS note
            WHERE (note.chunk_id, note.attempt) = (draft.chunk_id, draft.attempt)
              AND version_of IS NULL
       ) AS accepted,
       LATERAL (
           SELECT count(*) AS notes
             FROM rejected_notes AS note
            WHERE (note.chunk_id, note.attempt) = (draft.chunk_id, draft.attempt)
       ) AS refused;

-- name: select_calls_to_compare
-- Calls of one side of a moment, nearest first, with what may explain a drift.
SELECT coalesce(nullif(call.answered_by, ''), call.model) AS model,
       call.fingerprint, call.prompt_version AS prompt, coalesce(owner.producer, '') AS producer,
       coalesce(transcript.format, '') AS format,
       chunk.last_segment - chunk.first_segment + 1 AS turns,
       call.outcome, call.output_tokens, call.latency_s, call.cost_usd::double precision AS cost_usd
  FROM llm_calls AS call
  LEFT JOIN chunks AS chunk
    ON chunk.chunk_id = CASE WHEN call.subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                             THEN call.subject::uuid END
  LEFT JOIN transcripts AS transcript USING (transcript_id, revision)
  LEFT JOIN transcript_owners AS owner USING (transcript_id)
 WHERE call.purpose = 'draft'
   AND call.outcome = ANY ($7)
   AND call.settled_at >= $1 AND call.settled_at < $2
   AND CASE $3 WHEN 'model' THEN coalesce(nullif(call.answered_by, ''), call.model) = $4
               WHEN 'fingerprint' THEN call.fingerprint = $4
               WHEN 'prompt' THEN call.prompt_version = $4
               ELSE coalesce(owner.producer, '') = $4 END
 ORDER BY CASE WHEN $5 THEN call.settled_at END DESC, call.settled_at
 LIMIT $6;

-- name: select_builds_started
-- Services that were started with another build than before in a time.
SELECT DISTINCT service
  FROM (
       SELECT service, started_at,
              (version, digest, commit) IS DISTINCT FROM (
                  lag(version) OVER earlier, lag(digest) OVER earlier, lag(commit) OVER earlier
              ) AND lag(start_id) OVER earlier IS NOT NULL AS is_other
         FROM service_starts
       WINDOW earlier AS (PARTITION BY service ORDER BY started_at, start_id)
       ) AS compared
 WHERE is_other AND started_at BETWEEN $1 AND $2 AND service = ANY ($3);
