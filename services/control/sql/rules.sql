-- name: insert_rule
-- Adds a rule, which is not enabled; no row if there is one of this name.
INSERT INTO letter_rules (name, filter, quiet_s, rate_per_s, most_replays, created_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING *;

-- name: select_rules
-- All rules, or the one of a name.
SELECT * FROM letter_rules WHERE $1::text IS NULL OR name = $1 ORDER BY name;

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

-- name: claim_rules
-- Enabled rules that no replica has looked at for a while; of two that ask at once, one gets each.
UPDATE letter_rules
   SET evaluated_at = now()
 WHERE is_enabled AND (evaluated_at IS NULL OR evaluated_at < now() - $1::interval)
RETURNING *;

-- name: holds
-- Whether a rule is still enabled as it was, and no letter that it means was set aside for its while.
SELECT EXISTS (
        SELECT FROM letter_rules WHERE name = $1 AND version = $2 AND is_enabled
       )
   AND NOT EXISTS (
        SELECT FROM dead_letters AS letter
         WHERE letter.failed_at > now() - make_interval(secs => $4::int)
           AND letter_matches(letter, $3::jsonb)
       );

-- name: select_letters_of_rule
-- The next letters that a rule replays: open ones that a replay of many tries, and whose message was
-- not replayed as often as the rule allows. Replays keep the place where a message was first read.
SELECT letter_id
  FROM dead_letters AS letter
 WHERE NOT settled
   AND state = 'open'
   AND displaced_at IS NULL
   AND source_topic IS NOT NULL
   AND (snoozed_until IS NULL OR snoozed_until <= now())
   AND letter_matches(letter, $1::jsonb)
   AND ($1::jsonb ?| ARRAY['code', 'cause'] OR error_code <> ALL ($4::text[]))
   AND (
        SELECT count(*)
          FROM dead_letters AS earlier
         WHERE (earlier.source_topic, earlier.source_partition, earlier.source_offset)
               = (letter.source_topic, letter.source_partition, letter.source_offset)
           AND earlier.source_sent_at IS NOT DISTINCT FROM letter.source_sent_at
           AND earlier.service = letter.service
           AND earlier.state = 'replayed'
       ) < $2
 ORDER BY dlq_topic COLLATE "C", dlq_partition, dlq_offset
 LIMIT $3;

-- name: note_firing
-- Notes that a rule replayed letters.
UPDATE letter_rules SET fired_at = now(), replayed = replayed + $2 WHERE name = $1 RETURNING name;
