-- Interviews are asked again with the current version of their study: a refresh is a revision that has
-- the content of another one, and takes its place once it is complete.

CREATE TABLE refreshes (
    transcript_id uuid NOT NULL,
    -- Where no producer counts to, so that a refresh takes none of its numbers.
    revision int NOT NULL CHECK (revision > 1000000000),
    -- The revision whose content it has.
    content_revision int NOT NULL,
    study_id text NOT NULL,
    study_version int NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    PRIMARY KEY (transcript_id, revision)
);
CREATE POLICY of_readable_studies ON refreshes USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
ALTER TABLE refreshes ENABLE ROW LEVEL SECURITY;

ALTER TABLE transcripts
    -- The revision whose content it has; NULL: its own.
    ADD COLUMN refreshes int,
    -- Whether it is a refresh of which a chunk is not stored yet.
    ADD COLUMN is_pending boolean NOT NULL DEFAULT false;
CREATE TRIGGER refresh_may_settle AFTER UPDATE OF is_pending ON transcripts
    FOR EACH ROW EXECUTE FUNCTION check_settlement_of_transcript();

-- As in 0023, and whether it is a refresh: of withdrawn content, it is withdrawn too.
CREATE OR REPLACE FUNCTION keep_withdrawn() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(public.withdrawal_lock(NEW.transcript_id));
    NEW.refreshes := (
        SELECT refresh.content_revision
          FROM public.refreshes AS refresh
         WHERE refresh.transcript_id = NEW.transcript_id AND refresh.revision = NEW.revision
    );
    NEW.is_pending := NEW.refreshes IS NOT NULL;
    NEW.withdrawn_at := (
        SELECT max(known.withdrawn_at)
          FROM public.withdrawn_revisions AS known
         WHERE known.transcript_id = NEW.transcript_id
           AND known.revision IN (NEW.revision, NEW.refreshes)
    );
    RETURN NEW;
END;
$$;

-- The current revision of each interview: of the highest content that is not withdrawn, the latest
-- refresh that is complete, or else itself.
CREATE OR REPLACE VIEW current_transcripts AS
SELECT interview.*
  FROM transcripts AS interview
 WHERE interview.revision = (
        SELECT newest.revision
          FROM transcripts AS newest
         WHERE newest.transcript_id = interview.transcript_id
           AND newest.withdrawn_at IS NULL AND NOT newest.is_pending
         ORDER BY coalesce(newest.refreshes, newest.revision) DESC, newest.revision DESC
         LIMIT 1
   );

CREATE OR REPLACE VIEW current_notes AS
SELECT note.note_id, note.chunk_id, note.transcript_id, note.revision, note.study_id, note.position,
       CASE WHEN policy.is_shown THEN note.statement END AS statement,
       note.created_at, note.attempt, note.flags, note.same_as,
       CASE WHEN NOT policy.is_shown THEN note.statement END AS model_reading,
       note.standing, note.vouchers, interview.statements
  FROM notes AS note
 CROSS JOIN LATERAL (
        -- One look into the index for the newest revision and the policy; a join of the tables would
        -- be planned as if a study had few notes.
        SELECT newest.revision, newest.statements
          FROM transcripts AS newest
         WHERE newest.transcript_id = note.transcript_id
           AND newest.withdrawn_at IS NULL AND NOT newest.is_pending
         ORDER BY coalesce(newest.refreshes, newest.revision) DESC, newest.revision DESC
         LIMIT 1
   ) AS interview
 CROSS JOIN LATERAL (
        -- As contracts.notes.shows_statement has it; a policy that is not known is the default.
        SELECT CASE interview.statements
                   WHEN 'all' THEN true
                   WHEN 'quotes' THEN false
                   ELSE note.standing <> 'unproven'
               END AS is_shown
   ) AS policy
 WHERE note.same_as IS NULL AND note.revision = interview.revision;

