-- People correct the speakers, roles and title of a stored interview: a correction is a revision with the
-- words of the revision that it corrects.

-- Times of words, as far as the source has them, so that whoever reads what is stored once more cites it
-- with the same times: an array of [offset in the text, start, end], in milliseconds. NULL: none are known.
ALTER TABLE segments ADD COLUMN words jsonb;

CREATE TABLE corrections (
    transcript_id uuid NOT NULL,
    -- The number after the highest that was accepted, as the producer's next revision would have it.
    revision int NOT NULL CHECK (revision BETWEEN 1 AND 1000000000),
    -- The stored revision that it corrects.
    base_revision int NOT NULL,
    study_id text NOT NULL,
    title text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    PRIMARY KEY (transcript_id, revision),
    FOREIGN KEY (transcript_id, base_revision) REFERENCES transcripts ON DELETE CASCADE
);
CREATE POLICY of_readable_studies ON corrections USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
ALTER TABLE corrections ENABLE ROW LEVEL SECURITY;

-- The turns that another speaker or role is given.
CREATE TABLE corrected_segments (
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    number int NOT NULL,
    speaker text NOT NULL,
    role text NOT NULL CHECK (role IN ('participant', 'interviewer', 'unknown')),
    PRIMARY KEY (transcript_id, revision, number),
    FOREIGN KEY (transcript_id, revision) REFERENCES corrections ON DELETE CASCADE
);
CREATE POLICY of_readable_studies ON corrected_segments USING (
    (SELECT public.reads_every_study())
    OR EXISTS (
        SELECT FROM public.corrections AS correction
         WHERE correction.transcript_id = corrected_segments.transcript_id
           AND correction.revision = corrected_segments.revision
    )
);
ALTER TABLE corrected_segments ENABLE ROW LEVEL SECURITY;

-- Claims the next revision of an interview for a correction of its current one; the outcome says why not,
-- if it cannot be: there is no such interview ('missing'), another revision is current than was
-- expected ('changed'), a newer one is on its way ('on_the_way'), or no number is left ('no_number').
-- The same again is the same correction as long as nobody knows that Kafka has it ('claimed').
CREATE FUNCTION claim_correction(
    of_transcript uuid, for_study text, expected int, new_title text, wanted_by text,
    turns int[], speakers text[], roles text[]
) RETURNS TABLE (outcome text, revision int) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base record;
    owned int;
    highest int;
    unpublished record;
