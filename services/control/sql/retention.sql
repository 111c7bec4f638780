-- name: expire_due
-- Open letters whose time is over expire, so many at a time behind one: what the index has of their
-- messages is deleted. The time begins when a letter was set aside; what headers say of that counts from
-- when control read it, so that none expires by a wrong clock.
WITH due AS (
    SELECT letter.letter_id
      FROM dead_letters AS letter
      LEFT JOIN studies AS study USING (study_id)
     WHERE NOT settled AND state = 'open'
       AND greatest(indexed_at, CASE WHEN failed_at <= now() THEN failed_at END)
           + least($1::interval, make_interval(days => study.retention_days)) <= now()
       AND letter_id > $4
     ORDER BY letter_id
     LIMIT $2
       FOR UPDATE OF letter SKIP LOCKED
), forgotten AS (
    DELETE FROM letter_edits WHERE letter_id IN (SELECT letter_id FROM due)
)
UPDATE dead_letters AS letter
   SET state = 'discarded', outcome = 'expired', outcome_at = now(), state_changed_at = now(),
       state_reason = $3, emptied_at = now(), headers = '[]', key = NULL, edit = NULL,
       discard_id = NULL, snoozed_until = NULL
  FROM due
 WHERE letter.letter_id = due.letter_id
RETURNING letter.letter_id, letter.service, letter.cause_id, letter.error_code, letter.failed_at;

-- name: empty_closed
-- Of letters that were closed so long ago, so many at a time behind one, what the index has of their
-- messages is deleted. That a replay sent an edit is still known, for the interview's outcome.
WITH due AS (
    SELECT letter.letter_id
      FROM dead_letters AS letter
      LEFT JOIN studies AS study USING (study_id)
     WHERE settled AND emptied_at IS NULL
       AND greatest(outcome_at, state_changed_at)
           + least($1::interval, make_interval(days => study.retention_days)) <= now()
       AND letter_id > $3
     ORDER BY letter_id
     LIMIT $2
       FOR UPDATE OF letter SKIP LOCKED
), forgotten AS (
    DELETE FROM letter_edits WHERE letter_id IN (SELECT letter_id FROM due)
)
UPDATE dead_letters AS letter
   SET emptied_at = now(), headers = '[]', key = NULL
  FROM due
 WHERE letter.letter_id = due.letter_id
RETURNING letter.letter_id;

-- name: empty_without_outcome
-- The same, of letters that were replayed and of which it is not known what became. That is looked for for
-- a month, after which they count as closed, and those that are emptied are awaited no longer.
WITH due AS (
    SELECT letter.letter_id, sent_at
      FROM awaited_replays AS awaited
      JOIN dead_letters AS letter USING (letter_id)
      LEFT JOIN studies AS study USING (study_id)
     WHERE sent_at <= now() - interval '31 days'
       AND letter.state = 'replayed' AND letter.outcome IS NULL AND letter.emptied_at IS NULL
       AND letter.state_changed_at + interval '31 days'
           + least($1::interval, make_interval(days => study.retention_days)) <= now()
       AND letter.letter_id > $3
     ORDER BY letter.letter_id
     LIMIT $2
       FOR UPDATE OF letter SKIP LOCKED
), forgotten AS (
    DELETE FROM letter_edits WHERE letter_id IN (SELECT letter_id FROM due)
), awaited_no_longer AS (
    DELETE FROM awaited_replays WHERE (sent_at, letter_id) IN (SELECT sent_at, letter_id FROM due)
)
UPDATE dead_letters AS letter
   SET emptied_at = now(), headers = '[]', key = NULL
  FROM due
 WHERE letter.letter_id = due.letter_id
RETURNING letter.letter_id;

