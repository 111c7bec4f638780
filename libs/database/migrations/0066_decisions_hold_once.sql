-- Mends what decisions of people about notes came to (0062): a stricter policy on personal data holds for
-- what was decided before it, two decisions never hold for one note, storing never fails for them, and
-- nobody decides about words that they have not read.

-- withheld: the study's policy on personal data is stricter since, and what a person wrote is not shown;
-- failed: it could not be computed.
ALTER TABLE decided_notes DROP CONSTRAINT decided_notes_status_check;
ALTER TABLE decided_notes ADD CONSTRAINT decided_notes_status_check CHECK (
    status IN ('held', 'kept', 'reworded', 'unnoted', 'waiting', 'lost', 'withheld', 'failed')
);
-- Whether notes of earlier revisions are answers no more: somebody hid the note, or re-filed it.
ALTER TABLE decided_notes ADD COLUMN leaves_out_earlier boolean NOT NULL DEFAULT false;
CREATE INDEX note_decisions_by_note ON note_decisions (note_id);

-- Whoever reads notes reads which of theirs are left out, and no others.
CREATE POLICY of_readable_studies ON left_out_notes USING (
    (SELECT public.reads_every_study())
    OR EXISTS (SELECT FROM public.notes AS note WHERE note.note_id = left_out_notes.note_id)
);
ALTER TABLE left_out_notes ENABLE ROW LEVEL SECURITY;

-- What a note says, in which revision, and where its quotes stand: whoever decides about it has read this.
-- As whoever asks, so that nobody learns it of a note that is not theirs.
CREATE FUNCTION note_state(of_note uuid) RETURNS text STABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT left(
               encode(
                   sha256(
                       convert_to(
                           jsonb_build_array(
                               note.revision, note.standing, note.statement,
                               (
                                    SELECT jsonb_agg(DISTINCT jsonb_build_array(
                                               cited.segment, cited.start_char, cited.length
                                           ))
                                      FROM public.notes AS one
                                      JOIN public.evidence AS cited USING (note_id)
                                     WHERE one.note_id = of_note OR one.same_as = of_note
                               )
                           )::text,
                           'UTF8'
                       )
                   ),
                   'hex'
               ),
               16
           )
      FROM public.notes AS note
     WHERE note.note_id = of_note
$$;

-- Whether what was decided in a revision may be shown in the current one: its policy on personal data is
-- as strict as that of the current one and of the registered study (0028). What is current is shown as it
-- was checked.
CREATE FUNCTION is_decision_shown(of_transcript uuid, decided_revision int, current_revision int)
RETURNS boolean STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT decided_revision = current_revision
        OR EXISTS (
            SELECT FROM public.transcripts AS own
              JOIN public.transcripts AS newest
                ON newest.transcript_id = own.transcript_id AND newest.revision = current_revision
              LEFT JOIN public.studies AS registered ON registered.study_id = own.study_id
             WHERE own.transcript_id = of_transcript AND own.revision = decided_revision
               AND array_position(ARRAY['allow', '', 'mask', 'reject'],
                                  coalesce(own.study ->> 'personal_data', ''))
                   >= greatest(
                        array_position(ARRAY['allow', '', 'mask', 'reject'],
                                       coalesce(newest.study ->> 'personal_data', '')),
                        array_position(ARRAY['allow', '', 'mask', 'reject'],
                                       CASE WHEN registered.study_id IS NOT NULL
                                            THEN coalesce(registered.personal_data, '') END)
                      )
        )
$$;

-- As in 0062; and no two quotes are found at one place, so that one of two equal ones that was deleted is
-- not there.
CREATE OR REPLACE FUNCTION locate_decided_quotes(
    quotes jsonb, of_transcript uuid, from_revision int, to_revision int
) RETURNS jsonb STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    cited jsonb;
    turn record;
    taken text[] := '{}';
    located jsonb := '[]';
BEGIN
    FOR cited IN
        SELECT one FROM jsonb_array_elements(quotes) AS one
         ORDER BY (one ->> 'segment')::int, (one ->> 'start')::int, (one ->> 'length')::int
    LOOP
        SELECT segment.number, segment.speaker, segment.role, segment.start_ms, segment.end_ms,
               place.start, same.text IS NOT TRUE OR segment.role <> cited ->> 'role' AS is_other
          INTO turn
          FROM public.segments AS segment
         CROSS JOIN LATERAL (
                SELECT encode(sha256(convert_to(segment.text, 'UTF8')), 'hex')
                       = cited ->> 'text_sha256' AS text
               ) AS same
         CROSS JOIN LATERAL (
                SELECT (cited ->> 'start')::int AS start
                 WHERE substr(segment.text, (cited ->> 'start')::int + 1, (cited ->> 'length')::int)
                       = cited ->> 'quote'
                 UNION
                -- Between the parts that the quote separates.
                SELECT (sum(char_length(part.words) + (cited ->> 'length')::int)
                        OVER (ORDER BY part.number))::int - (cited ->> 'length')::int
                  FROM unnest(string_to_array(segment.text, cited ->> 'quote'))
                       WITH ORDINALITY AS part (words, number)
               ) AS place
         WHERE segment.transcript_id = of_transcript AND segment.revision = to_revision
           AND strpos(segment.text, cited ->> 'quote') > 0
           AND substr(segment.text, place.start + 1, (cited ->> 'length')::int) = cited ->> 'quote'
           AND concat_ws(' ', segment.number, place.start, cited ->> 'length') <> ALL (taken)
           AND (
                segment.speaker = cited ->> 'speaker'
                OR segment.number = (cited ->> 'segment')::int AND same.text
                   AND NOT EXISTS (
                        SELECT FROM public.speakers AS voice
                         WHERE voice.transcript_id = of_transcript
                           AND (voice.revision = to_revision
                                AND voice.speaker = cited ->> 'speaker'
                                OR voice.revision = from_revision
                                   AND voice.speaker = segment.speaker)
                   )
           )
         ORDER BY same.text DESC, abs(segment.number - (cited ->> 'segment')::int), segment.number,
                  place.start = (cited ->> 'start')::int DESC, place.start
         LIMIT 1;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        taken := taken || concat_ws(' ', turn.number, turn.start, cited ->> 'length');
        located := located || jsonb_build_array(
            cited || jsonb_build_object(
                'segment', turn.number, 'start', turn.start, 'speaker', turn.speaker,
                'role', turn.role, 'start_ms', turn.start_ms, 'end_ms', turn.end_ms,
                'changed', turn.is_other
            )
        );
    END LOOP;
    RETURN (
        SELECT jsonb_agg(one ORDER BY (one ->> 'segment')::int, (one ->> 'start')::int)
          FROM jsonb_array_elements(located) AS one
    );