BEGIN
    PERFORM pg_advisory_xact_lock(public.withdrawal_lock(of_transcript));
    SELECT owner.revision INTO owned FROM public.transcript_owners AS owner
     WHERE owner.transcript_id = of_transcript FOR UPDATE;
    SELECT interview.revision, coalesce(interview.refreshes, interview.revision) AS content
      INTO base
      FROM public.current_transcripts AS interview
     WHERE interview.transcript_id = of_transcript AND interview.study_id = for_study;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'missing', NULL::int;
        RETURN;
    END IF;
    IF base.revision <> expected THEN
        RETURN QUERY SELECT 'changed', base.revision;
        RETURN;
    END IF;
    SELECT greatest(owned, max(stored.revision)) INTO highest
      FROM public.transcripts AS stored
     WHERE stored.transcript_id = of_transcript AND stored.withdrawn_at IS NULL
       AND stored.refreshes IS NULL;
    SELECT correction.* INTO unpublished
      FROM public.corrections AS correction
     WHERE correction.transcript_id = of_transcript AND correction.revision = highest
       AND correction.published_at IS NULL;
    IF FOUND THEN
        IF unpublished.base_revision = base.revision AND unpublished.title = new_title
            AND (
                SELECT coalesce(array_agg((turn.number, turn.speaker, turn.role) ORDER BY turn.number),
                                '{}')
                  FROM public.corrected_segments AS turn
                 WHERE turn.transcript_id = of_transcript AND turn.revision = highest
            ) = (
                SELECT coalesce(array_agg((wanted.number, wanted.speaker, wanted.role)
                                          ORDER BY wanted.number), '{}')
                  FROM unnest(turns, speakers, roles) AS wanted (number, speaker, role)
            )
        THEN
            RETURN QUERY SELECT 'claimed', highest;
        ELSE
            RETURN QUERY SELECT 'unpublished', highest;
        END IF;
        RETURN;
    END IF;
    IF highest > base.content OR EXISTS (
        SELECT FROM public.live_refreshes AS refresh
         WHERE refresh.transcript_id = of_transcript AND refresh.content_revision = base.content
           AND refresh.revision > base.revision AND NOT refresh.is_given_up
    ) THEN
        RETURN QUERY SELECT 'on_the_way', greatest(highest, base.content);
        RETURN;
    END IF;
    -- A number that was withdrawn is not used again.
    SELECT min(free.number) INTO highest
      FROM (
            SELECT base.content + 1 AS number
             UNION ALL
            SELECT known.revision + 1 FROM public.withdrawn_revisions AS known
             WHERE known.transcript_id = of_transcript AND known.revision > base.content
               AND known.revision < 1000000000
           ) AS free
     WHERE base.content < 1000000000
       AND NOT EXISTS (
            SELECT FROM public.withdrawn_revisions AS known
             WHERE known.transcript_id = of_transcript AND known.revision = free.number
       );
    IF highest IS NULL THEN
        RETURN QUERY SELECT 'no_number', base.content;
        RETURN;
    END IF;
    INSERT INTO public.corrections (
        transcript_id, revision, base_revision, study_id, title, requested_by
    )
    VALUES (of_transcript, highest, base.revision, for_study, new_title, wanted_by);
    INSERT INTO public.corrected_segments (transcript_id, revision, number, speaker, role)
    SELECT of_transcript, highest, wanted.number, wanted.speaker, wanted.role
      FROM unnest(turns, speakers, roles) AS wanted (number, speaker, role);
    INSERT INTO public.transcript_owners (transcript_id, study_id, producer, revision)
    VALUES (of_transcript, for_study, NULL, highest)
        ON CONFLICT (transcript_id) DO UPDATE SET revision = EXCLUDED.revision;
    RETURN QUERY SELECT 'claimed', highest;
END;
$$;

-- As in 0026: neither are those of corrections.
CREATE OR REPLACE FUNCTION claim_transcript(
    claimed uuid, for_study text, by_producer text, new_revision int, superseded int
) RETURNS TABLE (refusal text, owner_study text, owner_revision int) LANGUAGE plpgsql AS $$
DECLARE
    owner record;
    highest int;