-- As in 0019 and 0023; and a refresh is current once its last chunk is stored.
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
           );
    END IF;
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'notes.stored', interview.study_id, jsonb_build_object(
               'transcript_id', changed.transcript_id, 'revision', changed.revision,
               'chunks', count(*)
           )
      FROM changed
      JOIN before USING (chunk_id)
      JOIN public.transcripts AS interview
        ON interview.transcript_id = changed.transcript_id
       AND interview.revision = changed.revision
     WHERE changed.stored_at IS DISTINCT FROM before.stored_at
       AND interview.withdrawn_at IS NULL
     GROUP BY interview.study_id, changed.transcript_id, changed.revision;
    RETURN NULL;
END;
$$;

-- As in 0023, with the refreshes of the revision; none of them is the highest revision.
CREATE OR REPLACE FUNCTION withdraw_revision(of_transcript uuid, wanted int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    owned int;
    highest int;
    chosen int;
BEGIN
    PERFORM pg_advisory_xact_lock(public.withdrawal_lock(of_transcript));
    SELECT owner.revision INTO owned FROM public.transcript_owners AS owner
     WHERE owner.transcript_id = of_transcript FOR UPDATE;
    SELECT max(stored.revision) INTO highest FROM public.transcripts AS stored
     WHERE stored.transcript_id = of_transcript AND stored.withdrawn_at IS NULL
       AND stored.refreshes IS NULL;
    highest := greatest(owned, highest, 0);
    chosen := coalesce(wanted, nullif(highest, 0));
    IF chosen IS NULL OR (
        chosen > highest AND NOT EXISTS (
            SELECT FROM public.withdrawn_revisions AS known
             WHERE known.transcript_id = of_transcript AND known.revision = chosen
        ) AND NOT EXISTS (
            SELECT FROM public.refreshes AS refresh
             WHERE refresh.transcript_id = of_transcript AND refresh.revision = chosen
        )
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.withdrawn_revisions (transcript_id, revision) VALUES (of_transcript, chosen)
        ON CONFLICT (transcript_id, revision) DO NOTHING;
    UPDATE public.transcripts AS stored SET withdrawn_at = now()
     WHERE stored.transcript_id = of_transcript AND chosen IN (stored.revision, stored.refreshes)
       AND stored.withdrawn_at IS NULL;
    -- What was claimed below it and is not stored yet may be claimed anew.
    UPDATE public.transcript_owners AS owner
       SET revision = coalesce((
            SELECT max(stored.revision) FROM public.transcripts AS stored
             WHERE stored.transcript_id = of_transcript AND stored.withdrawn_at IS NULL
               AND stored.refreshes IS NULL
           ), 0)
     WHERE owner.transcript_id = of_transcript AND owner.revision = chosen;
    RETURN chosen;
END;
$$;

-- As in 0023, likewise.
CREATE OR REPLACE FUNCTION restore_revision(of_transcript uuid, wanted int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    chosen int;
BEGIN
    PERFORM pg_advisory_xact_lock(public.withdrawal_lock(of_transcript));
    DELETE FROM public.withdrawn_revisions AS known
     WHERE known.transcript_id = of_transcript
       AND known.revision = coalesce(wanted, (
            SELECT latest.revision FROM public.withdrawn_revisions AS latest
             WHERE latest.transcript_id = of_transcript
             ORDER BY latest.withdrawn_at DESC, latest.revision DESC
             LIMIT 1
           ))
    RETURNING known.revision INTO chosen;
    IF chosen IS NOT NULL THEN
        UPDATE public.transcripts AS stored SET withdrawn_at = NULL
         WHERE stored.transcript_id = of_transcript AND chosen IN (stored.revision, stored.refreshes)
           AND NOT EXISTS (
                SELECT FROM public.withdrawn_revisions AS known
                 WHERE known.transcript_id = of_transcript
                   AND known.revision IN (stored.revision, stored.refreshes)
           );
        UPDATE public.transcript_owners AS owner SET revision = greatest(owner.revision, chosen)
         WHERE owner.transcript_id = of_transcript
           AND NOT EXISTS (
                SELECT FROM public.refreshes AS refresh
                 WHERE refresh.transcript_id = of_transcript AND refresh.revision = chosen
           );
    END IF;
    RETURN chosen;
END;
$$;

-- As in 0023: numbers of refreshes are not the producer's.
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

-- Refreshes that are not withdrawn.
CREATE VIEW live_refreshes AS
SELECT refresh.*
  FROM refreshes AS refresh
 WHERE NOT EXISTS (
        SELECT FROM withdrawn_revisions AS known
         WHERE known.transcript_id = refresh.transcript_id
           AND known.revision IN (refresh.revision, refresh.content_revision)
   );

-- Claims the refresh of an interview's current content with a version of its study, and returns it with
-- the interview's title; no row if there is no such interview. The same again is the same refresh.
CREATE FUNCTION claim_refresh(
    of_transcript uuid, for_study text, wanted_version int, wanted_by text
) RETURNS TABLE (revision int, title text, is_published boolean) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content record;
BEGIN
    PERFORM pg_advisory_xact_lock(public.withdrawal_lock(of_transcript));
    SELECT coalesce(interview.refreshes, interview.revision) AS revision, interview.title
      INTO content
      FROM public.current_transcripts AS interview
     WHERE interview.transcript_id = of_transcript AND interview.study_id = for_study
       AND (interview.study ->> 'version')::int IS DISTINCT FROM wanted_version;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM public.live_refreshes AS refresh
         WHERE refresh.transcript_id = of_transcript
           AND refresh.content_revision = content.revision
           AND refresh.study_version = wanted_version
    ) THEN
        INSERT INTO public.refreshes (
            transcript_id, revision, content_revision, study_id, study_version, requested_by
        )
        SELECT of_transcript, coalesce(max(before.revision), 1000000000) + 1, content.revision,
               for_study, wanted_version, wanted_by
          FROM public.refreshes AS before
         WHERE before.transcript_id = of_transcript;
    END IF;
    RETURN QUERY
    SELECT refresh.revision, content.title, refresh.published_at IS NOT NULL
      FROM public.live_refreshes AS refresh
     WHERE refresh.transcript_id = of_transcript
       AND refresh.content_revision = content.revision
       AND refresh.study_version = wanted_version
     ORDER BY refresh.revision DESC
     LIMIT 1;
END;
$$;

-- What was asked for as a refresh, for ingestion, which reads no other interview that is stored.
CREATE FUNCTION select_refreshed(of_transcript uuid, of_revision int) RETURNS TABLE (
    study_id text, study_version int, is_withdrawn boolean, title text, format text,
    recorded_at timestamptz, study jsonb
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT refresh.study_id, refresh.study_version,
           interview.withdrawn_at IS NOT NULL OR EXISTS (
                SELECT FROM public.withdrawn_revisions AS known
                 WHERE known.transcript_id = refresh.transcript_id
                   AND known.revision = refresh.revision
           ),
           interview.title, interview.format, interview.recorded_at, interview.study
      FROM public.refreshes AS refresh
      JOIN public.transcripts AS interview
        ON interview.transcript_id = refresh.transcript_id
       AND interview.revision = refresh.content_revision
     WHERE refresh.transcript_id = of_transcript AND refresh.revision = of_revision
$$;

CREATE FUNCTION select_refreshed_segments(of_transcript uuid, of_revision int) RETURNS TABLE (
    number int, speaker text, role text, text text, start_ms bigint, end_ms bigint
) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT segment.number, segment.speaker, segment.role, segment.text, segment.start_ms,
           segment.end_ms
      FROM public.refreshes AS refresh
      JOIN public.segments AS segment
        ON segment.transcript_id = refresh.transcript_id
       AND segment.revision = refresh.content_revision
     WHERE refresh.transcript_id = of_transcript AND refresh.revision = of_revision
     ORDER BY segment.number
$$;

-- As in 0025, without what is withdrawn already.
CREATE OR REPLACE FUNCTION note_transcripts_ingested() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'transcripts.ingested', study_id,
           jsonb_build_object('transcript_id', transcript_id, 'revision', revision)
      FROM ingested
     WHERE withdrawn_at IS NULL;
    RETURN NULL;
END;
$$;
