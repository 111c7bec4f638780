-- name: claim_drift_source
-- How far a source has been looked at; none while another replica looks at it.
SELECT read_until, last_id
  FROM drift_positions
 WHERE source = $1
   FOR UPDATE SKIP LOCKED;

-- name: move_drift_source
-- The last row that series have observed, or a time up to which there is none.
UPDATE drift_positions SET read_until = $2, last_id = $3 WHERE source = $1;

-- name: select_drafts_to_observe
-- Drafts stored since a place, oldest first, with counts of their notes; not those of the last moments,
-- before which some may still be committed. Only a chunk's first draft is observed, and none of an
-- interview that is asked again: the model is asked for what others of its drafts lacked.
SELECT draft.chunk_id AS row_id, draft.stored_at AS at, draft.attempt, draft.model,
       draft.model_fingerprint AS fingerprint, draft.prompt_version AS prompt,
       coalesce(owner.producer, '') AS producer, transcript.transcript_id AS interview,
       draft.output_tokens, accepted.notes AS accepted, accepted.unproven, refused.notes AS refused,
       draft.attempt = 1 AND transcript.refreshes IS NULL AS is_observed
  FROM (
       SELECT chunk_id, attempt, stored_at, model, model_fingerprint, prompt_version, output_tokens
         FROM drafts
        WHERE (stored_at, chunk_id) > ($1, $2)
          AND stored_at <= now() - $3::interval
        ORDER BY stored_at, chunk_id
        LIMIT $4
       ) AS draft
  JOIN chunks AS chunk USING (chunk_id)
  JOIN transcripts AS transcript USING (transcript_id, revision)
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
-- Calls for drafts that were answered since a place, however well, oldest first, within an hour. Only the
-- first one about a chunk is observed; it was unusable if another call had to repair its answer.
SELECT call.call_id AS row_id, call.settled_at AS at,
       coalesce(nullif(call.answered_by, ''), call.model) AS model,
       call.fingerprint, call.prompt_version AS prompt, coalesce(owner.producer, '') AS producer,
       coalesce(chunk.transcript_id::text, call.subject) AS interview,
       call.outcome, call.output_tokens, call.latency_s, call.cost_usd::double precision AS cost_usd,
       EXISTS (
           SELECT FROM llm_calls AS repair
            WHERE repair.subject = call.subject
              AND repair.purpose = 'draft-repair'
              AND repair.started_at >= call.started_at
       ) AS is_repaired,
       NOT EXISTS (
           SELECT FROM llm_calls AS earlier
            WHERE earlier.subject = call.subject
              AND earlier.purpose = 'draft'
              AND earlier.prompt_version = call.prompt_version
              AND earlier.outcome = ANY ($5)
              AND (earlier.started_at, earlier.call_id) < (call.started_at, call.call_id)
       ) AS is_observed
  FROM llm_calls AS call
  LEFT JOIN chunks AS chunk
    ON chunk.chunk_id = CASE WHEN call.subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                             THEN call.subject::uuid END
  LEFT JOIN transcript_owners AS owner USING (transcript_id)
 WHERE call.purpose = 'draft'
   AND call.outcome = ANY ($5)
   AND call.settled_at >= $1
   AND (call.settled_at, call.call_id) > ($1, $2)
   AND call.settled_at <= least(now() - $3::interval, $1 + $6::interval)
 ORDER BY call.settled_at, call.call_id
 LIMIT $4;

-- name: select_next_call_time
-- When the next call to observe after a place was settled; none if there is none that is old enough.
SELECT min(settled_at)
  FROM llm_calls
 WHERE settled_at > $1
   AND settled_at <= now() - $2::interval
   AND purpose = 'draft'
   AND outcome = ANY ($3);

-- name: select_drift_series
-- Series of some models, fingerprints, prompts and producers.
SELECT metric, dimension, value, version, state::text AS state, observations
  FROM drift_series
 WHERE (dimension, value) IN (SELECT * FROM unnest($1::text[], $2::text[]));