END;
$$;

-- Two lists of quotes as one: each place once, masked where one of them has it masked.
CREATE FUNCTION merge_decided_quotes(quotes jsonb, others jsonb) RETURNS jsonb IMMUTABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(
               cited.one ORDER BY (cited.one ->> 'segment')::int, (cited.one ->> 'start')::int,
                                  (cited.one ->> 'length')::int
           )
      FROM (
            SELECT DISTINCT ON (one ->> 'segment', one ->> 'start', one ->> 'length') one
              FROM jsonb_array_elements(coalesce(quotes, '[]') || coalesce(others, '[]'))
                   WITH ORDINALITY AS named (one, place)
             ORDER BY one ->> 'segment', one ->> 'start', one ->> 'length',
                      one ->> 'masked_quote' NULLS LAST, place
           ) AS cited
$$;

-- As in 0062, with quotes of notes that say the same, and without what a stricter policy withholds.
CREATE OR REPLACE FUNCTION apply_note_decisions(origin uuid, current_revision int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    basis record;
    counting record;
    edit public.note_decisions;
    refiling public.note_decisions;
    acceptance public.note_decisions;
    model public.notes;
    located jsonb;
    edited_quotes jsonb;
    quotes jsonb;
    topics record;
    place record;
    found_status text := 'held';
    shown_id uuid;
    shown_statement text;
    is_changed boolean := false;
    is_lost boolean := false;
    is_withheld boolean := false;
BEGIN
    -- One of this revision names its note; of others, the latest.
    SELECT * INTO basis FROM public.note_decisions AS decision
     WHERE decision.origin_id = origin
     ORDER BY decision.revision = current_revision AND decision.note_id IS NOT NULL DESC,
              decision.number DESC
     LIMIT 1;
    SELECT max(number) FILTER (WHERE kind = 'accepted') AS accepted,
           max(number) FILTER (WHERE kind = 'edited') AS edited,
           max(number) FILTER (WHERE kind = 'refiled') AS refiled,
           max(number) FILTER (WHERE kind = 'hidden') AS hidden,
           max(number) FILTER (WHERE kind = 'shown') AS shown,
           coalesce(array_agg(number ORDER BY number) FILTER (WHERE kind = 'comment'), '{}') AS comments
      INTO counting
      FROM public.note_decisions AS decision
     WHERE decision.origin_id = origin
       AND NOT EXISTS (
            SELECT FROM public.note_decisions AS undone
             WHERE undone.origin_id = origin AND undone.withdraws = decision.number
       );
    IF counting.shown > counting.hidden THEN
        counting.hidden := NULL;
    END IF;
    SELECT * INTO edit FROM public.note_decisions
     WHERE origin_id = origin AND number = counting.edited;
    SELECT * INTO refiling FROM public.note_decisions
     WHERE origin_id = origin AND number = counting.refiled;
    SELECT * INTO acceptance FROM public.note_decisions
     WHERE origin_id = origin AND number = counting.accepted;

    -- A note of the model is one decision's: those of others are not taken.
    IF basis.revision = current_revision AND basis.note_id IS NOT NULL THEN
        SELECT * INTO model FROM public.notes AS note
         WHERE note.note_id = basis.note_id
           AND NOT EXISTS (
                SELECT FROM public.decided_notes AS other
                 WHERE other.model_note_id = note.note_id AND other.origin_id <> origin
           );
    END IF;
    located := CASE WHEN basis.revision = current_revision THEN basis.evidence
                    ELSE public.locate_decided_quotes(
                        basis.evidence, basis.transcript_id, basis.revision, current_revision
                    ) END;
    is_lost := located IS NULL;
    IF model.note_id IS NULL THEN
        SELECT note.* INTO model
          FROM (
                SELECT DISTINCT coalesce(one.same_as, one.note_id) AS note_id
                  FROM jsonb_array_elements(located) AS quoted
                  JOIN public.evidence AS cited
                    ON cited.transcript_id = basis.transcript_id
                   AND cited.revision = current_revision
                   AND cited.segment = (quoted ->> 'segment')::int
                   AND cited.start_char = (quoted ->> 'start')::int
                   AND cited.length = (quoted ->> 'length')::int
                  JOIN public.notes AS one ON one.note_id = cited.note_id
                 WHERE one.version_of IS NULL
               ) AS candidate
          JOIN public.notes AS note USING (note_id)
         CROSS JOIN LATERAL (
                SELECT public.places_of_quotes(public.quotes_of_note(note.note_id))
                       = public.places_of_quotes(located) AS same_places,
                       note.statement = basis.model_statement AS same_words
               ) AS alike
         WHERE (alike.same_places OR alike.same_words)
           AND NOT EXISTS (
                SELECT FROM public.decided_notes AS other
                 WHERE other.model_note_id = note.note_id AND other.origin_id <> origin
           )
         ORDER BY alike.same_places DESC, alike.same_words DESC, note.created_at, note.note_id
         LIMIT 1;
    END IF;

    IF edit.number IS NOT NULL AND NOT public.is_decision_shown(
        edit.transcript_id, edit.revision, current_revision
    ) THEN
        -- The person's words and quotes were checked by a policy that is not strict enough any more.
        edit := NULL;
        is_withheld := true;
    END IF;
    IF edit.number IS NOT NULL THEN
        edited_quotes := CASE WHEN edit.revision = current_revision THEN edit.evidence
                              ELSE public.locate_decided_quotes(
                                  edit.evidence, edit.transcript_id, edit.revision, current_revision
                              ) END;
        IF edited_quotes IS NULL THEN
            -- The person's words have lost what bears them out.
            edit := NULL;
            is_lost := true;
        ELSE
            is_changed := EXISTS (
                SELECT FROM jsonb_array_elements(edited_quotes) AS quote
                 WHERE (quote ->> 'changed')::boolean
            );
        END IF;
    END IF;

    shown_id := model.note_id;
    shown_statement := model.statement;
    IF edit.number IS NOT NULL OR refiling.number IS NOT NULL AND model.note_id IS NOT NULL THEN
        -- With those of notes that say the same and came later.
        quotes := public.merge_decided_quotes(
            CASE WHEN edit.number IS NOT NULL THEN edited_quotes END,
            public.quotes_of_note(model.note_id)
        );
        IF quotes IS NULL THEN
            RAISE EXCEPTION 'note % has no quotes', origin;
        END IF;
        SELECT model.chunk_id AS chunk_id, model.attempt AS attempt INTO place;
        IF model.note_id IS NULL THEN
            found_status := 'kept';
            SELECT chunk.chunk_id, max(draft.attempt) AS attempt INTO place
              FROM public.chunks AS chunk
              JOIN public.drafts AS draft USING (chunk_id)
             WHERE chunk.transcript_id = basis.transcript_id AND chunk.revision = current_revision
               AND (quotes -> 0 ->> 'segment')::int BETWEEN chunk.first_segment AND chunk.last_segment
             GROUP BY chunk.chunk_id, chunk.index
             ORDER BY chunk.index
             LIMIT 1;
        END IF;
        IF place.chunk_id IS NULL THEN
            found_status := 'waiting';
            shown_id := NULL;
        ELSE
            shown_id := public.version_id_of(origin);
            shown_statement := coalesce(edit.statement, model.statement);
            SELECT * INTO topics FROM public.topics_of_note(model.note_id);
            IF model.note_id IS NULL THEN
                SELECT edit.themes AS themes, edit.questions AS questions INTO topics;
            END IF;
            IF refiling.number IS NOT NULL THEN
                SELECT refiling.themes AS themes, refiling.questions AS questions INTO topics;
            END IF;
            INSERT INTO public.notes (
                note_id, chunk_id, attempt, transcript_id, revision, study_id, position, statement,
                flags, standing, vouchers, meaning, version_of, created_at
            )
            -- Behind those of the drafts, which are counted from 1.
            SELECT shown_id, place.chunk_id, place.attempt, basis.transcript_id, current_revision,
                   basis.study_id,
                   (
                        SELECT coalesce(max(other.position), 1000000) + 1 FROM public.notes AS other
                         WHERE other.chunk_id = place.chunk_id AND other.attempt = place.attempt
                           AND other.version_of IS NOT NULL
                   ),
                   shown_statement,
                   CASE WHEN edit.number IS NULL THEN model.flags ELSE edit.flags END,
                   CASE WHEN edit.number IS NULL THEN model.standing
                        WHEN is_changed THEN 'unproven'
                        ELSE edit.standing END,
                   CASE WHEN edit.number IS NULL THEN model.vouchers
                        WHEN is_changed THEN '[]'
                        ELSE edit.vouchers END,
                   -- Like nobody's, so that no note of a model is taken for the same.
                   sha256(convert_to('person''s version ' || shown_id, 'UTF8')), origin,
                   greatest(edit.decided_at, refiling.decided_at);
            INSERT INTO public.evidence (
                note_id, position, transcript_id, revision, segment, start_char, length, quote,
                masked_quote, speaker, role, start_ms, end_ms
            )
            SELECT shown_id, quote.place, basis.transcript_id, current_revision,
                   (quote.value ->> 'segment')::int, (quote.value ->> 'start')::int,
                   (quote.value ->> 'length')::int, quote.value ->> 'quote',
                   quote.value ->> 'masked_quote', quote.value ->> 'speaker', quote.value ->> 'role',
                   (quote.value ->> 'start_ms')::bigint, (quote.value ->> 'end_ms')::bigint
              FROM jsonb_array_elements(quotes) WITH ORDINALITY AS quote (value, place);
            INSERT INTO public.note_themes (note_id, theme_id)
            SELECT DISTINCT shown_id, theme FROM unnest(topics.themes) AS theme;
            INSERT INTO public.note_questions (note_id, question_id)
            SELECT DISTINCT shown_id, question FROM unnest(topics.questions) AS question;
            IF model.note_id IS NOT NULL THEN
                INSERT INTO public.left_out_notes (note_id, origin_id, reason)
                VALUES (model.note_id, origin, 'replaced');
            END IF;
        END IF;
    ELSIF model.note_id IS NULL THEN
        found_status := CASE WHEN NOT is_lost AND EXISTS (
                                    SELECT FROM public.chunks AS chunk
                                     WHERE chunk.transcript_id = basis.transcript_id
                                       AND chunk.revision = current_revision
                                       AND chunk.stored_at IS NULL
                                       AND (located -> 0 ->> 'segment')::int
                                           BETWEEN chunk.first_segment AND chunk.last_segment
                               )
                             THEN 'waiting' ELSE 'unnoted' END;
    END IF;
    IF counting.hidden IS NOT NULL AND shown_id IS NOT NULL THEN
        INSERT INTO public.left_out_notes (note_id, origin_id, reason)
        VALUES (shown_id, origin, 'hidden');
    END IF;
    -- Whoever accepts a note accepts what it says, and no other words.
    IF acceptance.statement IS DISTINCT FROM shown_statement THEN
        IF acceptance.number > coalesce(counting.edited, 0) AND shown_id IS NOT NULL THEN
            found_status := 'reworded';
        END IF;
        counting.accepted := NULL;
    END IF;
    SELECT * INTO topics FROM public.topics_of_note(model.note_id);
    INSERT INTO public.decided_notes (
        origin_id, study_id, transcript_id, revision, status, model_note_id, visible_note_id,
        version_note_id, accepted, edited, refiled, hidden, comments, turns_changed,
        model_statement, model_standing, model_themes, model_questions, leaves_out_earlier,
        version, decided_at
    )
    VALUES (
        origin, basis.study_id, basis.transcript_id, current_revision,
        CASE WHEN is_lost THEN 'lost' WHEN is_withheld THEN 'withheld' ELSE found_status END,
        model.note_id, shown_id, public.version_id_of(origin), counting.accepted, edit.number,
        CASE WHEN shown_id = public.version_id_of(origin) THEN refiling.number END,
        counting.hidden, counting.comments, is_changed,
        CASE WHEN model.note_id IS NOT NULL THEN model.statement
             WHEN public.is_decision_shown(
                 basis.transcript_id, basis.revision, current_revision
             ) THEN basis.model_statement
             ELSE '' END,
        coalesce(model.standing, basis.model_standing),
        CASE WHEN model.note_id IS NULL THEN basis.model_themes ELSE topics.themes END,
        CASE WHEN model.note_id IS NULL THEN basis.model_questions ELSE topics.questions END,
        counting.hidden IS NOT NULL OR refiling.number IS NOT NULL,
        (SELECT max(number) FROM public.note_decisions WHERE origin_id = origin),
        (SELECT max(decided_at) FROM public.note_decisions WHERE origin_id = origin)
    );
END;
$$;

-- Whether an error is about what is stored, so that trying again gives the same; others end the
-- transaction, which is tried again.
CREATE FUNCTION is_error_of_data(state text) RETURNS boolean IMMUTABLE LANGUAGE sql
    RETURN left(state, 2) NOT IN ('08', '40', '53', '55', '57', '58', 'XX');

-- As in 0062; those that name a note of the current revision come first, and what cannot be computed is
-- marked as failed: no notes are refused for it.
CREATE OR REPLACE FUNCTION carry_note_decisions(of_transcript uuid) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current_revision int;
    origin uuid;
    origins uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(public.note_decision_lock(of_transcript));
    IF NOT EXISTS (SELECT FROM public.note_decisions WHERE transcript_id = of_transcript) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(public.decided_notes_lock(of_transcript));
    SELECT revision INTO current_revision FROM public.current_transcripts
     WHERE transcript_id = of_transcript;
    origins := ARRAY(
        SELECT origin_id FROM public.note_decisions
         WHERE transcript_id = of_transcript AND current_revision IS NOT NULL
         GROUP BY origin_id
         ORDER BY bool_or(revision = current_revision AND note_id IS NOT NULL) DESC,
                  min(decided_at), origin_id
    );
    BEGIN
        PERFORM public.clear_decided_notes(of_transcript, NULL);
        FOREACH origin IN ARRAY origins LOOP
            PERFORM public.apply_note_decisions(origin, current_revision);
        END LOOP;
        RETURN;
    EXCEPTION WHEN OTHERS THEN
        IF NOT public.is_error_of_data(SQLSTATE) THEN
            RAISE;
        END IF;
    END;
    -- One by one, so that the others hold.
    PERFORM public.clear_decided_notes(of_transcript, NULL);
    FOREACH origin IN ARRAY origins LOOP
        BEGIN
            PERFORM public.apply_note_decisions(origin, current_revision);
        EXCEPTION WHEN OTHERS THEN
            IF NOT public.is_error_of_data(SQLSTATE) THEN
                RAISE;
            END IF;
            RAISE WARNING 'decisions about note % cannot be computed: %', origin, SQLSTATE;
            INSERT INTO public.decided_notes (
                origin_id, study_id, transcript_id, revision, status, version_note_id, comments,
                turns_changed, model_statement, model_standing, model_themes, model_questions,
                version, decided_at
            )
            SELECT latest.origin_id, latest.study_id, latest.transcript_id, current_revision,
                   'failed', public.version_id_of(origin), '{}', false, '', latest.model_standing,
                   latest.model_themes, latest.model_questions, latest.number, latest.decided_at
              FROM public.note_decisions AS latest
             WHERE latest.origin_id = origin
             ORDER BY latest.number DESC
             LIMIT 1;
        END;
    END LOOP;
END;
$$;

-- As in 0062; notes of a revision that is not current change nothing.
CREATE OR REPLACE FUNCTION carry_decisions_of_draft() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored record;
BEGIN
    SELECT chunk.transcript_id, chunk.revision INTO stored
      FROM public.chunks AS chunk WHERE chunk.chunk_id = NEW.chunk_id;
    PERFORM pg_advisory_xact_lock_shared(public.note_decision_lock(stored.transcript_id));
    IF NOT EXISTS (
        SELECT FROM public.note_decisions WHERE transcript_id = stored.transcript_id
    ) THEN
        RETURN NULL;
    END IF;
    -- Before it is looked which revision is current, so that whoever withdraws one meanwhile overlooks
    -- nothing.
    PERFORM pg_advisory_xact_lock(public.decided_notes_lock(stored.transcript_id));
    IF EXISTS (
        SELECT FROM public.current_transcripts AS newest
         WHERE newest.transcript_id = stored.transcript_id AND newest.revision = stored.revision
    ) THEN
        PERFORM public.carry_note_decisions(stored.transcript_id);
    END IF;
    RETURN NULL;
END;
$$;

DROP FUNCTION decide_note(
    uuid, int, text, text, text, jsonb, jsonb, text[], text[], int, text, text
);
-- As in 0062; of what is not shown any more, decisions can be withdrawn and commented on. Expected states
-- are those of the note as it was read and as it was checked (note_state); if it says something else now,
-- the outcome is 'other'.
CREATE FUNCTION decide_note(
    of_note uuid, expected int, decided_kind text, new_statement text, new_standing text,
    new_vouchers jsonb, new_flags jsonb, new_themes text[], new_questions text[],
    withdrawn_number int, new_remark text, decider text, expected_states text[]
) RETURNS TABLE (outcome text, version int, shown_id uuid) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known public.decided_notes;
    note public.notes;
    model public.notes;
    origin uuid;
    transcript uuid;
    latest int;
    last_one public.note_decisions;
    is_shown boolean;
    topics record;
    model_topics record;
BEGIN
    transcript := coalesce(
        (SELECT stored.transcript_id FROM public.notes AS stored WHERE stored.note_id = of_note),
        (
            SELECT decided.transcript_id FROM public.decided_notes AS decided
             WHERE of_note IN (decided.version_note_id, decided.origin_id)
             LIMIT 1
        )
    );
    -- Without an interview there is nothing to decide about, and an erased one is not to come back. In
    -- the order of those who withdraw and restore.
    PERFORM pg_advisory_xact_lock_shared(public.withdrawal_lock(transcript));
    PERFORM pg_advisory_xact_lock(public.note_decision_lock(transcript));
    SELECT * INTO known FROM public.decided_notes AS decided
     WHERE of_note IN (decided.version_note_id, decided.model_note_id, decided.origin_id)
     ORDER BY decided.version_note_id = of_note DESC, decided.model_note_id = of_note DESC NULLS LAST
     LIMIT 1;
    SELECT stored.* INTO note
      FROM public.notes AS stored
      JOIN public.current_transcripts USING (transcript_id, revision)
     WHERE stored.note_id = coalesce(known.visible_note_id, of_note) AND stored.same_as IS NULL;
    is_shown := FOUND;
    -- What does not hold can be withdrawn and commented on, by the note that was decided about first.
    IF NOT is_shown AND (known.origin_id IS NULL OR known.visible_note_id IS NOT NULL
                         OR decided_kind NOT IN ('withdrawn', 'comment')) THEN
        RETURN QUERY SELECT 'missing', NULL::int, NULL::uuid;
        RETURN;
    END IF;
    origin := coalesce(known.origin_id, note.note_id);
    SELECT coalesce(max(decision.number), 0) INTO latest FROM public.note_decisions AS decision
     WHERE decision.origin_id = origin;
    IF expected <> latest THEN
        RETURN QUERY SELECT 'changed', latest, note.note_id;
        RETURN;
    END IF;
    -- What was read or checked is what is decided about.
    IF coalesce(public.note_state(note.note_id), '') <> ANY (expected_states) THEN
        RETURN QUERY SELECT 'other', latest, note.note_id;
        RETURN;
    END IF;
    IF withdrawn_number IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.note_decisions AS decision
         WHERE decision.origin_id = origin AND decision.number = withdrawn_number
           AND decision.kind <> 'withdrawn'
           AND NOT EXISTS (
                SELECT FROM public.note_decisions AS undone
                 WHERE undone.origin_id = origin AND undone.withdraws = withdrawn_number
           )
    ) THEN
        RETURN QUERY SELECT 'nothing', latest, note.note_id;
        RETURN;
    END IF;
    IF is_shown THEN
        SELECT stored.* INTO model FROM public.notes AS stored
         WHERE stored.note_id = CASE WHEN known.origin_id IS NULL THEN note.note_id
                                     ELSE known.model_note_id END;
        SELECT * INTO topics FROM public.topics_of_note(note.note_id);
        SELECT * INTO model_topics FROM public.topics_of_note(model.note_id);
        INSERT INTO public.note_decisions (
            origin_id, number, kind, study_id, transcript_id, revision, note_id, statement, standing,
            vouchers, flags, themes, questions, model_statement, model_standing, model_themes,
            model_questions, evidence, withdraws, remark, decided_by
        )
        VALUES (
            origin, latest + 1, decided_kind, note.study_id, note.transcript_id, note.revision,
            model.note_id, coalesce(new_statement, note.statement), coalesce(new_standing, note.standing),
            coalesce(new_vouchers, note.vouchers), coalesce(new_flags, note.flags),
            coalesce(new_themes, topics.themes), coalesce(new_questions, topics.questions),
            coalesce(known.model_statement, model.statement),
            coalesce(known.model_standing, model.standing),
            coalesce(known.model_themes, model_topics.themes),
            coalesce(known.model_questions, model_topics.questions),
            public.quotes_of_note(note.note_id), withdrawn_number, new_remark, decider
        );
    ELSE
        SELECT * INTO last_one FROM public.note_decisions AS decision
         WHERE decision.origin_id = origin AND decision.number = latest;
        INSERT INTO public.note_decisions (
            origin_id, number, kind, study_id, transcript_id, revision, note_id, statement, standing,
            vouchers, flags, themes, questions, model_statement, model_standing, model_themes,
            model_questions, evidence, withdraws, remark, decided_by
        )
        VALUES (
            origin, latest + 1, decided_kind, last_one.study_id, last_one.transcript_id,
            last_one.revision, last_one.note_id, last_one.statement, last_one.standing,
            last_one.vouchers, last_one.flags, last_one.themes, last_one.questions,
            last_one.model_statement, last_one.model_standing, last_one.model_themes,
            last_one.model_questions, last_one.evidence, withdrawn_number, new_remark, decider
        );
    END IF;
    PERFORM public.clear_decided_notes(transcript, origin);
    PERFORM public.apply_note_decisions(origin, coalesce(note.revision, known.revision));
    RETURN QUERY
    SELECT 'decided', latest + 1, decided.visible_note_id FROM public.decided_notes AS decided
     WHERE decided.origin_id = origin;
