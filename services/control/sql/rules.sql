-- name: insert_rule
-- Adds a rule, which is not enabled; no row if there is one of this name.
INSERT INTO letter_rules (name, filter, quiet_s, rate_per_s, most_replays, created_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING *;

-- name: select_rules
-- The rules whose names come behind one, or the one of a name.
SELECT *
  FROM letter_rules
 WHERE ($1::text IS NULL OR name = $1) AND ($2::text IS NULL OR name > $2)
 ORDER BY name
 LIMIT $3;

-- name: enable_rule
-- Enables or disables a rule, if nobody changed it meanwhile.
UPDATE letter_rules
   SET is_enabled = $3, version = version + 1
 WHERE name = $1 AND ($2::bigint IS NULL OR version = $2)
RETURNING *;

-- name: delete_rule
-- Deletes a rule, if nobody changed it meanwhile.
DELETE FROM letter_rules
 WHERE name = $1 AND ($2::bigint IS NULL OR version = $2)
RETURNING name;

-- name: claim_rule
-- An enabled rule that no replica has looked at for a while, and that is not one of some; of two who
-- ask at once, one gets it.
UPDATE letter_rules
   SET evaluated_at = now()
 WHERE name = (
        SELECT name
          FROM letter_rules
         WHERE is_enabled AND (evaluated_at IS NULL OR evaluated_at < now() - $1::interval)
           AND name <> ALL ($2::text[])
         ORDER BY name
         LIMIT 1
           FOR UPDATE SKIP LOCKED
       )
RETURNING *;

-- name: renew_rule_claim
-- Keeps a rule that is enabled as it was from other replicas for another while.
UPDATE letter_rules
   SET evaluated_at = now()
 WHERE name = $1 AND version = $2 AND is_enabled
RETURNING name;

-- name: note_replay
-- Notes that a rule is about to replay a letter, and renews the claim of it; no row if it is not
-- enabled as it was any more.
WITH renewed AS (
    UPDATE letter_rules
       SET evaluated_at = now()
     WHERE name = $1 AND version = $2 AND is_enabled
    RETURNING name
)
INSERT INTO letter_rule_replays (rule, letter_id)
SELECT name, $3 FROM renewed
ON CONFLICT (rule, letter_id) DO UPDATE SET replayed_at = now()
RETURNING letter_id;

-- name: delete_old_replays
-- Replays of a rule that are too long ago to tell of anything.
DELETE FROM letter_rule_replays WHERE rule = $1 AND replayed_at < now() - $2::interval;

-- name: count_replays
-- What is known of the latest letters that a rule replayed: how many have an outcome, and how many
-- have none yet; of those, how many of the last hour.
SELECT count(*) FILTER (WHERE outcome IS NOT NULL)::int AS known,
       count(*) FILTER (WHERE outcome IS NULL)::int AS unknown,
       count(*) FILTER (
            WHERE outcome IS NULL AND replayed_at > now() - interval '1 hour'
       )::int AS unknown_of_late
  FROM (
        SELECT letter_id, replayed_at
          FROM letter_rule_replays
         WHERE rule = $1
         ORDER BY replayed_at DESC
         LIMIT $2
       ) AS latest
  JOIN dead_letters USING (letter_id)
 WHERE state IN ('replaying', 'replayed');

-- name: select_well_services
-- Which of some services are known to be well: since a time a model answered a call of theirs, notes
-- were stored that came through them, or a message that this rule replayed went through.
SELECT service
  FROM unnest($1::text[]) AS asked (service)
 WHERE EXISTS (
        SELECT FROM llm_calls
         WHERE started_at > now() - make_interval(secs => $2::int)
           AND outcome = 'answered'
           AND (service, purpose) IN (('enrichment', $4), ('guardrail', $5))
       )
    OR service IN ('guardrail', 'persistence')
   AND EXISTS (
        SELECT FROM changes
         WHERE kind = 'notes.stored' AND at > now() - make_interval(secs => $2::int)
       )
    OR EXISTS (
        SELECT
          FROM letter_rule_replays
          JOIN dead_letters AS letter USING (letter_id)
         WHERE rule = $3
           AND letter.service = asked.service
           AND letter.outcome = 'resolved'
           AND letter.outcome_at > now() - make_interval(secs => $2::int)
       );

-- name: have_ceased
-- Whether no letter that a rule means was set aside for its while.
SELECT NOT EXISTS (
        SELECT FROM dead_letters AS letter
         WHERE letter.failed_at > now() - make_interval(secs => $2::int)
           AND letter_matches(letter, $1::jsonb)
       );

-- name: select_letters_of_rule
-- The next letters of some services that a rule replays, behind a place: open ones that a replay of many
-- tries, and whose message was not replayed as often as the rule allows. What fails again is another letter, which names
-- the one that was replayed, or is what that one became (of a refused draft, the next draft is a message
-- of its own); and replays keep the place where a message was first read, if it is known.
SELECT letter_id, dlq_topic, dlq_partition, dlq_offset
  FROM dead_letters AS letter
 WHERE NOT settled
   AND state = 'open'
   AND displaced_at IS NULL
   AND source_topic IS NOT NULL
   AND (snoozed_until IS NULL OR snoozed_until <= now())
   AND (dlq_topic COLLATE "C", dlq_partition, dlq_offset) > ($5, $6::int, $7::bigint)
   AND service = ANY ($8::text[])
   AND letter_matches(letter, $1::jsonb)
   AND ($1::jsonb ?| ARRAY['code', 'cause'] OR error_code <> ALL ($4::text[])
        OR edit IS NOT NULL)
   AND (
        WITH RECURSIVE chain AS (
            SELECT letter.letter_id, letter.replay_of
             UNION
            SELECT earlier.letter_id, earlier.replay_of
              FROM chain
              JOIN dead_letters AS earlier
                ON earlier.became = chain.letter_id
                OR earlier.letter_id = chain.replay_of AND earlier.service = letter.service
        )
        SELECT count(*)
          FROM (
                SELECT letter_id FROM chain WHERE letter_id <> letter.letter_id
                 UNION
                SELECT earlier.letter_id
                  FROM dead_letters AS earlier
                 WHERE (earlier.source_topic, earlier.source_partition, earlier.source_offset)
                       = (letter.source_topic, letter.source_partition, letter.source_offset)
                   AND earlier.source_sent_at IS NOT DISTINCT FROM letter.source_sent_at
                   AND earlier.service = letter.service
                   AND earlier.state = 'replayed'
               ) AS replays
       ) < $2
 ORDER BY dlq_topic COLLATE "C", dlq_partition, dlq_offset
 LIMIT $3;

-- name: note_firing
-- Notes that a rule replayed letters.
UPDATE letter_rules SET fired_at = now(), replayed = replayed + $2 WHERE name = $1 RETURNING name;
