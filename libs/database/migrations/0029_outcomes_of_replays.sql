-- What became of letters that were replayed, and who replays one: `replayed` means sent, no more.

ALTER TABLE dead_letters
    -- NULL: not known (yet), or not replayed.
    ADD COLUMN outcome text CHECK (outcome IN ('resolved', 'failed_again')),
    ADD COLUMN outcome_at timestamptz,
    -- The letter that its message became when it failed again.
    ADD COLUMN became uuid,
    -- When the latest replay was begun; effects from then on are its effects.
    ADD COLUMN replay_began_at timestamptz,
    -- Key of the advisory lock of the replica that replays it: free if that one is gone.
    ADD COLUMN claimed_by int,
    -- The plan that sent it last.
    ADD COLUMN plan_id uuid;

CREATE INDEX dead_letters_without_outcome ON dead_letters (letter_id)
    WHERE state = 'replayed' AND outcome IS NULL;

-- A letter whose message failed again says so in the transaction that indexes the new letter. The new
-- one names it in a header, which proves little: it has to be the same service's, from the same place.
CREATE FUNCTION note_letters_failed_again() RETURNS trigger LANGUAGE plpgsql
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
       SET outcome = 'failed_again', outcome_at = now(), became = again.letter_id
      FROM indexed AS again
     WHERE letter.letter_id = again.replay_of
       AND letter.state IN ('replaying', 'replayed')
       AND letter.outcome IS DISTINCT FROM 'failed_again'
       AND letter.service = again.service
       AND (letter.source_partition IS NULL
            OR (letter.source_topic, letter.source_partition, letter.source_offset)
               = (again.source_topic, again.source_partition, again.source_offset));
    RETURN NULL;
END;
$$;
CREATE TRIGGER letters_failed_again AFTER INSERT ON dead_letters
    REFERENCING NEW TABLE AS indexed
    FOR EACH STATEMENT EXECUTE FUNCTION note_letters_failed_again();

-- Letters are counted by what became of them: `replayed` counts those of which it is not known.
CREATE OR REPLACE FUNCTION count_letters_indexed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_causes (
        cause_id, service, error_code, error_type, summary, example
    )
    SELECT DISTINCT ON (cause_id)
           cause_id, service, error_code, error_type,
           public.letter_cause_summary(error_message), letter_id
      FROM indexed
     WHERE NOT EXISTS (
           SELECT FROM public.letter_causes AS known WHERE known.cause_id = indexed.cause_id
     )
     ORDER BY cause_id
        ON CONFLICT DO NOTHING;
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'),
           CASE WHEN state = 'replayed' THEN coalesce(outcome, state) ELSE state END, count(*),
           min(failed_at), max(failed_at)
      FROM indexed
     GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION count_letters_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_causes (
        cause_id, service, error_code, error_type, summary, example
    )
    SELECT DISTINCT ON (cause_id)
           cause_id, service, error_code, error_type,
           public.letter_cause_summary(error_message), letter_id
      FROM changed
     WHERE NOT EXISTS (
           SELECT FROM public.letter_causes AS known WHERE known.cause_id = changed.cause_id
     )
     ORDER BY cause_id
        ON CONFLICT DO NOTHING;
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, study_id, hour, state, sum(letters), min(failed_at), max(failed_at)
      FROM (
            SELECT cause_id, coalesce(study_id, '') AS study_id,
                   date_trunc('hour', failed_at, 'UTC') AS hour,
                   CASE WHEN state = 'replayed' THEN coalesce(outcome, state) ELSE state END
                       AS state,
                   1 AS letters, failed_at
              FROM changed
             UNION ALL
            SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'),
                   CASE WHEN state = 'replayed' THEN coalesce(outcome, state) ELSE state END,
                   -1, failed_at
              FROM before
           ) AS change
     GROUP BY 1, 2, 3, 4
    HAVING sum(letters) <> 0;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION count_letters_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.letter_cause_counts
    SELECT cause_id, coalesce(study_id, ''), date_trunc('hour', failed_at, 'UTC'),
           CASE WHEN state = 'replayed' THEN coalesce(outcome, state) ELSE state END, -count(*),
           min(failed_at), max(failed_at)
      FROM deleted
     GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END;
$$;
