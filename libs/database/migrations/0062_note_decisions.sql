-- People accept, edit, re-file, hide and comment on notes. What models and the guardrail wrote is never
-- changed for it: decisions stand beside it, are only added to, and are carried to the notes of a newer
-- revision by what they are about: the exact quotes.

-- A note that a person edited or re-filed is shown as a row of its own, held to the same constraints as
-- those of models. NULL: a model's note; else the note that people decided about first.
ALTER TABLE notes ADD COLUMN version_of uuid;
CREATE INDEX notes_by_people ON notes (transcript_id) WHERE version_of IS NOT NULL;

CREATE TABLE note_decisions (
    -- The model's note that was decided about first; it names what belongs together in later revisions.
    origin_id uuid NOT NULL,
    number int NOT NULL CHECK (number >= 1),
    kind text NOT NULL CHECK (
        kind IN ('accepted', 'edited', 'refiled', 'hidden', 'shown', 'comment', 'withdrawn')
    ),
    study_id text NOT NULL,
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    -- The model's note in this revision; NULL: it had none, and a person's was shown.
    note_id uuid,
    -- What was shown when it was decided; of an edited or a re-filed note, what is shown since.
    statement text NOT NULL,
    standing text NOT NULL,
    vouchers jsonb NOT NULL,
    flags jsonb NOT NULL,
    themes text[] NOT NULL,
    questions text[] NOT NULL,
    -- What the model had written, and filed it under.
    model_statement text NOT NULL,
    model_standing text NOT NULL,
    model_themes text[] NOT NULL,
    model_questions text[] NOT NULL,
    -- The quotes, with their places and the SHA-256 of the turns that they stand in.
    evidence jsonb NOT NULL,
    -- Of a withdrawal, the number of the decision that it withdraws.
    withdraws int,
    -- The comment, or why.
    remark text NOT NULL DEFAULT '',
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin_id, number),
    FOREIGN KEY (transcript_id, revision) REFERENCES transcripts ON DELETE CASCADE,
    CHECK ((kind = 'withdrawn') = (withdraws IS NOT NULL))
);
CREATE INDEX note_decisions_by_transcript ON note_decisions (transcript_id, revision);
CREATE TRIGGER decisions_are_immutable BEFORE UPDATE ON note_decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_update();

-- What the decisions come to in the current revision. It is computed from them when a decision is made
-- and when the current revision or its notes change, so that reading looks up rows by their ids.
CREATE TABLE decided_notes (
    origin_id uuid PRIMARY KEY,
    study_id text NOT NULL,
    transcript_id uuid NOT NULL,
    revision int NOT NULL,
    -- held: they hold for a note of the model; kept: no note of the model has the evidence, and the
    -- person's own is shown on it; reworded: the note that was accepted says something else now;
    -- unnoted: the evidence is there, and no note has it; waiting: its chunk is not stored yet;
    -- lost: the evidence is not in the interview any more.
    status text NOT NULL CHECK (
        status IN ('held', 'kept', 'reworded', 'unnoted', 'waiting', 'lost')
    ),
    model_note_id uuid,
    visible_note_id uuid,
    -- The id of a person's version, whether there is one now or not.
    version_note_id uuid NOT NULL,
    -- Numbers of the decisions that count; NULL: none does.
    accepted int,
    edited int,
    refiled int,
    hidden int,
    comments int[] NOT NULL,
    -- Of an edited note: whether a turn that it quotes is another one since, so that it is not proven.
    turns_changed boolean NOT NULL,
    model_statement text NOT NULL,
    model_standing text NOT NULL,
    model_themes text[] NOT NULL,
    model_questions text[] NOT NULL,
    version int NOT NULL,
    decided_at timestamptz NOT NULL,
    FOREIGN KEY (transcript_id, revision) REFERENCES transcripts ON DELETE CASCADE
);
CREATE INDEX decided_notes_by_transcript ON decided_notes (transcript_id, revision);
CREATE INDEX decided_notes_by_study ON decided_notes (study_id, decided_at, origin_id);
CREATE INDEX decided_notes_by_shown ON decided_notes (visible_note_id);
CREATE INDEX decided_notes_by_model ON decided_notes (model_note_id);
CREATE INDEX decided_notes_by_version ON decided_notes (version_note_id);

