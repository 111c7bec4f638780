-- A refresh that came to nothing can be asked for again, and what a withdrawal names was submitted.

-- As in 0026. A refresh is given up if a letter of its submission, or of a chunk of it that is not
-- stored, was discarded, and none of those is open or on its way back.
CREATE OR REPLACE VIEW live_refreshes AS
SELECT refresh.*,
       (
            SELECT coalesce(bool_or(letter.state = 'discarded'), false)
                   AND NOT coalesce(bool_or(letter.state IN ('open', 'replaying')), false)
              FROM (
                    SELECT of_submission.state
                      FROM dead_letters AS of_submission
                     WHERE of_submission.subject = refresh.transcript_id::text
                       AND of_submission.revision = refresh.revision
                       AND NOT EXISTS (
                            SELECT FROM transcripts AS stored
                             WHERE stored.transcript_id = refresh.transcript_id
                               AND stored.revision = refresh.revision
                       )
                     UNION ALL
                    SELECT of_chunk.state
                      FROM chunks AS chunk
                      JOIN dead_letters AS of_chunk ON of_chunk.subject = chunk.chunk_id::text
                     WHERE chunk.transcript_id = refresh.transcript_id
                       AND chunk.revision = refresh.revision
                       AND chunk.stored_at IS NULL
                   ) AS letter
       ) AS is_given_up
  FROM refreshes AS refresh
 WHERE NOT EXISTS (
        SELECT FROM withdrawn_revisions AS known
         WHERE known.transcript_id = refresh.transcript_id
           AND known.revision IN (refresh.revision, refresh.content_revision)
   );

-- As in 0026: what was given up is asked for again under another number.
CREATE OR REPLACE FUNCTION claim_refresh(
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
           AND NOT refresh.is_given_up
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

-- Whether a revision of an interview was ever submitted, stored, asked for again or withdrawn.
CREATE FUNCTION is_known_revision(of_transcript uuid, of_revision int) RETURNS boolean STABLE
LANGUAGE sql AS $$
    SELECT EXISTS (
                SELECT FROM public.transcripts AS stored
                 WHERE stored.transcript_id = of_transcript AND stored.revision = of_revision
           )
        OR EXISTS (
                SELECT FROM public.transcript_owners AS owner
                 WHERE owner.transcript_id = of_transcript AND owner.revision = of_revision
           )
        OR EXISTS (
                SELECT FROM public.submissions AS handed_in
                 WHERE handed_in.transcript_id = of_transcript AND handed_in.revision = of_revision
           )
        OR EXISTS (
                SELECT FROM public.refreshes AS refresh
                 WHERE refresh.transcript_id = of_transcript AND refresh.revision = of_revision
           )
        OR EXISTS (
                SELECT FROM public.withdrawn_revisions AS known
                 WHERE known.transcript_id = of_transcript AND known.revision = of_revision
           )
$$;

-- As in 0026, of known revisions alone: no number is withdrawn that nobody has used.
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
    IF chosen IS NULL OR NOT public.is_known_revision(of_transcript, chosen) THEN
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

-- As in 0026: of a refresh readers are informed once they are shown it, of all of its chunks at once.
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
               'chunks', CASE WHEN interview.refreshes IS NULL THEN count(*)
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

-- As in 0026, likewise.
CREATE OR REPLACE FUNCTION note_transcripts_ingested() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'transcripts.ingested', study_id,
           jsonb_build_object('transcript_id', transcript_id, 'revision', revision)
      FROM ingested
     WHERE withdrawn_at IS NULL AND NOT is_pending;
    RETURN NULL;
END;
$$;
