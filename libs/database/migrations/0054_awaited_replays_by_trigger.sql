-- Whoever marks a letter as sent has it awaited, also a control of an earlier version that still runs
-- while the database is migrated. A claim and a mark stay heap-only updates (see 0053).
CREATE FUNCTION note_awaited_replays() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.awaited_replays (sent_at, letter_id)
    SELECT state_changed_at, letter_id
      FROM changed
     WHERE state = 'replayed' AND outcome IS NULL AND emptied_at IS NULL
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;
CREATE TRIGGER replays_are_awaited AFTER UPDATE ON dead_letters
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_awaited_replays();

-- Those that one has marked since 0053, and those that 0053 took over although their messages are gone.
INSERT INTO awaited_replays (sent_at, letter_id)
SELECT state_changed_at, letter_id
  FROM dead_letters
 WHERE NOT settled AND state = 'replayed'
    ON CONFLICT DO NOTHING;
DELETE FROM awaited_replays AS awaited
 USING dead_letters AS letter
 WHERE letter.letter_id = awaited.letter_id AND letter.settled;

-- A column that was made anew has no statistics.
ANALYZE dead_letters;