-- name: count_values_of_dimensions
-- How many models, fingerprints, prompts and producers there are series of.
SELECT dimension, count(DISTINCT value) AS number FROM drift_series GROUP BY dimension;

-- name: upsert_drift_series
-- What is usual for series, with how many observations they have had.
INSERT INTO drift_series (
    metric, dimension, value, state, observations, is_learning, last_at, version
)
SELECT metric, dimension, value, state::jsonb, observations, is_learning, $7, $8
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::boolean[])
       AS changed (metric, dimension, value, state, observations, is_learning)
    ON CONFLICT (metric, dimension, value) DO UPDATE
   SET state = excluded.state, observations = excluded.observations, version = excluded.version,
       is_learning = excluded.is_learning, last_at = excluded.last_at;

-- name: select_drift_alarms
-- The latest alarms, those of series that still learn what is usual since first.
SELECT alarm_id, metric, dimension, value, direction, raised_at, begun_at, observations, before_rate,
       after_rate, bound, side, factors::text AS factors, ended_at
  FROM drift_alarms
 ORDER BY ended_at IS NOT NULL, raised_at DESC, alarm_id
 LIMIT $1;

-- name: count_drift
-- How many alarms and series there are, and how far drafts and calls have been observed.
SELECT (SELECT count(*) FROM drift_alarms) AS total_alarms,
       (SELECT count(*) FROM drift_alarms WHERE ended_at IS NULL) AS open_alarms,
       (SELECT read_until FROM drift_positions WHERE source = 'drafts') AS drafts_observed_until,
       (SELECT read_until FROM drift_positions WHERE source = 'calls') AS calls_observed_until,
       count(*) AS series,
       count(*) FILTER (WHERE is_learning) AS learning
  FROM drift_series;

-- name: delete_old_drift_series
-- Series that had no observation for a time; those that still learn make room sooner.
DELETE FROM drift_series
 WHERE last_at < now() - CASE WHEN is_learning THEN $2::interval ELSE $1::interval END;

-- name: end_forgotten_drift_alarms
-- Alarms of what nothing is heard of any more: no series is left that could learn what is usual since.
UPDATE drift_alarms AS alarm
   SET ended_at = now()
 WHERE ended_at IS NULL
   AND NOT EXISTS (
       SELECT FROM drift_series AS series
        WHERE (series.metric, series.dimension, series.value)
            = (alarm.metric, alarm.dimension, alarm.value)
       );

-- name: delete_old_drift_alarms
-- Alarms that were raised before a time.
DELETE FROM drift_alarms WHERE raised_at < now() - $1::interval AND ended_at IS NOT NULL;

-- name: insert_drift_alarm
-- An alarm; what explains it is looked for later.
INSERT INTO drift_alarms (
    alarm_id, metric, dimension, value, direction, raised_at, begun_at, observations, before_rate,
    after_rate, bound
)
VALUES ($1, $2, $3, $4, $5, $6::timestamptz, least($7::timestamptz, $6), $8, $9, $10, $11);

-- name: end_drift_alarms
-- Alarms of series that know again what is usual.
UPDATE drift_alarms
   SET ended_at = greatest($4, raised_at)
 WHERE ended_at IS NULL
   AND (metric, dimension, value) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]));

-- name: try_drift_alarm
-- An alarm whose side is not known yet, of which a try is counted; the next one is some time later.
UPDATE drift_alarms
   SET tries = tries + 1, not_before = now() + $1::interval
 WHERE alarm_id = (
       SELECT alarm_id
         FROM drift_alarms
        WHERE side IS NULL
          AND not_before <= now()
        ORDER BY not_before, alarm_id
        LIMIT 1
          FOR UPDATE SKIP LOCKED
       )
RETURNING alarm_id, metric, dimension, value, direction, raised_at, begun_at, bound, tries;

-- name: update_drift_side
-- Which side an alarm comes from, and what changed with it.
UPDATE drift_alarms SET side = $2, factors = $3 WHERE alarm_id = $1;

