-- BI views say which words are a person's and which notes are gone; erasures count vectors; words in the trail
-- that are of no study have a time.

-- As in 0060; a statement that a person wrote is no model's.
CREATE OR REPLACE VIEW onrecord_v1.notes WITH (security_barrier) AS
SELECT note.study_id, note.note_id, note.transcript_id, note.revision,
       chunk.index AS chunk,
       note.attempt, note.position,
       note.standing,
       note.statement IS NOT NULL AS is_finding,
       note.statement,
       -- A study that wants quotes alone shows no reading.
       CASE WHEN note.statements <> 'quotes' THEN note.model_reading END AS model_reading,
       (
            SELECT coalesce(string_agg(DISTINCT flag ->> 'check', ', '), '')
              FROM jsonb_array_elements(note.flags) AS flag
       ) AS flags,
       (
            SELECT count(*)::int FROM public.notes AS one WHERE one.same_as = note.note_id
       ) AS repeats,
       CASE WHEN person.edited_by IS NULL THEN draft.model END AS model,
       CASE WHEN person.edited_by IS NULL THEN draft.prompt_version END AS prompt_version,
       note.created_at,
       person.version_of, person.edited_by
  FROM public.current_notes AS note
  JOIN public.chunks AS chunk ON chunk.chunk_id = note.chunk_id
  JOIN public.drafts AS draft ON draft.chunk_id = note.chunk_id AND draft.attempt = note.attempt
  LEFT JOIN LATERAL (
        SELECT own.version_of,
               (
                    SELECT edit.decided_by
                      FROM public.decided_notes AS decided
                      JOIN public.note_decisions AS edit
                        ON edit.origin_id = decided.origin_id AND edit.number = decided.edited
                     WHERE decided.version_note_id = own.note_id
                     LIMIT 1
               ) AS edited_by
          FROM public.notes AS own
         WHERE own.note_id = note.note_id AND own.version_of IS NOT NULL
       ) AS person ON true
 WHERE (SELECT public.reads_every_study())
    OR note.study_id IN (SELECT study_id FROM public.readable_studies);
COMMENT ON COLUMN onrecord_v1.notes.model IS
    'Model that wrote the draft; null where a person edited the statement.';
COMMENT ON COLUMN onrecord_v1.notes.prompt_version IS
    'Version of the prompt that it was asked with; null where a person edited the statement.';
COMMENT ON COLUMN onrecord_v1.notes.version_of IS
    'The model''s note that a person edited or filed anew; null: it is the model''s own.';
COMMENT ON COLUMN onrecord_v1.notes.edited_by IS 'Who wrote the statement; null: the model did.';

-- As in 0060, and whether its notes are gone.
CREATE OR REPLACE VIEW onrecord_v1.interviews WITH (security_barrier) AS
SELECT interview.study_id, interview.transcript_id, interview.revision, interview.title,
       interview.format,
       coalesce(interview.study ->> 'language', 'en') AS language,
       (interview.study ->> 'version')::int AS study_version,
       interview.recorded_at, interview.ingested_at,
       CASE
           WHEN work.stored = interview.chunk_count THEN 'complete'
           WHEN work.stored + work.dead + work.discarded = interview.chunk_count
               THEN 'dead_in_part'
           ELSE 'in_progress'
       END AS status,
       interview.segment_count AS segments,
       interview.chunk_count AS chunks,
       work.stored AS chunks_stored,
       work.dead AS chunks_dead,
       work.discarded AS chunks_discarded,
       interview.chunk_count - work.stored - work.dead - work.discarded AS chunks_waiting,
       noted.notes,
       noted.findings,
       interview.notes_expired_at
  FROM public.current_transcripts AS interview
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE chunk.stored_at IS NOT NULL)::int AS stored,
               count(*) FILTER (WHERE chunk.stored_at IS NULL AND letter.is_open)::int AS dead,
               count(*) FILTER (
                    WHERE chunk.stored_at IS NULL AND NOT letter.is_open AND letter.is_discarded
               )::int AS discarded
          FROM public.chunks AS chunk
         CROSS JOIN LATERAL (
                SELECT coalesce(bool_or(state = 'open'), false) AS is_open,
                       coalesce(bool_or(state = 'discarded'), false)
                       AND NOT coalesce(bool_or(state = 'replaying'), false) AS is_discarded
                  FROM public.dead_letters
                 WHERE subject = chunk.chunk_id::text
               ) AS letter
         WHERE chunk.transcript_id = interview.transcript_id
           AND chunk.revision = interview.revision
       ) AS work
 CROSS JOIN LATERAL (
        SELECT count(*)::int AS notes,
               count(*) FILTER (WHERE note.statement IS NOT NULL)::int AS findings
          FROM public.current_notes AS note
         WHERE note.transcript_id = interview.transcript_id
           AND note.revision = interview.revision
       ) AS noted
 WHERE (SELECT public.reads_every_study())
    OR interview.study_id IN (SELECT study_id FROM public.readable_studies);
