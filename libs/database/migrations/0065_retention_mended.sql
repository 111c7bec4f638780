-- Mends the retention of 0061: what its readers see of masked interviews, what counts as in use, what is
-- waited for, and what was forgotten.

-- Whether a quote of a revision was masked, once the quotes are gone: it is shown as before.
ALTER TABLE transcripts ADD COLUMN has_masked_quotes boolean NOT NULL DEFAULT false;
-- Of those whose quotes are gone already, nobody knows.
UPDATE transcripts SET has_masked_quotes = true WHERE notes_expired_at IS NOT NULL;

-- As in 0061, with the new column.
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

-- As in 0028, and what is remembered of quotes that are gone.
CREATE OR REPLACE VIEW shown_speakers AS
SELECT voice.transcript_id, voice.revision,
       CASE WHEN policy.is_open THEN voice.speaker ELSE voice.pseudonym END AS speaker
  FROM speakers AS voice
  JOIN transcripts AS interview USING (transcript_id, revision)
 CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(speaker = voice.speaker), false) AS is_named,
               coalesce(bool_or(masked_quote IS NOT NULL), false) AS is_masked
          FROM evidence
         WHERE evidence.transcript_id = voice.transcript_id
           AND evidence.revision = voice.revision
   ) AS cited
  LEFT JOIN LATERAL (
        SELECT current.revision, coalesce(current.study ->> 'personal_data', '') AS policy
          FROM transcripts AS current
         WHERE current.transcript_id = interview.transcript_id
           AND current.withdrawn_at IS NULL AND NOT current.is_pending
         ORDER BY coalesce(current.refreshes, current.revision) DESC, current.revision DESC
         LIMIT 1
   ) AS newest ON true
  LEFT JOIN LATERAL (
        SELECT coalesce(study.personal_data, '') AS policy
          FROM studies AS study
         WHERE study.study_id = interview.study_id
   ) AS registered ON true
 CROSS JOIN LATERAL (
        SELECT array_position(ARRAY['allow', '', 'mask', 'reject'],
                              coalesce(interview.study ->> 'personal_data', '')) AS own,
               coalesce(greatest(
                   array_position(ARRAY['allow', '', 'mask', 'reject'], newest.policy),
                   array_position(ARRAY['allow', '', 'mask', 'reject'], registered.policy)
               ), 1) AS now
   ) AS strictness
 CROSS JOIN LATERAL (
        SELECT NOT cited.is_masked AND NOT interview.has_masked_quotes
               AND (interview.revision IS NOT DISTINCT FROM newest.revision
                    OR strictness.own >= strictness.now)
               AND CASE WHEN strictness.own = 1 AND strictness.now = 1 THEN true
                        -- Nobody is named whom no quote names.
                        ELSE strictness.own <= 2 AND cited.is_named
                   END AS is_open
   ) AS policy;