-- name: forget_closed
-- Of letters whose outcome is not looked for any more, those are awaited no longer of which it became known
-- later, or that are not kept.
DELETE FROM awaited_replays AS awaited
 WHERE sent_at <= now() - interval '31 days'
   AND NOT EXISTS (
        SELECT FROM dead_letters AS letter
         WHERE letter.letter_id = awaited.letter_id
           AND letter.state = 'replayed' AND letter.outcome IS NULL AND letter.emptied_at IS NULL
           AND letter.state_changed_at = awaited.sent_at
       );

-- name: displace_gone
-- Open letters of a partition that its DLQ does not have any more: deleted before its first offset, or
-- behind its end, as in a DLQ that was made anew. What was indexed just now may be behind the end that
-- was read before.
UPDATE dead_letters
   SET displaced_at = now()
 WHERE NOT settled AND state = 'open' AND displaced_at IS NULL
   AND dlq_topic = $1 AND dlq_partition = $2
   AND (dlq_offset < $3 OR dlq_offset >= $4 AND indexed_at < now() - interval '10 minutes')
RETURNING letter_id;

-- name: find_again
-- Letters of a partition that were gone and that its DLQ has again, as control was pointed at another
-- broker for a while: their places are within it, and no other letter was read there since. Those that
-- expired as they were gone are open.
WITH found AS (
    UPDATE dead_letters AS letter
       SET displaced_at = NULL,
           state = CASE WHEN outcome = 'expired' AND emptied_at IS NULL THEN 'open' ELSE state END,
           state_changed_at = CASE WHEN outcome = 'expired' AND emptied_at IS NULL THEN now()
                                   ELSE state_changed_at END,
           state_reason = CASE WHEN outcome = 'expired' AND emptied_at IS NULL THEN ''
                               ELSE state_reason END,
           outcome_at = CASE WHEN outcome = 'expired' AND emptied_at IS NULL THEN NULL
                             ELSE outcome_at END,
           outcome = CASE WHEN outcome = 'expired' AND emptied_at IS NULL THEN NULL ELSE outcome END
     WHERE displaced_at IS NOT NULL
       AND dlq_topic = $1 AND dlq_partition = $2 AND dlq_offset >= $3 AND dlq_offset < $4
       AND NOT EXISTS (
            SELECT FROM dead_letters AS other
             WHERE (other.dlq_topic, other.dlq_partition, other.dlq_offset)
                   = (letter.dlq_topic, letter.dlq_partition, letter.dlq_offset)
               AND (other.displaced_at IS NULL
                    OR (other.indexed_at, other.letter_id) > (letter.indexed_at, letter.letter_id))
           )
    RETURNING letter_id
)
INSERT INTO settlement_checks (letter_id) SELECT letter_id FROM found RETURNING letter_id;

-- name: expire_gone
-- Open letters that have been gone for a while expire, so many at a time behind one; one that is read
-- again in its DLQ is open again.
WITH due AS (
    SELECT letter_id
      FROM dead_letters
     WHERE NOT settled AND state = 'open' AND displaced_at <= now() - $1::interval
       AND letter_id > $4
     ORDER BY letter_id
     LIMIT $2
       FOR UPDATE SKIP LOCKED
)
UPDATE dead_letters AS letter
   SET state = 'discarded', outcome = 'expired', outcome_at = now(), state_changed_at = now(),
       state_reason = $3, discard_id = NULL, snoozed_until = NULL
  FROM due
 WHERE letter.letter_id = due.letter_id
RETURNING letter.letter_id, letter.service, letter.cause_id, letter.error_code, letter.failed_at;

-- name: select_needed
-- From which offset on a partition of a DLQ is needed: that of its first letter that is open or whose
-- message is kept, and behind the last one that is not. Null if there is nothing that is not needed.
SELECT CASE WHEN emptied > 0 THEN least(kept, last_emptied + 1) END AS first_needed
  FROM (
        SELECT count(*) FILTER (WHERE emptied_at IS NOT NULL) AS emptied,
               min(dlq_offset) FILTER (WHERE emptied_at IS NULL OR NOT settled) AS kept,
               max(dlq_offset) FILTER (WHERE emptied_at IS NOT NULL) AS last_emptied
          FROM dead_letters
         WHERE dlq_topic = $1 AND dlq_partition = $2 AND displaced_at IS NULL
       ) AS places;