-- name: select_drafts_to_compare
-- Of the first drafts of chunks on one side of a moment, nearest first, those of a series.
SELECT draft.model, draft.asked_model, draft.fingerprint, draft.prompt, draft.producer,
       draft.interview, draft.format, draft.turns, draft.output_tokens,
       accepted.notes AS accepted, accepted.unproven, refused.notes AS refused
  FROM (
       SELECT one.chunk_id, one.attempt, one.model, one.model_fingerprint AS fingerprint,
              one.prompt_version AS prompt, one.output_tokens, chunk.transcript_id AS interview,
              coalesce(owner.producer, '') AS producer, transcript.format,
              chunk.last_segment - chunk.first_segment + 1 AS turns,
              (SELECT call.model
                 FROM llm_calls AS call
                WHERE call.subject = one.chunk_id::text
                  AND call.purpose = 'draft'
                ORDER BY call.started_at
                LIMIT 1) AS asked_model
         FROM (
              SELECT chunk_id, attempt, model, model_fingerprint, prompt_version, output_tokens
                FROM drafts
               WHERE stored_at >= $1 AND stored_at < $2
                 AND attempt = 1
               ORDER BY CASE WHEN $5 THEN stored_at END DESC, stored_at
               LIMIT $7
              ) AS one
         JOIN chunks AS chunk USING (chunk_id)
         JOIN transcripts AS transcript USING (transcript_id, revision)
         LEFT JOIN transcript_owners AS owner USING (transcript_id)
        WHERE transcript.refreshes IS NULL
          AND ($4 IN ('all', '(others)')
               OR $4 = left(CASE $3 WHEN 'model' THEN one.model
                                    WHEN 'fingerprint' THEN one.model_fingerprint
                                    WHEN 'prompt' THEN one.prompt_version
                                    ELSE owner.producer END, 200))
        LIMIT $6
       ) AS draft,
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
-- Of the calls for drafts on one side of a moment, nearest first, those of a series.
SELECT call.model, call.asked_model, call.fingerprint, call.prompt, call.producer, call.interview,
       call.format, call.turns, call.outcome, call.output_tokens, call.latency_s, call.cost_usd,
       EXISTS (
           SELECT FROM llm_calls AS repair
            WHERE repair.subject = call.subject
              AND repair.purpose = 'draft-repair'
              AND repair.started_at >= call.started_at
       ) AS is_repaired
  FROM (
       SELECT coalesce(nullif(one.answered_by, ''), one.model) AS model, one.model AS asked_model,
              one.fingerprint, one.prompt_version AS prompt, one.subject, one.started_at,
              coalesce(owner.producer, '') AS producer,
              coalesce(chunk.transcript_id::text, one.subject) AS interview,
              coalesce(transcript.format, '') AS format,
              chunk.last_segment - chunk.first_segment + 1 AS turns,
              one.outcome, one.output_tokens, one.latency_s,
              one.cost_usd::double precision AS cost_usd
         FROM (
              SELECT answered_by, model, fingerprint, prompt_version, subject, started_at, outcome,
                     output_tokens, latency_s, cost_usd
                FROM llm_calls
               WHERE started_at >= $1 AND started_at < $2
                 AND purpose = 'draft'
                 AND outcome = ANY ($8)
               ORDER BY CASE WHEN $5 THEN started_at END DESC, started_at
               LIMIT $7
              ) AS one
         LEFT JOIN chunks AS chunk
           ON chunk.chunk_id = CASE WHEN one.subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                    THEN one.subject::uuid END
         LEFT JOIN transcripts AS transcript USING (transcript_id, revision)
         LEFT JOIN transcript_owners AS owner USING (transcript_id)
        WHERE $4 IN ('all', '(others)')
           OR $4 = left(CASE $3 WHEN 'model' THEN coalesce(nullif(one.answered_by, ''), one.model)
                                WHEN 'fingerprint' THEN one.fingerprint
                                WHEN 'prompt' THEN one.prompt_version
                                ELSE owner.producer END, 200)
        LIMIT $6
       ) AS call;

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