-- Notes that are not shown: somebody hid them, or a person's version is shown in their place.
CREATE TABLE left_out_notes (
    note_id uuid PRIMARY KEY REFERENCES notes ON DELETE CASCADE,
    origin_id uuid NOT NULL,
    reason text NOT NULL CHECK (reason IN ('hidden', 'replaced'))
);
CREATE INDEX left_out_notes_by_origin ON left_out_notes (origin_id);

CREATE POLICY of_readable_studies ON note_decisions USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
CREATE POLICY of_readable_studies ON decided_notes USING (
    (SELECT public.reads_every_study())
    OR study_id IN (SELECT study_id FROM public.readable_studies)
);
ALTER TABLE note_decisions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE decided_notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The places of quotes in a revision, with whether their turn is another one now: text, or role. NULL:
-- one of them is not there, word for word, in a turn of the same speaker. A speaker who has another name
-- since is the same one, where the turn is the same and nobody had that name before.
CREATE FUNCTION locate_decided_quotes(
    quotes jsonb, of_transcript uuid, from_revision int, to_revision int
) RETURNS jsonb STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN count(*) = count(turn.number) THEN
               jsonb_agg(
                   cited || jsonb_build_object(
                       'segment', turn.number, 'start', turn.start, 'speaker', turn.speaker,
                       'role', turn.role, 'start_ms', turn.start_ms, 'end_ms', turn.end_ms,
                       'changed', turn.is_other
                   ) ORDER BY turn.number, turn.start
               )
           END
      FROM jsonb_array_elements(quotes) AS cited
      LEFT JOIN LATERAL (
            SELECT segment.number, segment.speaker, segment.role, segment.start_ms, segment.end_ms,
                   CASE WHEN substr(segment.text, (cited ->> 'start')::int + 1,
                                    (cited ->> 'length')::int) = cited ->> 'quote'
                        THEN (cited ->> 'start')::int
                        ELSE strpos(segment.text, cited ->> 'quote') - 1
                   END AS start,
                   same.text IS NOT TRUE OR segment.role <> cited ->> 'role' AS is_other
              FROM public.segments AS segment
             CROSS JOIN LATERAL (
                    SELECT encode(sha256(convert_to(segment.text, 'UTF8')), 'hex')
                           = cited ->> 'text_sha256' AS text
                   ) AS same
             WHERE segment.transcript_id = of_transcript AND segment.revision = to_revision
               AND strpos(segment.text, cited ->> 'quote') > 0
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
             ORDER BY same.text DESC, abs(segment.number - (cited ->> 'segment')::int),
                      segment.number
             LIMIT 1
           ) AS turn ON true
$$;

-- The quotes of a note and of those that say the same, as decisions keep them.
CREATE FUNCTION quotes_of_note(of_note uuid) RETURNS jsonb STABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(
               jsonb_build_object(
                   'segment', cited.segment, 'start', cited.start_char, 'length', cited.length,
                   'quote', cited.quote, 'masked_quote', cited.masked_quote,
                   'speaker', cited.speaker, 'role', cited.role, 'start_ms', cited.start_ms,
                   'end_ms', cited.end_ms,
                   'text_sha256', encode(sha256(convert_to(turn.text, 'UTF8')), 'hex')
               ) ORDER BY cited.segment, cited.start_char, cited.length
           )
      FROM (
            SELECT DISTINCT ON (one.segment, one.start_char, one.length) one.*
              FROM public.notes AS note
              JOIN public.evidence AS one USING (note_id)
             WHERE note.note_id = of_note OR note.same_as = of_note
             ORDER BY one.segment, one.start_char, one.length, one.masked_quote NULLS LAST
           ) AS cited
      JOIN public.segments AS turn
        ON turn.transcript_id = cited.transcript_id AND turn.revision = cited.revision
       AND turn.number = cited.segment