END;
$$;

-- What people decided and wrote, as far as the policies on personal data show it now (0028): the strictest
-- of the revision that it was decided about, of the current one and of the registered study counts.
CREATE VIEW readable_note_decisions AS
SELECT decision.origin_id, decision.number, decision.kind, decision.study_id, decision.transcript_id,
       decision.revision,
       CASE WHEN policy.is_shown THEN decision.statement END AS statement,
       decision.standing, decision.themes, decision.questions,
       CASE WHEN policy.is_shown THEN decision.evidence ELSE '[]' END AS evidence,
       CASE WHEN policy.is_shown THEN decision.remark ELSE '' END AS remark,
       NOT policy.is_shown AS is_withheld,
       decision.withdraws, decision.decided_by, decision.decided_at
  FROM note_decisions AS decision
  JOIN decided_notes AS decided USING (origin_id)
  JOIN transcripts AS newest
    ON newest.transcript_id = decided.transcript_id AND newest.revision = decided.revision
  JOIN transcripts AS own
    ON own.transcript_id = decision.transcript_id AND own.revision = decision.revision
  LEFT JOIN studies AS registered ON registered.study_id = decided.study_id
 CROSS JOIN LATERAL (
        SELECT own.revision = newest.revision
               OR array_position(ARRAY['allow', '', 'mask', 'reject'],
                                 coalesce(own.study ->> 'personal_data', ''))
                  >= greatest(
                        array_position(ARRAY['allow', '', 'mask', 'reject'],
                                       coalesce(newest.study ->> 'personal_data', '')),
                        array_position(ARRAY['allow', '', 'mask', 'reject'],
                                       CASE WHEN registered.study_id IS NOT NULL
                                            THEN coalesce(registered.personal_data, '') END)
                     ) AS is_shown
       ) AS policy;