BEGIN
    SELECT owned.* INTO owner FROM public.transcript_owners AS owned
     WHERE owned.transcript_id = claimed FOR UPDATE;
    IF NOT FOUND THEN
        -- One that was stored before this was recorded belongs to the study it was stored in first.
        INSERT INTO public.transcript_owners (transcript_id, study_id, producer, revision)
        SELECT claimed, coalesce(stored.study_id, for_study),
               CASE WHEN stored.study_id IS NULL THEN by_producer END,
               CASE WHEN stored.study_id IS NULL THEN new_revision ELSE coalesce(stored.newest, 0) END
          FROM (
                SELECT (array_agg(interview.study_id ORDER BY interview.revision))[1] AS study_id,
                       max(interview.revision) FILTER (
                           WHERE interview.withdrawn_at IS NULL AND interview.refreshes IS NULL
                       ) AS newest
                  FROM public.transcripts AS interview
                 WHERE interview.transcript_id = claimed
               ) AS stored
            ON CONFLICT (transcript_id) DO NOTHING;
        SELECT owned.* INTO owner FROM public.transcript_owners AS owned
         WHERE owned.transcript_id = claimed FOR UPDATE;
    END IF;
    highest := owner.revision;
    IF new_revision::bigint > highest + 1::bigint THEN
        -- Revisions that were on their way when one above them was withdrawn.
        SELECT greatest(highest, max(stored.revision)) INTO highest
          FROM public.transcripts AS stored
         WHERE stored.transcript_id = claimed AND stored.withdrawn_at IS NULL
           AND stored.refreshes IS NULL;
    END IF;
    owner_study := owner.study_id;
    owner_revision := highest;
    IF owner.study_id <> for_study OR owner.producer <> by_producer THEN
        refusal := 'owner';
    ELSIF EXISTS (
        SELECT FROM public.withdrawn_revisions AS known
         WHERE known.transcript_id = claimed AND known.revision = new_revision
    ) THEN
        refusal := 'withdrawn';
    ELSIF EXISTS (
        -- It begins where no producer counts to; should one do so, the number is taken.
        SELECT FROM public.refreshes AS refresh
         WHERE refresh.transcript_id = claimed AND refresh.revision = new_revision
    ) THEN
        refusal := 'gap';
    ELSIF EXISTS (
        SELECT FROM public.corrections AS correction
         WHERE correction.transcript_id = claimed AND correction.revision = new_revision
    ) THEN
        refusal := 'corrected';
    ELSIF new_revision > highest + 1::bigint
        AND highest > 0
        AND superseded IS DISTINCT FROM highest
        AND new_revision - highest - 1::bigint > (
            SELECT count(*) FROM public.withdrawn_revisions AS known
             WHERE known.transcript_id = claimed
               AND known.revision > highest AND known.revision < new_revision
        )
    THEN
        refusal := 'gap';
    ELSIF new_revision > owner.revision OR owner.producer IS NULL THEN
        UPDATE public.transcript_owners AS owned
           SET revision = greatest(owned.revision, new_revision), producer = by_producer
         WHERE owned.transcript_id = claimed;
        owner_revision := greatest(highest, new_revision);
    END IF;
    RETURN NEXT;
END;
$$;

-- As in 0026, and whether it is a correction: that is current, too, once all of its chunks are stored.
CREATE OR REPLACE FUNCTION keep_withdrawn() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(public.withdrawal_lock(NEW.transcript_id));
    NEW.refreshes := (
        SELECT refresh.content_revision
          FROM public.refreshes AS refresh
         WHERE refresh.transcript_id = NEW.transcript_id AND refresh.revision = NEW.revision
    );
    NEW.is_pending := NEW.refreshes IS NOT NULL OR EXISTS (
        SELECT FROM public.corrections AS correction
         WHERE correction.transcript_id = NEW.transcript_id
           AND correction.revision = NEW.revision
    );
    NEW.withdrawn_at := (
        SELECT max(known.withdrawn_at)
          FROM public.withdrawn_revisions AS known
         WHERE known.transcript_id = NEW.transcript_id
           AND known.revision IN (NEW.revision, NEW.refreshes)
    );
    RETURN NEW;
END;
$$;

-- As in 0032, and of a correction likewise.
CREATE OR REPLACE FUNCTION note_notes_stored() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Locked, so that of two transactions that store the last two chunks the second sees the first.
    PERFORM FROM public.transcripts AS interview
      WHERE interview.is_pending
        AND (interview.transcript_id, interview.revision) IN (
            SELECT changed.transcript_id, changed.revision FROM changed
        )
      ORDER BY interview.transcript_id, interview.revision
        FOR NO KEY UPDATE;
    IF FOUND THEN
        WITH complete AS (
            UPDATE public.transcripts AS interview
               SET is_pending = false
             WHERE interview.is_pending
               AND (interview.transcript_id, interview.revision) IN (
                    SELECT changed.transcript_id, changed.revision FROM changed
               )
               AND NOT EXISTS (
                    SELECT FROM public.chunks AS chunk
                     WHERE chunk.transcript_id = interview.transcript_id
                       AND chunk.revision = interview.revision
                       AND chunk.stored_at IS NULL
               )
            RETURNING interview.study_id, interview.transcript_id, interview.revision,
                      interview.withdrawn_at
        )
        INSERT INTO public.changes (kind, study_id, data)
        SELECT 'transcripts.ingested', study_id,
               jsonb_build_object('transcript_id', transcript_id, 'revision', revision)
          FROM complete
         WHERE withdrawn_at IS NULL;
    END IF;
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'notes.stored', interview.study_id, jsonb_build_object(
               'transcript_id', changed.transcript_id, 'revision', changed.revision,
               'chunks', CASE WHEN interview.refreshes IS NULL AND NOT EXISTS (
                                        SELECT FROM public.corrections AS correction
                                         WHERE correction.transcript_id = changed.transcript_id
                                           AND correction.revision = changed.revision
                                   ) THEN count(*)
                              ELSE interview.chunk_count
                         END
           )
      FROM changed
      JOIN before USING (chunk_id)
      JOIN public.transcripts AS interview
        ON interview.transcript_id = changed.transcript_id
       AND interview.revision = changed.revision
     WHERE changed.stored_at IS DISTINCT FROM before.stored_at
       AND interview.withdrawn_at IS NULL AND NOT interview.is_pending
     GROUP BY interview.study_id, interview.refreshes, interview.chunk_count,
              changed.transcript_id, changed.revision;
    RETURN NULL;