-- name: delete_closed
-- Rows of replayed letters whose record is gone from its DLQ, so that it is never read again, unless the
-- letter that one became is there, or a plan that sent one, or it was edited, which the interview's
-- outcome asks for. Of what was given up the row stays, for the audit.
WITH due AS (
    SELECT letter_id
      FROM dead_letters AS letter
     WHERE state = 'replayed' AND emptied_at IS NOT NULL
       AND dlq_topic = $1 AND dlq_partition = $2 AND dlq_offset < $3
       AND NOT EXISTS (
            SELECT FROM dead_letters AS again WHERE again.letter_id = letter.became
       )
       AND NOT EXISTS (SELECT FROM replay_plans AS plan WHERE plan.plan_id = letter.plan_id)
       AND edit IS NULL
     ORDER BY letter_id
     LIMIT $4
       FOR UPDATE SKIP LOCKED
)
DELETE FROM dead_letters AS letter USING due WHERE letter.letter_id = due.letter_id
RETURNING letter.letter_id;

-- name: select_expiries
-- Open letters by service and cause, with when the first and the last of them expire, those first that
-- expire first. Of those that are gone from their DLQ, how many.
SELECT service, cause_id, error_code, letters, expiring, first_expires_at, last_expires_at, gone,
       summary, count(*) OVER ()::int AS causes, sum(letters) OVER ()::bigint AS all_letters,
       sum(expiring) OVER ()::bigint AS all_expiring, sum(gone) OVER ()::bigint AS all_gone
  FROM (
        SELECT letter.service, letter.cause_id, letter.error_code, count(*)::int AS letters,
               count(*) FILTER (WHERE expires_at <= now() + $2::interval)::int AS expiring,
               min(expires_at) AS first_expires_at, max(expires_at) AS last_expires_at,
               count(displaced_at)::int AS gone
          FROM dead_letters AS letter
          LEFT JOIN studies AS study USING (study_id)
         CROSS JOIN LATERAL (
                SELECT greatest(indexed_at, CASE WHEN failed_at <= now() THEN failed_at END)
                       + least($1::interval, make_interval(days => study.retention_days))
               ) AS kept (expires_at)
         WHERE NOT settled AND state = 'open'
         GROUP BY letter.service, letter.cause_id, letter.error_code
       ) AS open_letters
  LEFT JOIN (SELECT cause_id, summary FROM letter_causes) AS cause USING (cause_id)
 ORDER BY first_expires_at, cause_id
 LIMIT $3;

-- name: count_expiring
-- How many open letters expire within a while.
SELECT count(*)::int
  FROM dead_letters AS letter
  LEFT JOIN studies AS study USING (study_id)
 WHERE NOT settled AND state = 'open'
   AND greatest(indexed_at, CASE WHEN failed_at <= now() THEN failed_at END)
       + least($1::interval, make_interval(days => study.retention_days)) <= now() + $2::interval;

-- name: select_dlq_sizes
-- What the index knows of the letters that some partitions of DLQs have, from an offset on.
SELECT asked.topic, asked.partition, count(letter_id)::int AS letters,
       coalesce(sum(size_bytes), 0)::bigint AS bytes,
       min(failed_at) AS oldest_failed_at
  FROM unnest($1::text[], $2::int[], $3::bigint[]) AS asked (topic, partition, begins)
  LEFT JOIN dead_letters AS letter
    ON dlq_topic = asked.topic AND dlq_partition = asked.partition
   AND dlq_offset >= asked.begins AND displaced_at IS NULL
 GROUP BY asked.topic, asked.partition
 ORDER BY asked.topic, asked.partition;