-- Notes that answer nothing once they are of an earlier revision: somebody hid them, or re-filed them.
CREATE VIEW left_out_earlier_notes AS
SELECT decision.note_id
  FROM note_decisions AS decision
  JOIN decided_notes AS decided USING (origin_id)
 WHERE decided.leaves_out_earlier AND decision.note_id IS NOT NULL;

-- As in 0062, with the latest comments and how many there are, and without what is withheld.
CREATE OR REPLACE VIEW note_marks AS
SELECT decided.visible_note_id AS note_id, decided.origin_id, decided.model_note_id,
       decided.version_note_id, decided.study_id, decided.version,
       decided.accepted IS NOT NULL AS is_accepted, decided.edited IS NOT NULL AS is_edited,
       decided.refiled IS NOT NULL AS is_refiled, decided.hidden IS NOT NULL AS is_hidden,
       cardinality(decided.comments) > 0 AS is_commented,
       jsonb_build_object(
           'version', decided.version,
           'status', decided.status,
           'turns_changed', decided.turns_changed,
           'accepted', marks.one -> 'accepted',
           'edited', marks.one -> 'edited',
           'refiled', marks.one -> 'refiled',
           'hidden', marks.one -> 'hidden',
           'comments', coalesce(marks.comments, '[]'),
           'comment_count', cardinality(decided.comments),
           'model_statement', CASE WHEN decided.edited IS NOT NULL AND interview.statements <> 'quotes'
                                   THEN nullif(decided.model_statement, '') END,
           'model_standing', CASE WHEN decided.edited IS NOT NULL THEN decided.model_standing END,
           'model_themes', CASE WHEN decided.refiled IS NOT NULL THEN decided.model_themes END,
           'model_questions', CASE WHEN decided.refiled IS NOT NULL THEN decided.model_questions END
       ) AS decided
  FROM decided_notes AS decided
  JOIN transcripts AS interview USING (transcript_id, revision)
 CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(decision.kind, mark.one) FILTER (WHERE decision.kind <> 'comment') AS one,
               jsonb_agg(mark.one ORDER BY decision.number) FILTER (WHERE decision.kind = 'comment')
                   AS comments
          FROM readable_note_decisions AS decision
         CROSS JOIN LATERAL (
                SELECT jsonb_build_object(
                           'number', decision.number, 'by', decision.decided_by,
                           'at', decision.decided_at, 'remark', decision.remark,
                           'is_withheld', decision.is_withheld
                       ) AS one
               ) AS mark
         WHERE decision.origin_id = decided.origin_id
           AND (decision.number IN (decided.accepted, decided.edited, decided.refiled, decided.hidden)
                OR decision.number = ANY (
                    -- The latest: a list has no room for a thousand.
                    decided.comments[greatest(1, cardinality(decided.comments) - 2):]
                ))
   ) AS marks
 WHERE decided.visible_note_id IS NOT NULL;


