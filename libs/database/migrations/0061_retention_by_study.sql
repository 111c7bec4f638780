-- How long what there is of a study is kept, by kind: each study's registration says it, and control
-- carries it out. NULL: for ever. How long dead letters are kept was there before, as `retention_days`.

ALTER TABLE studies
    ADD COLUMN transcripts_days int CHECK (transcripts_days BETWEEN 1 AND 36500),
    ADD COLUMN notes_days int CHECK (notes_days BETWEEN 1 AND 36500),
    ADD COLUMN answers_days int CHECK (answers_days BETWEEN 1 AND 36500),
    ADD COLUMN trail_days int CHECK (trail_days BETWEEN 1 AND 36500);

-- Rounds in which control deletes what is too old, one study at a time. What a batch deletes is counted in
-- its own transaction, so the counts are right whenever control is killed.
CREATE TABLE retention_rounds (
    study_id text PRIMARY KEY REFERENCES studies,
    -- The replica that carries it out, until when, unless it renews that with its next batch.
    holder uuid,
    leased_until timestamptz,
    -- The round that is under way: since when, what was deleted, and what failed, by kind.
    begun_at timestamptz,
    counts jsonb NOT NULL DEFAULT '{}',
    failures jsonb NOT NULL DEFAULT '{}',
    -- The round before.
    last_begun_at timestamptz,
    last_ended_at timestamptz,
    last_counts jsonb NOT NULL DEFAULT '{}',
    last_failures jsonb NOT NULL DEFAULT '{}',
    next_at timestamptz NOT NULL DEFAULT now()
);

-- Since when a revision has no notes any more, as their time is over; none are taken later.
ALTER TABLE transcripts ADD COLUMN notes_expired_at timestamptz;

-- As in 0026, with the new column.
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

-- Since when an entry has neither reason nor target nor address any more, as their time is over.
ALTER TABLE trail ADD COLUMN cleared_at timestamptz;
CREATE INDEX trail_to_clear ON trail (study_id, at)
 WHERE study_id IS NOT NULL AND cleared_at IS NULL;

ALTER TABLE erasures
    DROP CONSTRAINT erasures_kind_check,
    ADD CONSTRAINT erasures_kind_check
        CHECK (kind IN ('transcript', 'participant', 'study', 'retention')) NOT VALID;

-- The interviews of a study, and from when on their time counts: since the newest revision was stored.
-- One that has revisions of another study, as was possible before studies were registered, is left out.
CREATE FUNCTION retained_interviews(of_study text)
RETURNS TABLE (transcript_id uuid, newest_at timestamptz) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT revision.transcript_id, max(revision.ingested_at)
      FROM public.transcripts AS revision
     WHERE revision.transcript_id IN (
            SELECT named.transcript_id FROM public.transcripts AS named
             WHERE named.study_id = of_study
           )
       AND NOT public.is_erased(revision.transcript_id)
     GROUP BY revision.transcript_id
    HAVING bool_and(revision.study_id = of_study)
$$;

-- What models answered about a study's interviews, stored or not, or only dead letters.
CREATE FUNCTION retained_answers(of_study text)
RETURNS TABLE (key text, fingerprint text, created_at timestamptz) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT answer.key, answer.fingerprint, answer.created_at
      FROM (
            SELECT chunk.chunk_id::text AS subject
              FROM public.transcripts AS interview
              JOIN public.chunks AS chunk USING (transcript_id, revision)
             WHERE interview.study_id = of_study
             UNION
            SELECT interview.transcript_id::text
              FROM public.transcripts AS interview
             WHERE interview.study_id = of_study
             UNION
            SELECT pending.chunk_id::text
              FROM public.transcript_owners AS owner
              JOIN public.pending_drafts AS pending USING (transcript_id)
             WHERE owner.study_id = of_study
             UNION
            SELECT letter.subject FROM public.dead_letters AS letter
             WHERE letter.study_id = of_study AND letter.subject IS NOT NULL
           ) AS known
      JOIN public.llm_answer_subjects AS asked USING (subject)
      JOIN public.llm_answers AS answer USING (key)
$$;

-- Entries of the trail about a study whose texts may be cleared: what says that something was deleted, and
-- by whom, stays as it is.
CREATE FUNCTION is_kept_in_trail(action text) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN action LIKE 'erasure.%' OR action LIKE 'retention.%';