-- As in 0062, likewise.
CREATE OR REPLACE VIEW onrecord_v1.segments WITH (security_barrier) AS
SELECT interview.study_id, interview.transcript_id, interview.revision, turn.segment, turn.role,
       CASE WHEN shown.is_open THEN turn.speaker ELSE turn.pseudonym END AS speaker,
       CASE WHEN shown.is_open THEN turn.text END AS text,
       NOT shown.is_open AS is_masked,
       turn.characters, turn.start_ms, turn.end_ms, turn.notes, turn.coverage
  FROM public.current_transcripts AS interview
 CROSS JOIN LATERAL (
        SELECT coalesce(interview.study ->> 'personal_data' = 'allow', false)
               AND NOT interview.has_masked_quotes
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

-- When its highest revision was accepted, no more when its first one was.
CREATE FUNCTION date_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.claimed_at := now();
    RETURN NEW;
END;
$$;
CREATE TRIGGER claims_are_dated BEFORE UPDATE OF revision ON transcript_owners
    FOR EACH ROW WHEN (NEW.revision > OLD.revision) EXECUTE FUNCTION date_claim();

-- When the latest revision of an interview was accepted that is not stored yet; NULL: all are. What a
-- producer's clock says of the future is not believed.
CREATE FUNCTION on_the_way_since(of_transcript uuid) RETURNS timestamptz STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT max(accepted.at)
      FROM (
            SELECT revision, claimed_at FROM public.transcript_owners
             WHERE transcript_id = of_transcript AND revision > 0
             UNION ALL
            SELECT revision, requested_at FROM public.corrections
             WHERE transcript_id = of_transcript
             UNION ALL
            SELECT revision, requested_at FROM public.refreshes WHERE transcript_id = of_transcript
             UNION ALL
            SELECT revision, submitted_at FROM public.submissions
             WHERE transcript_id = of_transcript AND submitted_at <= now() + interval '1 hour'
           ) AS accepted (revision, at)
     WHERE NOT EXISTS (
            SELECT FROM public.transcripts AS stored
             WHERE stored.transcript_id = of_transcript AND stored.revision = accepted.revision
           )
$$;

-- From when on the time of an interview counts: since its newest revision was stored, or, until that is,
-- accepted.
CREATE FUNCTION retained_since(of_transcript uuid) RETURNS timestamptz STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest(max(ingested_at), public.on_the_way_since(of_transcript))
      FROM public.transcripts WHERE transcript_id = of_transcript
$$;

CREATE OR REPLACE FUNCTION retained_interviews(of_study text)
RETURNS TABLE (transcript_id uuid, newest_at timestamptz) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT revision.transcript_id,
           greatest(max(revision.ingested_at), public.on_the_way_since(revision.transcript_id))
      FROM public.transcripts AS revision
     WHERE revision.transcript_id IN (
            SELECT named.transcript_id FROM public.transcripts AS named
             WHERE named.study_id = of_study
           )
       AND NOT public.is_erased(revision.transcript_id)
     GROUP BY revision.transcript_id
    HAVING bool_and(revision.study_id = of_study)
$$;

-- Begins the erasure of so many interviews of a study that are older than it keeps them, the oldest first.
-- Neither the study's time nor the interview can change until this transaction ends; one that somebody
-- else stores or accepts a revision of is left for later. Returns how many there were, and how many of
-- them nobody else was erasing already.
CREATE FUNCTION begin_retention_erasure(
    of_study text, most int, new_erasure uuid, OUT taken int, OUT begun int
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days int;
    one uuid;
    counted int;
    due uuid[] := '{}';
BEGIN
    taken := 0;
    begun := 0;
    SELECT transcripts_days INTO days FROM public.studies WHERE study_id = of_study FOR SHARE;
    IF days IS NULL THEN
        RETURN;
    END IF;
    FOR one IN
        SELECT interview.transcript_id FROM public.retained_interviews(of_study) AS interview
         WHERE interview.newest_at + make_interval(days => days) <= now()
         ORDER BY interview.newest_at, interview.transcript_id
    LOOP
        EXIT WHEN taken >= most;
        -- Whoever stores or corrects a revision has this lock, and whoever accepts one its owner's row.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(public.withdrawal_lock(one));
        SELECT count(*)::int INTO counted FROM (
            SELECT FROM public.transcript_owners WHERE transcript_id = one FOR UPDATE SKIP LOCKED
        ) AS locked;
        CONTINUE WHEN counted
            < (SELECT count(*) FROM public.transcript_owners WHERE transcript_id = one);
        CONTINUE WHEN public.is_erased(one)
            OR (public.retained_since(one) + make_interval(days => days) <= now()) IS NOT TRUE;
        due := due || one;
        taken := taken + 1;
    END LOOP;
    IF taken = 0 THEN
        RETURN;
    END IF;
    INSERT INTO public.erasures (erasure_id, kind, study_id, reference, requested_by)
    VALUES (new_erasure, 'retention', of_study, 'retention', 'retention of study ' || of_study);
    WITH added AS (
        INSERT INTO public.erased_transcripts (transcript_id, erasure_id)
        SELECT asked, new_erasure FROM unnest(due) AS asked
            ON CONFLICT (transcript_id) DO NOTHING
        RETURNING 1
    )
    SELECT count(*)::int INTO begun FROM added;
END;
$$;
DROP FUNCTION interviews_to_expire;

-- As in 0061; and it is remembered what was masked.
CREATE OR REPLACE FUNCTION expire_notes(of_study text, most int, OUT interviews int, OUT deleted int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept record;
    one uuid;
    counted int;
    masked int[];
BEGIN
    interviews := 0;
    deleted := 0;
    SELECT notes_days, transcripts_days INTO kept FROM public.studies
     WHERE study_id = of_study FOR SHARE;
    IF kept.notes_days IS NULL THEN
        RETURN;
    END IF;
    FOR one IN
        SELECT interview.transcript_id
          FROM public.retained_interviews(of_study) AS interview
         WHERE interview.newest_at + make_interval(days => kept.notes_days) <= now()
           -- What is too old itself goes whole.
           AND (interview.newest_at + make_interval(days => kept.transcripts_days) <= now())
               IS NOT TRUE
           AND EXISTS (
                SELECT FROM public.transcripts AS revision
                 WHERE revision.transcript_id = interview.transcript_id
                   AND revision.notes_expired_at IS NULL
               )
         ORDER BY interview.newest_at, interview.transcript_id
    LOOP
        EXIT WHEN interviews >= most;
        -- Whoever stores a revision has this lock, and whoever stores notes those of chunks.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(public.withdrawal_lock(one));
        SELECT count(*)::int INTO counted FROM (
            SELECT FROM public.chunks WHERE transcript_id = one
             ORDER BY chunk_id FOR UPDATE SKIP LOCKED
        ) AS locked;
        CONTINUE WHEN counted
            < (SELECT count(*) FROM public.chunks WHERE transcript_id = one);
        -- It may have got a revision meanwhile.
        CONTINUE WHEN public.retained_since(one) + make_interval(days => kept.notes_days) > now();
        masked := ARRAY(
            SELECT DISTINCT revision FROM public.evidence
             WHERE transcript_id = one AND masked_quote IS NOT NULL
        );
        SELECT count(*)::int INTO counted FROM public.notes
         WHERE transcript_id = one AND same_as IS NULL;
        DELETE FROM public.notes WHERE transcript_id = one;
        DELETE FROM public.rejected_notes
         WHERE chunk_id IN (SELECT chunk_id FROM public.chunks WHERE transcript_id = one);
        UPDATE public.transcripts
           SET notes_expired_at = now(),
               has_masked_quotes = has_masked_quotes OR revision = ANY (masked)
         WHERE transcript_id = one AND notes_expired_at IS NULL;
        interviews := interviews + 1;
        deleted := deleted + counted;
    END LOOP;
END;
$$;

-- Drafts of a study whose interview never came, and when their time is over: the shortest of what is in
-- them. One whose interview's message is a dead letter waits for what becomes of that.
CREATE FUNCTION retained_drafts(of_study text, transcripts int, notes int, answers int)
RETURNS TABLE (
    chunk_id uuid, attempt int, final boolean, received_at timestamptz, due_at timestamptz
) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pending.chunk_id, pending.attempt, pending.final, pending.received_at,
           CASE WHEN NOT EXISTS (
                    SELECT FROM public.dead_letters AS letter
                     WHERE letter.subject = pending.transcript_id::text
                       AND letter.state IN ('open', 'replaying')
                )
                THEN pending.received_at + make_interval(days => least(transcripts, notes, answers))
           END
      FROM public.transcript_owners AS owner
      JOIN public.pending_drafts AS pending USING (transcript_id)
     WHERE owner.study_id = of_study AND NOT public.is_erased(owner.transcript_id)
$$;
CREATE INDEX transcript_owners_by_study ON transcript_owners (study_id);

-- Deletes so many of them whose time is over. Returns how many.
CREATE FUNCTION expire_drafts(of_study text, most int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept record;
    counted int;
BEGIN
    SELECT transcripts_days, notes_days, answers_days INTO kept FROM public.studies
     WHERE study_id = of_study FOR SHARE;
    WITH due AS (
        SELECT pending.chunk_id, pending.attempt, pending.final
          FROM public.pending_drafts AS pending
         WHERE (pending.chunk_id, pending.attempt, pending.final) IN (
                SELECT waiting.chunk_id, waiting.attempt, waiting.final
                  FROM public.retained_drafts(
                           of_study, kept.transcripts_days, kept.notes_days, kept.answers_days
                       ) AS waiting
                 WHERE waiting.due_at <= now()
               )
         LIMIT most
           FOR UPDATE SKIP LOCKED
    )
    DELETE FROM public.pending_drafts AS pending USING due
     WHERE (pending.chunk_id, pending.attempt, pending.final)
           = (due.chunk_id, due.attempt, due.final);
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN counted;
END;
$$;

-- Whether a model was asked about something of a study: a chunk or an interview, stored or not, or what
-- is a dead letter. As retained_answers has it.
CREATE FUNCTION is_subject_of_study(asked text, of_study text) RETURNS boolean STABLE LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id uuid;
BEGIN
    IF EXISTS (
        SELECT FROM public.dead_letters WHERE subject = asked AND study_id = of_study
    ) THEN
        RETURN true;
    END IF;
    IF NOT pg_input_is_valid(asked, 'uuid') THEN
        RETURN false;
    END IF;
    id := asked::uuid;
    RETURN EXISTS (
            SELECT FROM public.chunks AS chunk
              JOIN public.transcripts AS interview USING (transcript_id, revision)
             WHERE chunk.chunk_id = id AND interview.study_id = of_study
        )
        OR EXISTS (
            SELECT FROM public.transcripts WHERE transcript_id = id AND study_id = of_study
        )
        OR EXISTS (
            SELECT FROM public.pending_drafts AS pending
              JOIN public.transcript_owners AS owner USING (transcript_id)
             WHERE pending.chunk_id = id AND owner.study_id = of_study
        );
END;
$$;

-- As in 0061; and from the answers that are old enough to what they are about, so that a batch costs what
-- it deletes, not what the study has. Answers repeat notes word for word: without a time of their own,
-- they go when notes of that age do.
CREATE INDEX llm_answers_by_age ON llm_answers (created_at);
CREATE OR REPLACE FUNCTION expire_answers(of_study text, most int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days int;
    counted int;
BEGIN
    SELECT coalesce(answers_days, notes_days) INTO days FROM public.studies
     WHERE study_id = of_study FOR SHARE;
    IF days IS NULL THEN
        RETURN 0;
    END IF;
    WITH due AS (
        SELECT answer.key, answer.fingerprint
          FROM public.llm_answers AS answer
         WHERE answer.created_at <= now() - make_interval(days => days)
           AND EXISTS (
                SELECT FROM public.llm_answer_subjects AS asked
                 WHERE asked.key = answer.key
                   AND public.is_subject_of_study(asked.subject, of_study)
               )
         ORDER BY answer.created_at
         LIMIT most
           FOR UPDATE SKIP LOCKED
    )
    DELETE FROM public.llm_answers AS answer USING due
     WHERE (answer.key, answer.fingerprint) = (due.key, due.fingerprint);
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN counted;
END;
$$;

-- As in 0061: with drafts that wait; letters that were replayed as they are emptied; answers as above.
CREATE OR REPLACE FUNCTION preview_retention(
    of_study text, transcripts int, notes int, letters int, answers int, trail int,
    open_letters interval, closed_letters interval
)
RETURNS TABLE (
    kind text, kept bigint, oldest_at timestamptz, due_now bigint, due_soon bigint
) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH interviews AS MATERIALIZED (
        SELECT transcript_id, newest_at FROM public.retained_interviews(of_study)
    ), dated (kind, since, due_at) AS (
        SELECT 'transcripts', newest_at, newest_at + make_interval(days => transcripts)
          FROM interviews
         UNION ALL
        SELECT 'notes', newest_at,
               -- Of an interview that is too old itself, they go with it.
               CASE WHEN (newest_at + make_interval(days => transcripts) <= now()) IS NOT TRUE
                    THEN newest_at + make_interval(days => notes)
               END
          FROM interviews
          JOIN public.notes AS note USING (transcript_id)
         WHERE note.same_as IS NULL
         UNION ALL
        -- Drafts of interviews that never came are notes that nobody reads.
        SELECT 'notes', waiting.received_at, waiting.due_at
          FROM public.retained_drafts(of_study, transcripts, notes, answers) AS waiting
         UNION ALL
        SELECT 'letters', since,
               -- For a month it is looked for what became of a replay.
               since + make_interval(days => CASE WHEN is_awaited THEN 31 ELSE 0 END) + least(
                   CASE WHEN is_open THEN open_letters ELSE closed_letters END,
                   make_interval(days => letters)
               )
          FROM (
                -- As control.letters.retention expires and empties them.
                SELECT NOT letter.settled AND letter.state = 'open' AS is_open,
                       NOT letter.settled AND letter.state = 'replayed' AS is_awaited,
                       CASE WHEN letter.settled
                            THEN greatest(letter.outcome_at, letter.state_changed_at)
                            WHEN letter.state = 'replayed' THEN letter.state_changed_at
                            ELSE greatest(
                                letter.indexed_at,
                                CASE WHEN letter.failed_at <= now() THEN letter.failed_at END
                            )
                       END AS since
                  FROM public.dead_letters AS letter
                 WHERE letter.study_id = of_study AND letter.emptied_at IS NULL
                   AND letter.state <> 'replaying'
               ) AS letter
         UNION ALL
        SELECT 'answers', created_at, created_at + make_interval(days => coalesce(answers, notes))
          FROM public.retained_answers(of_study)
         UNION ALL
        SELECT 'trail', entry.at, entry.at + make_interval(days => trail)
          FROM public.trail AS entry
         WHERE entry.study_id = of_study AND entry.cleared_at IS NULL
           AND NOT public.is_kept_in_trail(entry.action)
    )
    SELECT named.kind, count(dated.kind), min(dated.since),
           count(*) FILTER (WHERE dated.due_at <= now()),
           count(*) FILTER (
               WHERE dated.due_at > now() AND dated.due_at <= now() + interval '30 days'
           )
      FROM unnest(ARRAY['transcripts', 'notes', 'letters', 'answers', 'trail'])
           WITH ORDINALITY AS named (kind, place)
      LEFT JOIN dated USING (kind)
     GROUP BY named.kind, named.place
     ORDER BY named.place
$$;
