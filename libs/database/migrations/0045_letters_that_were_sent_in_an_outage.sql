-- A letter that an outage released although the broker had its message is replayed once that message has
-- failed again: the letter that it became is open, and one of the two is enough.
CREATE OR REPLACE FUNCTION note_letters_failed_again() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM indexed WHERE replay_of IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    -- In one order, as by whoever else changes many letters, so that none waits for the other.
    PERFORM FROM public.dead_letters
     WHERE letter_id IN (SELECT replay_of FROM indexed)
     ORDER BY letter_id
       FOR UPDATE;
    UPDATE public.dead_letters AS letter
       SET outcome = 'failed_again', outcome_at = now(), became = again.letter_id,
           state = CASE letter.state WHEN 'open' THEN 'replayed' ELSE letter.state END,
           state_changed_at = CASE letter.state WHEN 'open' THEN now()
                                                ELSE letter.state_changed_at END
      FROM indexed AS again
     WHERE letter.letter_id = again.replay_of
       AND (letter.state IN ('replaying', 'replayed')
            OR letter.state = 'open' AND letter.may_be_sent)
       AND letter.outcome IS DISTINCT FROM 'failed_again'
       AND letter.service = again.service
       AND (letter.source_partition IS NULL
            OR (letter.source_topic, letter.source_partition, letter.source_offset)
               = (again.source_topic, again.source_partition, again.source_offset));
    RETURN NULL;
END;
$$;
