-- Interviews are erased on request. What stays of them is a tombstone, by which whatever arrives of them
-- later is discarded, and a receipt, which has none of their words.

CREATE TABLE erasures (
    erasure_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('transcript', 'participant', 'study')),
    study_id text NOT NULL,
    -- What people know the request by, such as the number of a ticket.
    reference text NOT NULL DEFAULT '',
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    -- When PostgreSQL had none of their rows any more, and where the topics ended then: what was on its way
    -- is before these ends.
    rows_deleted_at timestamptz,
    topic_ends jsonb,
    -- Rows that are of no one interview: how many of which table were deleted or cleared.
    more_deleted jsonb NOT NULL DEFAULT '{}',
    completed_at timestamptz,
    -- The text that is signed, byte for byte.
    receipt text,
    signature bytea CHECK (length(signature) = 64),
    CHECK (num_nulls(completed_at, receipt, signature) IN (0, 3))
);
CREATE INDEX erasures_under_way ON erasures (requested_at) WHERE completed_at IS NULL;

CREATE TABLE erased_transcripts (
    transcript_id uuid PRIMARY KEY,
    erasure_id uuid NOT NULL REFERENCES erasures,
    -- When its rows were deleted; NULL: they will be.
    erased_at timestamptz,
    -- How many rows of which table were deleted.
    rows_deleted jsonb NOT NULL DEFAULT '{}',
    -- How many calls sent which model words of it, and when last.
    model_calls jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX erased_transcripts_by_erasure ON erased_transcripts (erasure_id);

COMMENT ON TABLE erased_transcripts IS
    'Tombstones: whatever arrives of these interviews is discarded.';

-- What dead letters and model calls are about, by which those of erased interviews are known: ids of
-- interviews and of their chunks.
CREATE TABLE erased_subjects (
    subject text PRIMARY KEY,
    transcript_id uuid NOT NULL REFERENCES erased_transcripts
);
CREATE INDEX erased_subjects_by_transcript ON erased_subjects (transcript_id);

-- Ids by which other tables may name what is being erased, until the erasure is complete: of interviews,
-- chunks, notes and dead letters.
CREATE TABLE ids_being_erased (
    erasure_id uuid NOT NULL REFERENCES erasures,
    id text NOT NULL,
    PRIMARY KEY (erasure_id, id)
);

-- What a cached response of a model was asked about, so that it goes with the interview. One that was
-- stored before this was recorded is about nobody knows what, and goes with the first interview.
CREATE TABLE llm_answer_subjects (
    key text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (key, subject)
);
CREATE INDEX llm_answer_subjects_by_subject ON llm_answer_subjects (subject);

-- Acts as the owner, so that services learn this of an interview that they have, and no more.
CREATE FUNCTION is_erased(asked uuid) RETURNS boolean STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.erased_transcripts WHERE transcript_id = asked)
$$;

-- What is stored of an erased interview is dropped: no row. Whoever erases takes the same lock, so that
-- neither overlooks the other. It fires before other triggers, in the order of their names.
CREATE FUNCTION drop_erased() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(public.withdrawal_lock(NEW.transcript_id));
    IF public.is_erased(NEW.transcript_id) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER erased_is_dropped BEFORE INSERT ON transcripts
    FOR EACH ROW EXECUTE FUNCTION drop_erased();
CREATE TRIGGER erased_is_dropped BEFORE INSERT ON pending_drafts
    FOR EACH ROW EXECUTE FUNCTION drop_erased();

-- Of the trail, the reasons that people wrote about an erased interview are erased, by the function below
-- alone: no login may update it, and its owner is still refused.
CREATE OR REPLACE FUNCTION refuse_change_of_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('onrecord.erasing', true) = 'reasons' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'entries of the trail are neither changed nor deleted'
        USING ERRCODE = 'insufficient_privilege';
END;
$$;