-- As in 0062; and the reasons that the trail has go with the decisions. Its entries name the interview at
-- their end.
CREATE INDEX note_decisions_in_trail ON trail (right(target, 36))
    WHERE action = 'note.decide' AND reason <> '';
CREATE OR REPLACE FUNCTION expire_note_decisions() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.note_decisions
     WHERE transcript_id = NEW.transcript_id AND revision = NEW.revision;
    DELETE FROM public.decided_notes
     WHERE transcript_id = NEW.transcript_id AND revision = NEW.revision;
    IF NOT EXISTS (SELECT FROM public.note_decisions WHERE transcript_id = NEW.transcript_id) THEN
        PERFORM set_config('onrecord.erasing', 'reasons', true);
        UPDATE public.trail SET reason = ''
         WHERE action = 'note.decide' AND reason <> ''
           AND right(target, 36) = NEW.transcript_id::text;
        PERFORM set_config('onrecord.erasing', '', true);
    END IF;
    RETURN NULL;
END;
$$;

-- As in 0062; and ids of people's versions, and of notes that are gone.
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

-- As in 0062; notes of earlier revisions that somebody hid or re-filed answer nothing.
CREATE OR REPLACE VIEW onrecord_v1.coverage WITH (security_barrier) AS
SELECT known.study_id, topic.kind, topic.topic_id, topic.text, topic.finding, topic.notes,
       topic.interviews, topic.earlier_notes, topic.earlier_interviews, topic.chunks_read,
       topic.chunks_dead, topic.chunks_discarded, topic.chunks_waiting, topic.chunks_not_asked
  FROM (
        SELECT study_id FROM public.current_transcripts
         UNION
        SELECT study_id FROM public.studies
       ) AS known
 CROSS JOIN LATERAL (
        WITH progress AS MATERIALIZED (
            -- Each version of the study's inputs once, with its interviews' chunks.
            SELECT interview.study, max(interview.ingested_at) AS latest,
                   min(interview.transcript_id::text) AS first_id,
                   count(DISTINCT interview.transcript_id) AS interviews,
                   count(chunk.chunk_id) FILTER (WHERE chunk.stored_at IS NOT NULL) AS stored,
                   count(chunk.chunk_id) FILTER (
                        WHERE chunk.stored_at IS NOT NULL AND interview.notes_expired_at IS NOT NULL
                   ) AS expired,
                   count(chunk.chunk_id) FILTER (
                        WHERE chunk.stored_at IS NULL AND letter.is_open
                   ) AS dead,
                   count(chunk.chunk_id) FILTER (
                        WHERE chunk.stored_at IS NULL AND NOT letter.is_open
                          AND letter.is_discarded
                   ) AS discarded,
                   count(chunk.chunk_id) AS chunks
              FROM public.current_transcripts AS interview
              LEFT JOIN public.chunks AS chunk
                     ON chunk.transcript_id = interview.transcript_id
                    AND chunk.revision = interview.revision
             CROSS JOIN LATERAL (
                    SELECT coalesce(bool_or(state = 'open'), false) AS is_open,
                           coalesce(bool_or(state = 'discarded'), false)
                           AND NOT coalesce(bool_or(state = 'replaying'), false) AS is_discarded
                      FROM public.dead_letters
                     WHERE subject = chunk.chunk_id::text
                   ) AS letter
             WHERE interview.study_id = known.study_id
             GROUP BY interview.study
        ), inputs AS (
            SELECT study, latest, first_id FROM progress
             UNION ALL
            SELECT version.inputs, NULL, NULL
              FROM public.studies AS registered
              JOIN public.study_versions AS version
                ON version.study_id = registered.study_id AND version.version = registered.version
             WHERE registered.study_id = known.study_id AND NOT EXISTS (SELECT FROM progress)
        ), topics AS MATERIALIZED (
            SELECT DISTINCT ON (named.kind, named.topic_id) named.kind, named.topic_id, named.text
              FROM inputs
             CROSS JOIN LATERAL (
                    SELECT 'theme' AS kind, one ->> 'id' AS topic_id, one ->> 'name' AS text
                      FROM jsonb_array_elements(inputs.study -> 'themes') AS one
                     UNION ALL
                    SELECT 'question', one ->> 'id', one ->> 'text'
                      FROM jsonb_array_elements(inputs.study -> 'questions') AS one
                   ) AS named
             ORDER BY named.kind, named.topic_id, inputs.latest DESC, inputs.first_id
        ), labels AS (
            SELECT 'theme' AS kind, label.theme_id AS topic_id, note.transcript_id, note.revision,
                   note.note_id, note.same_as
              FROM public.notes AS note
              JOIN public.note_themes AS label ON label.note_id = note.note_id
             WHERE note.study_id = known.study_id
               AND NOT EXISTS (
                    SELECT FROM public.left_out_notes AS left_out
                     WHERE left_out.note_id = coalesce(note.same_as, note.note_id)
               )
             UNION ALL
            SELECT 'question', label.question_id, note.transcript_id, note.revision, note.note_id,
                   note.same_as
              FROM public.notes AS note
              JOIN public.note_questions AS label ON label.note_id = note.note_id
             WHERE note.study_id = known.study_id
               AND NOT EXISTS (
                    SELECT FROM public.left_out_notes AS left_out
                     WHERE left_out.note_id = coalesce(note.same_as, note.note_id)
               )
        ), left_out_earlier AS MATERIALIZED (
            SELECT decision.note_id
              FROM public.decided_notes AS decided
              JOIN public.note_decisions AS decision USING (origin_id)
             WHERE decided.study_id = known.study_id AND decided.leaves_out_earlier
               AND decision.note_id IS NOT NULL
        ), noted AS MATERIALIZED (
            SELECT kind, topic_id, transcript_id, revision,
                   count(DISTINCT coalesce(same_as, note_id)) AS notes,
                   count(*) FILTER (
                        WHERE coalesce(same_as, note_id) NOT IN (SELECT note_id FROM left_out_earlier)
                   ) AS labelled
              FROM labels
             GROUP BY kind, topic_id, transcript_id, revision
        ), counted AS MATERIALIZED (
            SELECT noted.kind, noted.topic_id,
                   coalesce(sum(noted.notes) FILTER (WHERE place.is_current), 0)::int AS notes,
                   (count(DISTINCT noted.transcript_id) FILTER (WHERE place.is_current))::int
                       AS interviews,
                   coalesce(sum(noted.labelled) FILTER (WHERE place.is_earlier), 0)::int
                       AS earlier_notes,
                   (count(DISTINCT noted.transcript_id) FILTER (
                        WHERE place.is_earlier AND noted.labelled > 0
                   ))::int
                       AS earlier_interviews
              FROM noted
              JOIN public.transcripts AS interview
                ON interview.transcript_id = noted.transcript_id
               AND interview.revision = noted.revision
              JOIN public.current_transcripts AS newest
                ON newest.transcript_id = noted.transcript_id
             CROSS JOIN LATERAL (
                    SELECT interview.revision = newest.revision
                           AND newest.study_id = known.study_id AS is_current,
                           interview.withdrawn_at IS NULL AND NOT interview.is_pending
                           AND (coalesce(interview.refreshes, interview.revision),
                                interview.revision)
                               < (coalesce(newest.refreshes, newest.revision), newest.revision)
                               AS is_earlier
                   ) AS place
             GROUP BY noted.kind, noted.topic_id
        ), totals AS (
            SELECT coalesce(sum(interviews), 0) AS interviews, coalesce(sum(chunks), 0) AS chunks
              FROM progress
        )
        SELECT topics.kind, topics.topic_id, topics.text,
               CASE
                   WHEN counted.notes > 0 THEN 'answered'
                   WHEN totals.interviews = 0 OR asked.stored < totals.chunks OR asked.expired > 0
                        THEN 'unknown'
                   WHEN counted.earlier_notes > 0 THEN 'answered_earlier'
                   ELSE 'not_addressed'
               END AS finding,
               coalesce(counted.notes, 0) AS notes,
               coalesce(counted.interviews, 0) AS interviews,
               coalesce(counted.earlier_notes, 0) AS earlier_notes,
               coalesce(counted.earlier_interviews, 0) AS earlier_interviews,
               asked.stored::int AS chunks_read,
               asked.dead::int AS chunks_dead,
               asked.discarded::int AS chunks_discarded,
               (asked.chunks - asked.stored - asked.dead - asked.discarded)::int AS chunks_waiting,
               (totals.chunks - asked.chunks)::int AS chunks_not_asked
          FROM topics
         CROSS JOIN totals
         CROSS JOIN LATERAL (
                SELECT coalesce(sum(stored), 0) AS stored, coalesce(sum(dead), 0) AS dead,
                       coalesce(sum(expired), 0) AS expired,
                       coalesce(sum(discarded), 0) AS discarded, coalesce(sum(chunks), 0) AS chunks
                  FROM progress
                 WHERE progress.study -> (topics.kind || 's')
                       @> jsonb_build_array(jsonb_build_object('id', topics.topic_id))
               ) AS asked
          LEFT JOIN counted ON counted.kind = topics.kind AND counted.topic_id = topics.topic_id
       ) AS topic
 WHERE (SELECT public.reads_every_study())
    OR known.study_id IN (SELECT study_id FROM public.readable_studies);

-- What was computed before is computed anew, so that no two of them have one note.
SELECT carry_note_decisions(transcript_id) FROM (SELECT DISTINCT transcript_id FROM note_decisions) AS decided;
DROP INDEX decided_notes_by_shown;
DROP INDEX decided_notes_by_model;
CREATE UNIQUE INDEX decided_notes_by_shown ON decided_notes (visible_note_id);
CREATE UNIQUE INDEX decided_notes_by_model ON decided_notes (model_note_id);