COMMENT ON COLUMN onrecord_v1.interviews.notes_expired_at IS
    'Since when it has no notes any more, as their time is over: it counts as 0, and nobody knows how many '
    'there were; null: it has them.';

-- As in 0062 and 0066, and vectors, from which words can be guessed.
CREATE OR REPLACE FUNCTION tables_with_words() RETURNS text[] IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN ARRAY[
        'transcripts', 'segments', 'speakers', 'reading_reports', 'notes', 'evidence', 'corrections',
        'corrected_segments', 'rejected_notes', 'search_documents', 'pending_drafts', 'llm_answers',
        'dead_letters', 'letter_edits', 'rehearsed_letters', 'letter_causes', 'settlements',
        'idempotent_requests', 'trail', 'note_decisions', 'decided_notes',
        'search_embeddings'
    ];
CREATE OR REPLACE FUNCTION erase_transcript(of_transcript uuid, further_subjects text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counts jsonb := '{}';
    counted bigint;
    tablename text;
    erasure uuid := (
        SELECT erasure_id FROM public.erased_transcripts WHERE transcript_id = of_transcript
    );
BEGIN
    PERFORM pg_advisory_xact_lock(public.withdrawal_lock(of_transcript));
    IF erasure IS NULL THEN
        RAISE EXCEPTION 'interview % is not to be erased', of_transcript
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- Before all else, as whoever stores notes of a chunk does: else each would wait for the other.
    PERFORM FROM public.chunks WHERE transcript_id = of_transcript ORDER BY chunk_id FOR UPDATE;
    INSERT INTO public.erased_subjects (subject, transcript_id)
    SELECT DISTINCT subject, of_transcript
      FROM (
            SELECT of_transcript::text AS subject
             UNION ALL
            SELECT chunk_id::text FROM public.chunks WHERE transcript_id = of_transcript
             UNION ALL
            SELECT chunk_id::text FROM public.pending_drafts WHERE transcript_id = of_transcript
             UNION ALL
            SELECT * FROM unnest(further_subjects)
           ) AS named
        ON CONFLICT DO NOTHING;

    INSERT INTO public.ids_being_erased (erasure_id, id)
    SELECT DISTINCT erasure, known.id FROM (
        SELECT subject FROM public.erased_subjects WHERE transcript_id = of_transcript
         UNION ALL
        SELECT note_id::text FROM public.notes WHERE transcript_id = of_transcript
         UNION ALL
        -- Notes that are gone, and people's versions that are not shown at the moment.
        SELECT unnest(ARRAY[origin_id, note_id, public.version_id_of(origin_id)])::text
          FROM public.note_decisions
         WHERE transcript_id = of_transcript
         UNION ALL
        SELECT letter_id::text FROM public.dead_letters
         WHERE subject IN (
                SELECT subject FROM public.erased_subjects WHERE transcript_id = of_transcript
         )
    ) AS known (id)
     WHERE known.id IS NOT NULL
        ON CONFLICT DO NOTHING;

    -- Counted before, as most of it goes with the interview's row.
    FOREACH tablename IN ARRAY ARRAY[
        'transcripts', 'segments', 'speakers', 'reading_reports', 'chunks', 'notes', 'evidence',
        'search_documents', 'pending_drafts', 'refreshes', 'corrections', 'withdrawn_revisions',
        'transcript_owners', 'note_decisions'
    ] LOOP
        EXECUTE format('SELECT count(*) FROM public.%I WHERE transcript_id = $1', tablename)
           INTO counted USING of_transcript;
        counts := counts || jsonb_build_object(tablename, counted);
    END LOOP;
    SELECT count(*) INTO counted
      FROM public.rejected_notes JOIN public.chunks USING (chunk_id)
     WHERE transcript_id = of_transcript;
    counts := counts || jsonb_build_object('rejected_notes', counted);
    SELECT count(*) INTO counted
      FROM public.drafts JOIN public.chunks USING (chunk_id)
     WHERE transcript_id = of_transcript;
    counts := counts || jsonb_build_object('drafts', counted);
    SELECT count(*) INTO counted
      FROM public.search_embeddings JOIN public.search_documents USING (document_id)
     WHERE transcript_id = of_transcript;
    counts := counts || jsonb_build_object('search_embeddings', counted);

    -- Notes before the drafts that they are of, which are not deleted under them.
    DELETE FROM public.notes WHERE transcript_id = of_transcript;
    DELETE FROM public.transcripts WHERE transcript_id = of_transcript;
    DELETE FROM public.pending_drafts WHERE transcript_id = of_transcript;
    DELETE FROM public.refreshes WHERE transcript_id = of_transcript;
    DELETE FROM public.withdrawn_revisions WHERE transcript_id = of_transcript;
    DELETE FROM public.transcript_owners WHERE transcript_id = of_transcript;

    -- In the order in which the cache writes them, so that neither waits for the other.
    PERFORM FROM public.llm_answers AS answer
      WHERE answer.key IN (
            SELECT asked.key
              FROM public.llm_answer_subjects AS asked
              JOIN public.erased_subjects AS erased USING (subject)
             WHERE erased.transcript_id = of_transcript
      )
      ORDER BY answer.key, answer.fingerprint
        FOR UPDATE;
    WITH of_it AS (
        DELETE FROM public.llm_answer_subjects AS asked
         USING public.erased_subjects AS erased
         WHERE asked.subject = erased.subject AND erased.transcript_id = of_transcript
        RETURNING asked.key
    ), deleted AS (
        DELETE FROM public.llm_answers AS answer
         WHERE answer.key IN (SELECT key FROM of_it)
        RETURNING 1
    )
    SELECT count(*) INTO counted FROM deleted;
    counts := counts || jsonb_build_object('llm_answers', counted);

    counts := counts
        || jsonb_build_object('dead_letters', public.erase_letters(of_transcript));

    UPDATE public.erased_transcripts AS tombstone
       SET erased_at = coalesce(tombstone.erased_at, now()),
           rows_deleted = (
                SELECT jsonb_object_agg(
                           name,
                           coalesce((tombstone.rows_deleted ->> name)::bigint, 0) + value::bigint
                       )
                  FROM jsonb_each_text(counts) AS added (name, value)
           ),
           model_calls = (
                SELECT coalesce(jsonb_agg(asked), '[]')
                  FROM (
                        SELECT endpoint, model, count(*) AS calls,
                               max(coalesce(settled_at, started_at)) AS last_at
                          FROM public.llm_calls
                         WHERE subject IN (
                                SELECT subject FROM public.erased_subjects
                                 WHERE transcript_id = of_transcript
                         )
                         GROUP BY endpoint, model
                         ORDER BY endpoint, model
                       ) AS asked
           )
     WHERE transcript_id = of_transcript;

    -- For `transcripts-settled`, and for those who follow changes of its study.
    INSERT INTO public.settlement_checks (transcript_id) VALUES (of_transcript);
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'transcripts.erased', study_id, jsonb_build_object('transcript_id', of_transcript)
      FROM public.erased_transcripts JOIN public.erasures USING (erasure_id)
     WHERE transcript_id = of_transcript;
END;
$$;

-- Clears, of so many entries about no study, what may be words of interviews: searches, and reasons and
-- choices about messages. They may be of any study, so the shortest time of all counts. That letters
-- expired stays as it is. Returns how many.
CREATE INDEX trail_to_clear_of_none ON trail (at) WHERE study_id IS NULL AND cleared_at IS NULL;
CREATE FUNCTION clear_trail_of_no_study(most int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days int := (SELECT min(trail_days) FROM public.studies);
    counted int;
BEGIN
    IF days IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM set_config('onrecord.erasing', 'reasons', true);
    WITH due AS (
        SELECT entry_id FROM public.trail
         WHERE study_id IS NULL AND cleared_at IS NULL
           AND at <= now() - make_interval(days => days)
           AND action ~ '^(search|letters?|waiting|plan|rule|rehearsal|cause|notes?|transcript)[.]'
           AND action NOT IN ('letters.expire', 'rule.fire')
         ORDER BY at
         LIMIT most
           FOR UPDATE SKIP LOCKED
    )
    UPDATE public.trail AS entry
       SET reason = '', target = '', address = '', cleared_at = now()
      FROM due
     WHERE entry.entry_id = due.entry_id;
    GET DIAGNOSTICS counted = ROW_COUNT;
    PERFORM set_config('onrecord.erasing', '', true);
    RETURN counted;
END;
$$;