-- Letters of erased interviews are closed, and what the index has of their messages is deleted; their
-- records are deleted as those of other closed letters are. One that is being replayed is closed once
-- that is over. Returns how many were closed or emptied. NULL: those of all erased interviews.
CREATE FUNCTION erase_letters(of_transcript uuid) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids uuid[];
BEGIN
    -- Each by an index of letters, of which there may be a million.
    SELECT array_agg(locked.letter_id) INTO ids FROM (
        SELECT letter.letter_id
          FROM public.dead_letters AS letter
         WHERE letter.letter_id IN (
                SELECT known.letter_id
                  FROM public.erased_subjects AS erased
                  JOIN public.dead_letters AS known USING (subject)
                 WHERE (of_transcript IS NULL OR erased.transcript_id = of_transcript)
                   AND known.emptied_at IS NULL
                 UNION
                SELECT known.letter_id
                  FROM public.erased_transcripts AS erased
                  JOIN public.submissions AS submitted USING (transcript_id)
                  JOIN public.dead_letters AS known
                    ON (known.source_topic, known.source_partition, known.source_offset)
                       = (submitted.topic, submitted.partition, submitted.record_offset)
                 WHERE (of_transcript IS NULL OR erased.transcript_id = of_transcript)
                   AND known.emptied_at IS NULL
               )
           AND letter.emptied_at IS NULL AND letter.state <> 'replaying'
         ORDER BY letter.letter_id
           FOR UPDATE
    ) AS locked;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;
    -- What causes say is made of messages of letters; those that people keep notes of stay.
    UPDATE public.letter_causes SET summary = '' WHERE example = ANY (ids);
    DELETE FROM public.letter_edits WHERE letter_id = ANY (ids);
    DELETE FROM public.rehearsed_letters WHERE letter_id = ANY (ids);
    DELETE FROM public.awaited_replays WHERE letter_id = ANY (ids);
    UPDATE public.dead_letters
       SET state = CASE state WHEN 'open' THEN 'discarded' ELSE state END,
           outcome = CASE state WHEN 'open' THEN 'expired' ELSE outcome END,
           outcome_at = CASE state WHEN 'open' THEN now() ELSE outcome_at END,
           state_changed_at = CASE state WHEN 'open' THEN now() ELSE state_changed_at END,
           state_reason = CASE WHEN state = 'replayed' THEN state_reason
                               ELSE 'its interview was erased' END,
           error_message = 'erased with its interview', headers = '[]', key = NULL, edit = NULL,
           discard_id = NULL, snoozed_until = NULL, emptied_at = now()
     WHERE letter_id = ANY (ids);
    RETURN cardinality(ids);
END;
$$;