-- What would be deleted of a study if it were kept for so many days (NULL: for ever): of each kind, how
-- much there is, from when the oldest is, how much is too old now, and how much will be within a month.
-- Args: for how long open and closed dead letters are kept of any study.
CREATE FUNCTION preview_retention(
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
        SELECT 'letters', since,
               since + least(
                   CASE WHEN settled THEN closed_letters ELSE open_letters END,
                   make_interval(days => letters)
               )
          FROM (
                SELECT letter.settled,
                       CASE WHEN letter.settled
                            THEN greatest(letter.outcome_at, letter.state_changed_at)
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
        SELECT 'answers', created_at, created_at + make_interval(days => answers)
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

-- Some interviews of a study that are older than it keeps them, the oldest first.
CREATE FUNCTION interviews_to_expire(of_study text, most int)
RETURNS TABLE (transcript_id uuid) STABLE LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT interview.transcript_id
      FROM public.studies AS study
     CROSS JOIN public.retained_interviews(of_study) AS interview
     WHERE study.study_id = of_study
       AND interview.newest_at + make_interval(days => study.transcripts_days) <= now()
     ORDER BY interview.newest_at, interview.transcript_id
     LIMIT most
$$;

-- Deletes the notes of interviews of a study that are older than it keeps notes, with their evidence and
-- what was refused, of all revisions; of so many interviews. One that somebody else stores something of
-- is left for later: nobody is waited for. Returns how many interviews, and how many notes.
CREATE FUNCTION expire_notes(of_study text, most int, OUT interviews int, OUT deleted int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept record;
    one uuid;
    counted int;
BEGIN
    interviews := 0;
    deleted := 0;
    SELECT notes_days, transcripts_days INTO kept FROM public.studies WHERE study_id = of_study;
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
        CONTINUE WHEN (
            SELECT max(ingested_at) + make_interval(days => kept.notes_days) > now()
              FROM public.transcripts WHERE transcript_id = one
        );
        SELECT count(*)::int INTO counted FROM public.notes
         WHERE transcript_id = one AND same_as IS NULL;
        DELETE FROM public.notes WHERE transcript_id = one;
        DELETE FROM public.rejected_notes
         WHERE chunk_id IN (SELECT chunk_id FROM public.chunks WHERE transcript_id = one);
        UPDATE public.transcripts SET notes_expired_at = now()
         WHERE transcript_id = one AND notes_expired_at IS NULL;
        interviews := interviews + 1;
        deleted := deleted + counted;
    END LOOP;
END;
$$;

-- Deletes so many of what models answered about a study's interviews longer ago than it keeps that; what
-- somebody uses at the moment is left for later. Returns how many.
CREATE FUNCTION expire_answers(of_study text, most int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days int := (SELECT answers_days FROM public.studies WHERE study_id = of_study);
    counted int;
BEGIN
    IF days IS NULL THEN
        RETURN 0;
    END IF;
    WITH due AS (
        SELECT answer.key, answer.fingerprint
          FROM public.llm_answers AS answer
         WHERE (answer.key, answer.fingerprint) IN (
                SELECT known.key, known.fingerprint FROM public.retained_answers(of_study) AS known
                 WHERE known.created_at + make_interval(days => days) <= now()
               )
           -- It may be answered anew meanwhile.
           AND answer.created_at + make_interval(days => days) <= now()
         ORDER BY answer.key, answer.fingerprint
         LIMIT most
           FOR UPDATE SKIP LOCKED
    )
    DELETE FROM public.llm_answers AS answer USING due
     WHERE (answer.key, answer.fingerprint) = (due.key, due.fingerprint);
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN counted;
END;
$$;

-- Clears what the trail has about a study in words, of so many entries that are older than it keeps that:
-- who did what, when and in which study stays. Returns how many.
CREATE FUNCTION clear_trail(of_study text, most int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    days int := (SELECT trail_days FROM public.studies WHERE study_id = of_study);
    counted int;
BEGIN
    IF days IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM set_config('onrecord.erasing', 'reasons', true);
    WITH due AS (
        SELECT entry_id FROM public.trail
         WHERE study_id = of_study AND cleared_at IS NULL
           AND at + make_interval(days => days) <= now()
           AND NOT public.is_kept_in_trail(action)
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

-- As in 0060; and where notes are gone, nothing is said that they alone would prove.
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

COMMENT ON COLUMN onrecord_v1.segments.coverage IS
    'cited: a note cites it; unnoted: read without a note; expired: read, and the notes'' time is over; '
    'unread: its chunk is dead (a dead letter), discarded (given up) or waiting.';

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
             UNION ALL
            SELECT 'question', label.question_id, note.transcript_id, note.revision, note.note_id,
                   note.same_as
              FROM public.notes AS note
              JOIN public.note_questions AS label ON label.note_id = note.note_id
             WHERE note.study_id = known.study_id
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

COMMENT ON COLUMN onrecord_v1.coverage.finding IS
    'answered; answered_earlier: only by revisions that are not current any more; not_addressed: all '
    'chunks were read with it in hand; unknown: some were not, notes of some are gone as their time is '
    'over, or there is no interview.';
