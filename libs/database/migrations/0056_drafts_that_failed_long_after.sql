-- A discarded letter whose message an outage may have sent all the same failed again with any later draft of
-- its chunk, however late: a replay of another letter years on took it out of its discard. Only drafts that
-- failed within a day of its replay can be what its message became; the link by the letter's id has no such
-- bound, as it is certain.
CREATE OR REPLACE FUNCTION note_letters_failed_again() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    came_from uuid[];
    went_on uuid[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM indexed
         WHERE replay_of IS NOT NULL
            OR (service, source_topic)
               IN (('guardrail', 'notes-drafted'), ('enrichment', 'notes-rejected'))
    ) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(link.came_from), array_agg(link.went_on)
      INTO came_from, went_on
      FROM (
            SELECT letter.letter_id AS came_from, again.letter_id AS went_on
              FROM indexed AS again
              JOIN public.dead_letters AS letter ON letter.letter_id = again.replay_of
             WHERE letter.service = again.service
               AND (letter.source_partition IS NULL
                    OR (letter.source_topic, letter.source_partition, letter.source_offset)
                       = (again.source_topic, again.source_partition, again.source_offset))
             UNION ALL
            (SELECT DISTINCT ON (letter.letter_id) letter.letter_id, again.letter_id
              FROM indexed AS again
              JOIN public.dead_letters AS letter ON letter.subject = again.subject
             WHERE (again.service, again.source_topic)
                   IN (('guardrail', 'notes-drafted'), ('enrichment', 'notes-rejected'))
               AND again.replay_of IS DISTINCT FROM letter.letter_id
               AND again.letter_id <> letter.letter_id
               AND again.failed_at > letter.failed_at
               AND letter.service = 'guardrail'
               AND (letter.outcome IS NULL OR letter.outcome = 'expired')
               AND (letter.state <> 'discarded'
                    OR again.failed_at < letter.replay_began_at + interval '1 day')
             ORDER BY letter.letter_id, again.failed_at, again.letter_id)
           ) AS link;
    -- In one order, as by whoever else changes many letters, so that none waits for the other.
    PERFORM FROM public.dead_letters
     WHERE letter_id = ANY (came_from)
     ORDER BY letter_id
       FOR UPDATE;
    UPDATE public.dead_letters AS letter
       SET outcome = 'failed_again', outcome_at = now(), became = link.went_on,
           state = CASE letter.state WHEN 'replaying' THEN 'replaying' ELSE 'replayed' END,
           state_changed_at = CASE WHEN letter.state IN ('open', 'discarded') THEN now()
                                   ELSE letter.state_changed_at END,
           state_reason = CASE letter.state WHEN 'discarded' THEN '' ELSE letter.state_reason END
      FROM unnest(came_from, went_on) AS link (came_from, went_on)
     WHERE letter.letter_id = link.came_from
       AND (letter.state IN ('replaying', 'replayed')
            OR letter.state IN ('open', 'discarded') AND letter.may_be_sent)
       AND letter.outcome IS DISTINCT FROM 'failed_again';
    RETURN NULL;
END;
$$;