END;
$$;

-- As in 0026, with the times of words.
DROP FUNCTION select_refreshed_segments(uuid, int);
CREATE FUNCTION select_refreshed_segments(of_transcript uuid, of_revision int) RETURNS TABLE (
    number int, speaker text, role text, text text, start_ms bigint, end_ms bigint, words jsonb
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT segment.number, segment.speaker, segment.role, segment.text, segment.start_ms,
           segment.end_ms, segment.words
      FROM public.refreshes AS refresh
      JOIN public.segments AS segment
        ON segment.transcript_id = refresh.transcript_id
       AND segment.revision = refresh.content_revision
     WHERE refresh.transcript_id = of_transcript AND refresh.revision = of_revision
     ORDER BY segment.number
$$;

-- What was asked for as a correction, for ingestion, which reads no other interview that is stored: how
-- the interview was read, and its turns as they are corrected.
CREATE FUNCTION select_corrected(of_transcript uuid, of_revision int) RETURNS TABLE (
    study_id text, base_revision int, is_withdrawn boolean, title text, format text,
    recorded_at timestamptz, study jsonb, report jsonb, corrected_segments int
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT correction.study_id, correction.base_revision,
           interview.withdrawn_at IS NOT NULL OR EXISTS (
                SELECT FROM public.withdrawn_revisions AS known
                 WHERE known.transcript_id = correction.transcript_id
                   AND known.revision = correction.revision
           ),
           correction.title, interview.format, interview.recorded_at, interview.study,
           (
                SELECT reading.report FROM public.reading_reports AS reading
                 WHERE reading.transcript_id = interview.transcript_id
                   AND reading.revision = coalesce(interview.refreshes, interview.revision)
           ),
           (
                SELECT count(*)::int FROM public.corrected_segments AS turn
                 WHERE turn.transcript_id = correction.transcript_id
                   AND turn.revision = correction.revision
           )
      FROM public.corrections AS correction
      JOIN public.transcripts AS interview
        ON interview.transcript_id = correction.transcript_id
       AND interview.revision = correction.base_revision
     WHERE correction.transcript_id = of_transcript AND correction.revision = of_revision
$$;

CREATE FUNCTION select_corrected_segments(of_transcript uuid, of_revision int) RETURNS TABLE (
    number int, speaker text, role text, text text, start_ms bigint, end_ms bigint, words jsonb
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT segment.number, coalesce(turn.speaker, segment.speaker),
           coalesce(turn.role, segment.role), segment.text, segment.start_ms, segment.end_ms,
           segment.words
      FROM public.corrections AS correction
      JOIN public.segments AS segment
        ON segment.transcript_id = correction.transcript_id
       AND segment.revision = correction.base_revision
      LEFT JOIN public.corrected_segments AS turn
        ON turn.transcript_id = correction.transcript_id
       AND turn.revision = correction.revision AND turn.number = segment.number
     WHERE correction.transcript_id = of_transcript AND correction.revision = of_revision
     ORDER BY segment.number
$$;