$$;

CREATE FUNCTION topics_of_note(of_note uuid, OUT themes text[], OUT questions text[])
STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY(
                SELECT DISTINCT theme_id FROM public.note_themes JOIN public.notes AS one USING (note_id)
                 WHERE of_note IN (one.note_id, one.same_as) ORDER BY theme_id
           ),
           ARRAY(
                SELECT DISTINCT question_id
                  FROM public.note_questions JOIN public.notes AS one USING (note_id)
                 WHERE of_note IN (one.note_id, one.same_as) ORDER BY question_id
           )
$$;

-- Where quotes stand, so that two lists of them are compared.
CREATE FUNCTION places_of_quotes(quotes jsonb) RETURNS text IMMUTABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(
               concat_ws(' ', cited ->> 'segment', cited ->> 'start', cited ->> 'length'), ','
               ORDER BY (cited ->> 'segment')::int, (cited ->> 'start')::int, (cited ->> 'length')::int
           )
      FROM jsonb_array_elements(quotes) AS cited
$$;

-- The note by which a person's version of a model's note is shown, in whatever revision.
CREATE FUNCTION version_id_of(origin uuid) RETURNS uuid IMMUTABLE LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(substr(sha256(convert_to('person''s version of ' || origin, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- Computes what the decisions about one note come to in a revision, from all of them. What was computed
-- before has to be deleted.
CREATE FUNCTION apply_note_decisions(origin uuid, current_revision int) RETURNS void
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

    IF basis.revision = current_revision AND basis.note_id IS NOT NULL THEN
        SELECT * INTO model FROM public.notes WHERE note_id = basis.note_id;
        located := basis.evidence;
    ELSE
        located := public.locate_decided_quotes(
            basis.evidence, basis.transcript_id, basis.revision, current_revision
        );
        is_lost := located IS NULL;
        SELECT note.* INTO model
          FROM public.notes AS note
         CROSS JOIN LATERAL (
                SELECT public.places_of_quotes(public.quotes_of_note(note.note_id))
                       = public.places_of_quotes(located) AS same_places,
                       note.statement = basis.model_statement AS same_words
               ) AS alike
         WHERE note.transcript_id = basis.transcript_id AND note.revision = current_revision
           AND note.same_as IS NULL AND note.version_of IS NULL
           AND (alike.same_places OR alike.same_words)
           AND EXISTS (
                SELECT FROM public.evidence AS cited
                  JOIN jsonb_array_elements(located) AS quoted
                    ON cited.segment = (quoted ->> 'segment')::int
                   AND cited.start_char = (quoted ->> 'start')::int
                   AND cited.length = (quoted ->> 'length')::int
                 WHERE cited.note_id = note.note_id
           )
           AND NOT EXISTS (
                SELECT FROM public.decided_notes AS other
                 WHERE other.model_note_id = note.note_id AND other.origin_id <> origin
           )
         ORDER BY alike.same_places DESC, alike.same_words DESC, note.created_at, note.note_id
         LIMIT 1;
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
        quotes := CASE WHEN edit.number IS NOT NULL THEN edited_quotes
                       ELSE public.quotes_of_note(model.note_id) END;
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
    INSERT INTO public.decided_notes
    VALUES (
        origin, basis.study_id, basis.transcript_id, current_revision,
        CASE WHEN is_lost THEN 'lost' ELSE found_status END, model.note_id, shown_id,
        public.version_id_of(origin), counting.accepted, edit.number,
        CASE WHEN shown_id = public.version_id_of(origin) THEN refiling.number END,
        counting.hidden, counting.comments, is_changed,
        coalesce(model.statement, basis.model_statement),
        coalesce(model.standing, basis.model_standing),
        CASE WHEN model.note_id IS NULL THEN basis.model_themes ELSE topics.themes END,
        CASE WHEN model.note_id IS NULL THEN basis.model_questions ELSE topics.questions END,
        (SELECT max(number) FROM public.note_decisions WHERE origin_id = origin),
        (SELECT max(decided_at) FROM public.note_decisions WHERE origin_id = origin)
    );
END;
$$;

-- Deletes what decisions came to: of one note, or of all of an interview.
CREATE FUNCTION clear_decided_notes(of_transcript uuid, only_origin uuid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM public.search_documents AS document
     USING public.notes AS note
     WHERE note.transcript_id = of_transcript AND note.version_of IS NOT NULL
       AND (only_origin IS NULL OR note.version_of = only_origin)
       AND document.transcript_id = note.transcript_id AND document.revision = note.revision
       AND document.note_id = note.note_id;
    DELETE FROM public.left_out_notes
     WHERE origin_id IN (
            SELECT origin_id FROM public.decided_notes
             WHERE transcript_id = of_transcript AND (only_origin IS NULL OR origin_id = only_origin)
     );
    DELETE FROM public.notes
     WHERE transcript_id = of_transcript AND version_of IS NOT NULL
       AND (only_origin IS NULL OR version_of = only_origin);
    DELETE FROM public.decided_notes
     WHERE transcript_id = of_transcript AND (only_origin IS NULL OR origin_id = only_origin);
$$;

-- Whoever stores holds the first of them shared until the end, and whoever decides alone, so that neither
-- overlooks the other; the second is for those who store notes of an interview with decisions.
CREATE FUNCTION note_decision_lock(of_transcript uuid) RETURNS bigint IMMUTABLE LANGUAGE sql
    RETURN hashtextextended('note decisions ' || of_transcript::text, 0);
CREATE FUNCTION decided_notes_lock(of_transcript uuid) RETURNS bigint IMMUTABLE LANGUAGE sql
    RETURN hashtextextended('decided notes ' || of_transcript::text, 0);

-- Computes what all decisions about an interview come to in its current revision.
CREATE FUNCTION carry_note_decisions(of_transcript uuid) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current_revision int;
    origin uuid;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(public.note_decision_lock(of_transcript));
    IF NOT EXISTS (SELECT FROM public.note_decisions WHERE transcript_id = of_transcript) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(public.decided_notes_lock(of_transcript));
    PERFORM public.clear_decided_notes(of_transcript, NULL);
    SELECT revision INTO current_revision FROM public.current_transcripts
     WHERE transcript_id = of_transcript;
    IF current_revision IS NULL THEN
        RETURN;
    END IF;
    FOR origin IN
        SELECT origin_id FROM public.note_decisions WHERE transcript_id = of_transcript
         GROUP BY origin_id ORDER BY min(decided_at), origin_id
    LOOP
        PERFORM public.apply_note_decisions(origin, current_revision);
    END LOOP;
END;
$$;

CREATE FUNCTION carry_decisions_of_draft() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored record;
BEGIN
    SELECT chunk.transcript_id, chunk.revision INTO stored
      FROM public.chunks AS chunk WHERE chunk.chunk_id = NEW.chunk_id;
    -- A revision that is pending is nobody's to read; once it is complete, its row says so.
    IF FOUND AND NOT EXISTS (
        SELECT FROM public.transcripts AS interview
         WHERE interview.transcript_id = stored.transcript_id
           AND interview.revision = stored.revision AND interview.is_pending
    ) THEN
        PERFORM public.carry_note_decisions(stored.transcript_id);
    END IF;
    RETURN NULL;
END;
$$;
CREATE FUNCTION carry_decisions_of_transcript() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.carry_note_decisions(NEW.transcript_id);
    RETURN NULL;
END;
$$;
-- At the end of the transaction, when the notes of a draft have their evidence and topics.
CREATE CONSTRAINT TRIGGER decisions_are_carried AFTER INSERT OR UPDATE ON drafts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION carry_decisions_of_draft();
CREATE CONSTRAINT TRIGGER decisions_are_carried
    AFTER INSERT OR UPDATE OF withdrawn_at, is_pending ON transcripts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION carry_decisions_of_transcript();

-- Adds a person's decision about a note that is current, shown or left out; the outcome says why not, if it
-- is not added: there is no such note ('missing'), others have decided since ('changed', with their
-- number), or there is nothing to withdraw ('nothing'). Statement, standing, vouchers and flags are of an
-- edited note, themes and questions of a re-filed one; NULL: as they are.
CREATE FUNCTION decide_note(
    of_note uuid, expected int, decided_kind text, new_statement text, new_standing text,
    new_vouchers jsonb, new_flags jsonb, new_themes text[], new_questions text[],
    withdrawn_number int, new_remark text, decider text
) RETURNS TABLE (outcome text, version int, shown_id uuid) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known public.decided_notes;
    note public.notes;
    model public.notes;
    origin uuid;
    transcript uuid;
    latest int;
    topics record;
    model_topics record;
BEGIN
    SELECT stored.transcript_id INTO transcript FROM public.notes AS stored
     WHERE stored.note_id = of_note;
    PERFORM pg_advisory_xact_lock(public.note_decision_lock(transcript));
    -- Without an interview there is nothing to decide about, and an erased one is not to come back.
    PERFORM pg_advisory_xact_lock_shared(public.withdrawal_lock(transcript));
    SELECT * INTO known FROM public.decided_notes AS decided
     WHERE of_note IN (decided.version_note_id, decided.model_note_id, decided.origin_id)
     ORDER BY decided.version_note_id = of_note DESC, decided.model_note_id = of_note DESC NULLS LAST
     LIMIT 1;
    SELECT stored.* INTO note
      FROM public.notes AS stored
      JOIN public.current_transcripts USING (transcript_id, revision)
     WHERE stored.note_id = coalesce(known.visible_note_id, of_note) AND stored.same_as IS NULL;
    IF NOT FOUND THEN
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
    PERFORM public.clear_decided_notes(note.transcript_id, origin);
    PERFORM public.apply_note_decisions(origin, note.revision);
    RETURN QUERY
    SELECT 'decided', latest + 1, decided.visible_note_id FROM public.decided_notes AS decided
     WHERE decided.origin_id = origin;
END;
$$;

-- As in 0026, of notes that are left out too, with what they are versions of.
CREATE VIEW all_current_notes AS
SELECT note.note_id, note.chunk_id, note.transcript_id, note.revision, note.study_id, note.position,
       CASE WHEN policy.is_shown THEN note.statement END AS statement,
       note.created_at, note.attempt, note.flags, note.same_as,
       CASE WHEN NOT policy.is_shown THEN note.statement END AS model_reading,
       note.standing, note.vouchers, interview.statements, note.version_of
  FROM notes AS note
 CROSS JOIN LATERAL (
        SELECT newest.revision, newest.statements
          FROM transcripts AS newest
         WHERE newest.transcript_id = note.transcript_id
           AND newest.withdrawn_at IS NULL AND NOT newest.is_pending
         ORDER BY coalesce(newest.refreshes, newest.revision) DESC, newest.revision DESC
         LIMIT 1
   ) AS interview
 CROSS JOIN LATERAL (
        SELECT CASE interview.statements
                   WHEN 'all' THEN true
                   WHEN 'quotes' THEN false
                   ELSE note.standing <> 'unproven'
               END AS is_shown
   ) AS policy
 WHERE note.same_as IS NULL AND note.revision = interview.revision;

-- What people read: without notes that somebody hid, and those that a person's version replaces.
CREATE OR REPLACE VIEW current_notes AS
SELECT *
  FROM all_current_notes AS note
 WHERE NOT EXISTS (SELECT FROM left_out_notes AS left_out WHERE left_out.note_id = note.note_id);

COMMENT ON COLUMN current_notes.version_of IS
    'Of a note that a person edited or re-filed, the model''s note that was decided about; null: a '
    'model''s note.';

-- What people decided about the notes that are shown, with who and when. What the model had written is
-- there where a person changed it, unless the study shows no statements.
CREATE VIEW note_marks AS
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
           'model_statement', CASE WHEN decided.edited IS NOT NULL AND interview.statements <> 'quotes'
                                   THEN decided.model_statement END,
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
          FROM note_decisions AS decision
         CROSS JOIN LATERAL (
                SELECT jsonb_build_object(
                           'number', decision.number, 'by', decision.decided_by,
                           'at', decision.decided_at, 'remark', decision.remark
                       ) AS one
               ) AS mark
         WHERE decision.origin_id = decided.origin_id
           AND (decision.number IN (decided.accepted, decided.edited, decided.refiled, decided.hidden)
                OR decision.number = ANY (decided.comments))
   ) AS marks
 WHERE decided.visible_note_id IS NOT NULL;

COMMENT ON VIEW note_marks IS
    'What people decided about notes: accepted, edited, re-filed, hidden and commented, by whom and when.';

-- As in 0059, and decisions about its notes, which go with its row.
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

-- As in 0059, and what people decided.
CREATE OR REPLACE FUNCTION tables_with_words() RETURNS text[] IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN ARRAY[
        'transcripts', 'segments', 'speakers', 'reading_reports', 'notes', 'evidence', 'corrections',
        'corrected_segments', 'rejected_notes', 'search_documents', 'pending_drafts', 'llm_answers',
        'dead_letters', 'letter_edits', 'rehearsed_letters', 'letter_causes', 'settlements',
        'idempotent_requests', 'trail', 'note_decisions', 'decided_notes'
    ];

-- When the time of a study's notes is over, what people decided about them goes with them.
CREATE FUNCTION expire_note_decisions() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.note_decisions
     WHERE transcript_id = NEW.transcript_id AND revision = NEW.revision;
    DELETE FROM public.decided_notes
     WHERE transcript_id = NEW.transcript_id AND revision = NEW.revision;
    RETURN NULL;
END;
$$;
CREATE TRIGGER decisions_expire AFTER UPDATE OF notes_expired_at ON transcripts
    FOR EACH ROW WHEN (NEW.notes_expired_at IS NOT NULL)
    EXECUTE FUNCTION expire_note_decisions();

-- As in 0060 and 0061, without notes that are left out; revisions count the notes of models.
CREATE OR REPLACE VIEW onrecord_v1.interview_revisions WITH (security_barrier) AS
SELECT interview.study_id, interview.transcript_id, interview.revision,
       interview.revision IS NOT DISTINCT FROM newest.revision AS is_current,
       interview.is_pending,
       interview.refreshes AS refreshes_revision,
       interview.ingested_at,
       interview.segment_count AS segments,
       interview.chunk_count AS chunks,
       (
            SELECT count(*)::int FROM public.notes AS note
             WHERE note.transcript_id = interview.transcript_id
               AND note.revision = interview.revision AND note.same_as IS NULL
               AND note.version_of IS NULL
       ) AS notes
  FROM public.transcripts AS interview
  LEFT JOIN public.current_transcripts AS newest
         ON newest.transcript_id = interview.transcript_id
 WHERE interview.withdrawn_at IS NULL
   AND ((SELECT public.reads_every_study())
        OR interview.study_id IN (SELECT study_id FROM public.readable_studies));

CREATE OR REPLACE VIEW onrecord_v1.segments WITH (security_barrier) AS
SELECT interview.study_id, interview.transcript_id, interview.revision, turn.segment, turn.role,
       CASE WHEN shown.is_open THEN turn.speaker ELSE turn.pseudonym END AS speaker,
       CASE WHEN shown.is_open THEN turn.text END AS text,
       NOT shown.is_open AS is_masked,
       turn.characters, turn.start_ms, turn.end_ms, turn.notes, turn.coverage
  FROM public.current_transcripts AS interview
 CROSS JOIN LATERAL (
        SELECT coalesce(interview.study ->> 'personal_data' = 'allow', false)
               AND NOT EXISTS (
                    SELECT FROM public.evidence
                     WHERE evidence.transcript_id = interview.transcript_id
                       AND evidence.revision = interview.revision
                       AND evidence.masked_quote IS NOT NULL
               )
               AND NOT EXISTS (
                    SELECT FROM public.studies AS registered
                     WHERE registered.study_id = interview.study_id
                       AND registered.personal_data IS DISTINCT FROM 'allow'
               ) AS is_open
       ) AS shown
 CROSS JOIN LATERAL (
        WITH chunk_states AS MATERIALIZED (
            SELECT chunk.first_segment, chunk.last_segment,
                   CASE
                       WHEN chunk.stored_at IS NOT NULL THEN 'unnoted'
                       WHEN letter.is_open THEN 'dead'
                       WHEN letter.is_discarded THEN 'discarded'
                       ELSE 'waiting'
                   END AS state
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
        ), chunk_turns AS MATERIALIZED (
            SELECT DISTINCT ON (number) number, state
              FROM chunk_states
             CROSS JOIN LATERAL generate_series(first_segment, last_segment) AS number
             ORDER BY number, state = 'unnoted', state
        ), citations AS MATERIALIZED (
            SELECT cited.segment, count(DISTINCT coalesce(note.same_as, note.note_id))::int AS notes
              FROM public.evidence AS cited
              JOIN public.notes AS note USING (note_id)
             WHERE cited.transcript_id = interview.transcript_id
               AND cited.revision = interview.revision
               AND NOT EXISTS (
                    SELECT FROM public.left_out_notes AS left_out
                     WHERE left_out.note_id = coalesce(note.same_as, note.note_id)
               )
             GROUP BY cited.segment
        )
        SELECT one.number AS segment, one.role, one.speaker,
               coalesce(voice.pseudonym, one.role) AS pseudonym, one.text,
               char_length(one.text) AS characters, one.start_ms, one.end_ms,
               coalesce(citations.notes, 0) AS notes,
               CASE
                   WHEN chunk_turns.state <> 'unnoted' THEN chunk_turns.state
                   WHEN citations.notes > 0 THEN 'cited'
                   WHEN chunk_turns.state = 'unnoted' AND interview.notes_expired_at IS NOT NULL
                        THEN 'expired'
                   ELSE coalesce(chunk_turns.state, 'waiting')
               END AS coverage
          FROM public.segments AS one
          LEFT JOIN public.speakers AS voice
                 ON voice.transcript_id = one.transcript_id AND voice.revision = one.revision
                AND voice.speaker = one.speaker
          LEFT JOIN citations ON citations.segment = one.number
          LEFT JOIN chunk_turns ON chunk_turns.number = one.number
         WHERE one.transcript_id = interview.transcript_id AND one.revision = interview.revision
       ) AS turn
 WHERE (SELECT public.reads_every_study())
    OR interview.study_id IN (SELECT study_id FROM public.readable_studies);

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
        ), noted AS MATERIALIZED (
            SELECT kind, topic_id, transcript_id, revision,
                   count(DISTINCT coalesce(same_as, note_id)) AS notes, count(*) AS labelled
              FROM labels
             GROUP BY kind, topic_id, transcript_id, revision
        ), counted AS MATERIALIZED (
            SELECT noted.kind, noted.topic_id,
                   coalesce(sum(noted.notes) FILTER (WHERE place.is_current), 0)::int AS notes,
                   (count(DISTINCT noted.transcript_id) FILTER (WHERE place.is_current))::int
                       AS interviews,
                   coalesce(sum(noted.labelled) FILTER (WHERE place.is_earlier), 0)::int
                       AS earlier_notes,
                   (count(DISTINCT noted.transcript_id) FILTER (WHERE place.is_earlier))::int
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