-- Deletes all that is kept of an interview, of all its revisions, and counts it; what is found again
-- later, by a second call, is added. Its tombstone has to be there.
-- Args: the interview; ids of chunks that it may have and that are not stored.
CREATE FUNCTION erase_transcript(of_transcript uuid, further_subjects text[]) RETURNS void
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
        SELECT letter_id::text FROM public.dead_letters
         WHERE subject IN (
                SELECT subject FROM public.erased_subjects WHERE transcript_id = of_transcript
         )
    ) AS known (id)
        ON CONFLICT DO NOTHING;

    -- Counted before, as most of it goes with the interview's row.
    FOREACH tablename IN ARRAY ARRAY[
        'transcripts', 'segments', 'speakers', 'reading_reports', 'chunks', 'notes', 'evidence',
        'search_documents', 'pending_drafts', 'refreshes', 'corrections', 'withdrawn_revisions',
        'transcript_owners'
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

-- Deletes what names the interviews of an erasure and is of no one of them, once for all of them, as
-- whole tables are looked through: responses of the API that are kept for requests that are sent again,
-- and reasons in the trail; and cached responses of models of which nobody knows what they are about.
CREATE FUNCTION erase_mentions(of_erasure uuid) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uuid_pattern CONSTANT text
        := '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
    counts jsonb := '{}';
    counted bigint;
BEGIN
    WITH deleted AS (
        DELETE FROM public.idempotent_requests AS request
         WHERE EXISTS (
                SELECT FROM regexp_matches(encode(request.body, 'escape'), uuid_pattern, 'g')
                         AS names (named)
                  JOIN public.ids_being_erased AS erased
                    ON erased.erasure_id = of_erasure AND erased.id = names.named[1]
         )
        RETURNING 1
    )
    SELECT count(*) INTO counted FROM deleted;
    counts := counts || jsonb_build_object('idempotent_requests', counted);

    PERFORM set_config('onrecord.erasing', 'reasons', true);
    WITH cleared AS (
        UPDATE public.trail AS entry
           SET reason = ''
         WHERE entry.reason <> ''
           AND EXISTS (
                SELECT FROM regexp_matches(entry.target, uuid_pattern, 'g') AS names (named)
                  JOIN public.ids_being_erased AS erased
                    ON erased.erasure_id = of_erasure AND erased.id = names.named[1]
           )
        RETURNING 1
    )
    SELECT count(*) INTO counted FROM cleared;
    PERFORM set_config('onrecord.erasing', '', true);
    counts := counts || jsonb_build_object('trail_reasons', counted);

    WITH deleted AS (
        DELETE FROM public.llm_answers AS answer
         WHERE NOT EXISTS (
                SELECT FROM public.llm_answer_subjects AS asked WHERE asked.key = answer.key
         )
        RETURNING 1
    )
    SELECT count(*) INTO counted FROM deleted;
    counts := counts || jsonb_build_object('llm_answers', counted);

    UPDATE public.erasures AS erasure
       SET more_deleted = (
            SELECT jsonb_object_agg(
                       name,
                       coalesce((erasure.more_deleted ->> name)::bigint, 0) + value::bigint
                   )
              FROM jsonb_each_text(counts) AS added (name, value)
           )
     WHERE erasure_id = of_erasure;
END;
$$;

-- Deletes what models answered about erased interviews since, as while the database was away for a moment
-- a service could not know that they were erased. Returns how many answers there were.
CREATE FUNCTION erase_later_answers() RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    keys text[] := ARRAY(
        SELECT DISTINCT asked.key
          FROM public.llm_answer_subjects AS asked JOIN public.erased_subjects USING (subject)
    );
    counted int;
BEGIN
    IF cardinality(keys) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM FROM public.llm_answers WHERE key = ANY (keys) ORDER BY key, fingerprint FOR UPDATE;
    WITH deleted AS (DELETE FROM public.llm_answers WHERE key = ANY (keys) RETURNING 1)
    SELECT count(*)::int INTO counted FROM deleted;
    DELETE FROM public.llm_answer_subjects WHERE key = ANY (keys);
    RETURN counted;
END;
$$;

-- Tables whose statistics may quote what was erased.
CREATE FUNCTION tables_with_words() RETURNS text[] IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN ARRAY[
        'transcripts', 'segments', 'speakers', 'reading_reports', 'notes', 'evidence', 'corrections',
        'corrected_segments', 'rejected_notes', 'search_documents', 'pending_drafts', 'llm_answers',
        'dead_letters', 'letter_edits', 'rehearsed_letters', 'letter_causes', 'settlements',
        'idempotent_requests', 'trail'
    ];

-- Makes PostgreSQL's statistics of a table anew: they quote what is common in its columns.
CREATE FUNCTION analyze_what_was_erased(table_name text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF table_name <> ALL (public.tables_with_words()) THEN
        RAISE EXCEPTION 'table % has no words of interviews', table_name;
    END IF;
    -- Of a table without rows ANALYZE leaves them as they are. PostgreSQL has it from 18 on. Not by
    -- pg_stats, which shows nothing of tables whose policies hold their owner, too.
    IF to_regproc('pg_catalog.pg_clear_attribute_stats') IS NOT NULL THEN
        EXECUTE format(
            'SELECT pg_clear_attribute_stats(''public'', %L, attname, false) FROM pg_attribute'
            ' WHERE attrelid = %L::regclass AND attnum > 0 AND NOT attisdropped',
            table_name, 'public.' || table_name
        );
    END IF;
    EXECUTE format('ANALYZE public.%I', table_name);
END;
$$;

-- Of some interviews, the latest title and the number of notes: what whoever erases them is shown before.
CREATE FUNCTION select_titles_to_erase(asked uuid[])
RETURNS TABLE (transcript_id uuid, title text, notes int) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT named.id,
           (
                SELECT stored.title FROM public.transcripts AS stored
                 WHERE stored.transcript_id = named.id
                 ORDER BY stored.revision DESC
                 LIMIT 1
           ),
           (
                SELECT count(*)::int FROM public.notes AS note
                 WHERE note.transcript_id = named.id AND note.same_as IS NULL
           )
      FROM unnest(asked) WITH ORDINALITY AS named (id, place)
     ORDER BY named.place
$$;

-- The interviews of a study in which a participant speaks under a name, in whatever letters' case, and
-- how many other participants speak in each.
CREATE FUNCTION select_interviews_of_participant(of_study text, of_name text)
RETURNS TABLE (transcript_id uuid, other_participants int) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT spoken.transcript_id,
           count(DISTINCT lower(spoken.speaker)) FILTER (
               WHERE lower(spoken.speaker) <> lower(of_name)
           )::int
      FROM (
            SELECT DISTINCT segment.transcript_id, segment.speaker
              FROM public.segments AS segment
              JOIN public.transcripts AS interview USING (transcript_id, revision)
             WHERE interview.study_id = of_study AND segment.role <> 'interviewer'
               AND NOT public.is_erased(segment.transcript_id)
           ) AS spoken
     GROUP BY spoken.transcript_id
    HAVING bool_or(lower(spoken.speaker) = lower(of_name))
     ORDER BY spoken.transcript_id
$$;
