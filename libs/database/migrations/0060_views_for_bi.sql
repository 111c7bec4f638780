-- Views for BI tools, in a schema of their own: what is documented in docs/views.md and stays. Columns of
-- version 1 are never changed or taken away; whatever has to be is version 2, beside it.

-- An owner that may make no schema uses one that was made for it.
DO $$
BEGIN
    IF to_regnamespace('onrecord_v1') IS NULL THEN
        CREATE SCHEMA onrecord_v1;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING
            MESSAGE = format(
                'this login may not create schemas: GRANT CREATE ON DATABASE %I TO %I',
                current_database(), current_user
            );
END;
$$;
COMMENT ON SCHEMA onrecord_v1 IS 'Views for BI tools, version 1: docs/views.md.';

-- Each view has its rows for whoever reads the study, as policies of the tables have, and holds to it
-- whoever owns the tables. As security barriers they run no condition of a reader on other rows.

CREATE VIEW onrecord_v1.studies WITH (security_barrier) AS
SELECT known.study_id,
       coalesce(latest.study ->> 'name', version.inputs ->> 'name') AS name,
       coalesce(latest.study ->> 'language', version.inputs ->> 'language', 'en') AS language,
       coalesce(latest.interviews, 0) AS interviews,
       registered.version AS registered_version,
       registered.registered_at,
       registered.archived_at
  FROM (
        SELECT study_id FROM public.current_transcripts
         UNION
        SELECT study_id FROM public.studies
       ) AS known
  LEFT JOIN LATERAL (
        SELECT interview.study, count(*) OVER ()::int AS interviews
          FROM public.current_transcripts AS interview
         WHERE interview.study_id = known.study_id
         ORDER BY interview.ingested_at DESC, interview.transcript_id
         LIMIT 1
       ) AS latest ON true
  LEFT JOIN public.studies AS registered ON registered.study_id = known.study_id
  LEFT JOIN public.study_versions AS version
         ON version.study_id = registered.study_id AND version.version = registered.version
 WHERE (SELECT public.reads_every_study())
    OR known.study_id IN (SELECT study_id FROM public.readable_studies);

COMMENT ON VIEW onrecord_v1.studies IS
    'Studies that are registered or have an interview.';
COMMENT ON COLUMN onrecord_v1.studies.study_id IS 'Short name of the study.';
COMMENT ON COLUMN onrecord_v1.studies.name IS
    'Name for people, as the latest interview was submitted with, or else as registered.';
COMMENT ON COLUMN onrecord_v1.studies.language IS 'ISO 639 code of the language of its notes.';
COMMENT ON COLUMN onrecord_v1.studies.interviews IS 'Number of interviews, each counted once.';
COMMENT ON COLUMN onrecord_v1.studies.registered_version IS
    'Version that new interviews are asked with; null: not registered.';
COMMENT ON COLUMN onrecord_v1.studies.registered_at IS 'When it was registered; null: it is not.';
COMMENT ON COLUMN onrecord_v1.studies.archived_at IS 'When it was archived; null: it is not.';

CREATE VIEW onrecord_v1.interviews WITH (security_barrier) AS
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
       noted.findings
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

COMMENT ON VIEW onrecord_v1.interviews IS
    'Interviews in their current revision, with how far each is read.';
COMMENT ON COLUMN onrecord_v1.interviews.study_id IS 'Its study.';
COMMENT ON COLUMN onrecord_v1.interviews.transcript_id IS 'Id of the interview, the same in all revisions.';
COMMENT ON COLUMN onrecord_v1.interviews.revision IS 'Number of the current revision.';
COMMENT ON COLUMN onrecord_v1.interviews.title IS 'Title as submitted or corrected.';
COMMENT ON COLUMN onrecord_v1.interviews.format IS 'Format of its file, such as webvtt.';
COMMENT ON COLUMN onrecord_v1.interviews.language IS 'ISO 639 code of the language of its notes.';
COMMENT ON COLUMN onrecord_v1.interviews.study_version IS
    'Version of the registered study that it was asked with; null: themes and questions came with it.';
COMMENT ON COLUMN onrecord_v1.interviews.recorded_at IS 'When it was recorded; null: not stated.';
COMMENT ON COLUMN onrecord_v1.interviews.ingested_at IS 'When this revision was stored.';
COMMENT ON COLUMN onrecord_v1.interviews.status IS
    'complete: all chunks have their notes; dead_in_part: none is on its way, and some are dead letters '
    'or given up; in_progress.';
COMMENT ON COLUMN onrecord_v1.interviews.segments IS 'Number of segments (turns).';
COMMENT ON COLUMN onrecord_v1.interviews.chunks IS 'Number of chunks, each read by the model in one call.';
COMMENT ON COLUMN onrecord_v1.interviews.chunks_stored IS 'Chunks whose notes are stored.';
COMMENT ON COLUMN onrecord_v1.interviews.chunks_dead IS 'Chunks that are dead letters.';
COMMENT ON COLUMN onrecord_v1.interviews.chunks_discarded IS 'Chunks that were given up.';
COMMENT ON COLUMN onrecord_v1.interviews.chunks_waiting IS 'Chunks that are on their way.';
COMMENT ON COLUMN onrecord_v1.interviews.notes IS 'Number of notes; those that say the same count once.';
COMMENT ON COLUMN onrecord_v1.interviews.findings IS 'Notes whose statement is shown as a finding.';

CREATE VIEW onrecord_v1.interview_revisions WITH (security_barrier) AS
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
       ) AS notes
  FROM public.transcripts AS interview
  LEFT JOIN public.current_transcripts AS newest
         ON newest.transcript_id = interview.transcript_id
 WHERE interview.withdrawn_at IS NULL
   AND ((SELECT public.reads_every_study())
        OR interview.study_id IN (SELECT study_id FROM public.readable_studies));

COMMENT ON VIEW onrecord_v1.interview_revisions IS
    'All revisions of interviews that are not withdrawn: numbers, and no words.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.study_id IS 'Its study.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.transcript_id IS 'Id of the interview.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.revision IS 'Number of the revision.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.is_current IS
    'Whether it is the revision that the other views have.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.is_pending IS
    'Whether it asks again or corrects, and is not complete yet.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.refreshes_revision IS
    'The submitted revision that it asks again; null: it was submitted or is a correction.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.ingested_at IS 'When it was stored.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.segments IS 'Number of segments (turns).';
COMMENT ON COLUMN onrecord_v1.interview_revisions.chunks IS 'Number of chunks.';
COMMENT ON COLUMN onrecord_v1.interview_revisions.notes IS
    'Number of notes of this revision; those that say the same count once.';

-- Words of segments are masked by a program, which PostgreSQL has not: where API readers see them masked,
-- there are none here.
CREATE VIEW onrecord_v1.segments WITH (security_barrier) AS
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

COMMENT ON VIEW onrecord_v1.segments IS
    'Turns of current revisions, with what became of each. Words only where no reader of the study sees '
    'them masked.';
COMMENT ON COLUMN onrecord_v1.segments.study_id IS 'Study of the interview.';
COMMENT ON COLUMN onrecord_v1.segments.transcript_id IS 'The interview.';
COMMENT ON COLUMN onrecord_v1.segments.revision IS 'Its current revision.';
COMMENT ON COLUMN onrecord_v1.segments.segment IS 'Number of the segment, from 1.';
COMMENT ON COLUMN onrecord_v1.segments.role IS 'Role of who speaks: participant, interviewer or unknown.';
COMMENT ON COLUMN onrecord_v1.segments.speaker IS 'Label of who speaks; where masked, a pseudonym.';
COMMENT ON COLUMN onrecord_v1.segments.text IS 'What was said; null where masked.';
COMMENT ON COLUMN onrecord_v1.segments.is_masked IS 'Whether words and label are masked for readers.';
COMMENT ON COLUMN onrecord_v1.segments.characters IS 'Length of what was said, in characters.';
COMMENT ON COLUMN onrecord_v1.segments.start_ms IS
    'Start in the recording, in milliseconds; null: not known.';
COMMENT ON COLUMN onrecord_v1.segments.end_ms IS 'End, in milliseconds; null: not known.';
COMMENT ON COLUMN onrecord_v1.segments.notes IS 'Number of notes that cite it.';
COMMENT ON COLUMN onrecord_v1.segments.coverage IS
    'cited: a note cites it; unnoted: read without a note; unread: its chunk is dead (a dead letter), '
    'discarded (given up) or waiting.';

CREATE VIEW onrecord_v1.notes WITH (security_barrier) AS
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
       draft.model, draft.prompt_version, note.created_at
  FROM public.current_notes AS note
  JOIN public.chunks AS chunk ON chunk.chunk_id = note.chunk_id
  JOIN public.drafts AS draft ON draft.chunk_id = note.chunk_id AND draft.attempt = note.attempt
 WHERE (SELECT public.reads_every_study())
    OR note.study_id IN (SELECT study_id FROM public.readable_studies);

COMMENT ON VIEW onrecord_v1.notes IS
    'Notes of current revisions; of those that say the same, the first.';
COMMENT ON COLUMN onrecord_v1.notes.study_id IS 'Study of the interview.';
COMMENT ON COLUMN onrecord_v1.notes.note_id IS 'Id of the note.';
COMMENT ON COLUMN onrecord_v1.notes.transcript_id IS 'The interview.';
COMMENT ON COLUMN onrecord_v1.notes.revision IS 'Its current revision.';
COMMENT ON COLUMN onrecord_v1.notes.chunk IS 'Number of the chunk that it is of, from 1.';
COMMENT ON COLUMN onrecord_v1.notes.attempt IS 'Number of the draft of the chunk, from 1.';
COMMENT ON COLUMN onrecord_v1.notes.position IS 'Place within the draft, from 1.';
COMMENT ON COLUMN onrecord_v1.notes.standing IS
    'What vouches for the statement: verbatim, proven, confirmed or unproven (docs/standing.md).';
COMMENT ON COLUMN onrecord_v1.notes.is_finding IS 'Whether its study shows the statement as a finding.';
COMMENT ON COLUMN onrecord_v1.notes.statement IS 'The statement where it is a finding; else null.';
COMMENT ON COLUMN onrecord_v1.notes.model_reading IS
    'The statement where it is none: show its quotes first, and this marked as not proven. Null where the '
    'study shows quotes alone.';
COMMENT ON COLUMN onrecord_v1.notes.flags IS
    'Names of the checks that leave it in doubt, in order and with commas; empty: none.';
COMMENT ON COLUMN onrecord_v1.notes.repeats IS
    'Number of further notes of the interview that say the same.';
COMMENT ON COLUMN onrecord_v1.notes.model IS 'Model that wrote the draft.';
COMMENT ON COLUMN onrecord_v1.notes.prompt_version IS 'Version of the prompt that it was asked with.';
COMMENT ON COLUMN onrecord_v1.notes.created_at IS 'When it was stored.';

CREATE VIEW onrecord_v1.earlier_notes WITH (security_barrier) AS
SELECT note.study_id, note.note_id, note.transcript_id, note.revision,
       newest.revision AS current_revision,
       note.standing, note.created_at
  FROM public.notes AS note
  JOIN public.transcripts AS interview
    ON interview.transcript_id = note.transcript_id AND interview.revision = note.revision
  JOIN public.current_transcripts AS newest ON newest.transcript_id = note.transcript_id
 WHERE note.same_as IS NULL
   AND interview.withdrawn_at IS NULL AND NOT interview.is_pending
   AND (coalesce(interview.refreshes, interview.revision), interview.revision)
       < (coalesce(newest.refreshes, newest.revision), newest.revision)
   AND ((SELECT public.reads_every_study())
        OR note.study_id IN (SELECT study_id FROM public.readable_studies));

COMMENT ON VIEW onrecord_v1.earlier_notes IS
    'Notes of revisions that are not current any more, without words.';
COMMENT ON COLUMN onrecord_v1.earlier_notes.study_id IS 'Study of that revision.';
COMMENT ON COLUMN onrecord_v1.earlier_notes.note_id IS 'Id of the note.';
COMMENT ON COLUMN onrecord_v1.earlier_notes.transcript_id IS 'The interview.';
COMMENT ON COLUMN onrecord_v1.earlier_notes.revision IS 'The revision that it is of.';
COMMENT ON COLUMN onrecord_v1.earlier_notes.current_revision IS 'The current one.';
COMMENT ON COLUMN onrecord_v1.earlier_notes.standing IS 'What vouches for the statement.';
COMMENT ON COLUMN onrecord_v1.earlier_notes.created_at IS 'When it was stored.';

CREATE VIEW onrecord_v1.evidence WITH (security_barrier) AS
SELECT note.study_id, note.note_id, note.transcript_id, note.revision,
       cited.segment, cited.start_char, cited.length, cited.quote, cited.is_masked, cited.speaker,
       cited.role, cited.start_ms, cited.end_ms
  FROM public.current_notes AS note
 CROSS JOIN LATERAL (
        -- What says the same often cites the same.
        SELECT DISTINCT shown.segment, shown.start_char, shown.length, shown.quote,
               shown.is_masked, shown.speaker, shown.role, shown.start_ms, shown.end_ms
          FROM (
                SELECT note.note_id
                 UNION ALL
                SELECT one.note_id FROM public.notes AS one WHERE one.same_as = note.note_id
               ) AS same
          JOIN public.shown_evidence AS shown ON shown.note_id = same.note_id
       ) AS cited
 WHERE (SELECT public.reads_every_study())
    OR note.study_id IN (SELECT study_id FROM public.readable_studies);

COMMENT ON VIEW onrecord_v1.evidence IS
    'Quotes that current notes cite, those of notes that say the same included, as readers see them.';
COMMENT ON COLUMN onrecord_v1.evidence.study_id IS 'Study of the interview.';
COMMENT ON COLUMN onrecord_v1.evidence.note_id IS 'The note.';
COMMENT ON COLUMN onrecord_v1.evidence.transcript_id IS 'The interview.';
COMMENT ON COLUMN onrecord_v1.evidence.revision IS 'Its current revision.';
COMMENT ON COLUMN onrecord_v1.evidence.segment IS 'Number of the segment that it quotes.';
COMMENT ON COLUMN onrecord_v1.evidence.start_char IS
    'Where it begins in the segment, in characters from 0.';
COMMENT ON COLUMN onrecord_v1.evidence.length IS 'Length of the exact quote, in characters.';
COMMENT ON COLUMN onrecord_v1.evidence.quote IS 'The quote; where masked, with placeholders.';
COMMENT ON COLUMN onrecord_v1.evidence.is_masked IS 'Whether quote and speaker are masked.';
COMMENT ON COLUMN onrecord_v1.evidence.speaker IS 'Label of who speaks; where masked, a pseudonym.';
COMMENT ON COLUMN onrecord_v1.evidence.role IS 'Role of who speaks: participant, interviewer or unknown.';
COMMENT ON COLUMN onrecord_v1.evidence.start_ms IS
    'Start in the recording, in milliseconds; null: not known.';
COMMENT ON COLUMN onrecord_v1.evidence.end_ms IS 'End, in milliseconds; null: not known.';

CREATE VIEW onrecord_v1.note_themes WITH (security_barrier) AS
SELECT note.study_id, note.note_id, label.theme_id
  FROM public.current_notes AS note
 CROSS JOIN LATERAL (
        SELECT DISTINCT topic.theme_id
          FROM (
                SELECT note.note_id
                 UNION ALL
                SELECT one.note_id FROM public.notes AS one WHERE one.same_as = note.note_id
               ) AS same
          JOIN public.note_themes AS topic ON topic.note_id = same.note_id
       ) AS label
 WHERE (SELECT public.reads_every_study())
    OR note.study_id IN (SELECT study_id FROM public.readable_studies);

COMMENT ON VIEW onrecord_v1.note_themes IS
    'Themes of current notes, those of notes that say the same included.';
COMMENT ON COLUMN onrecord_v1.note_themes.study_id IS 'Study of the interview.';
COMMENT ON COLUMN onrecord_v1.note_themes.note_id IS 'The note.';
COMMENT ON COLUMN onrecord_v1.note_themes.theme_id IS
    'The theme; its name is in coverage, as topic_id of kind theme.';

CREATE VIEW onrecord_v1.note_questions WITH (security_barrier) AS
SELECT note.study_id, note.note_id, label.question_id
  FROM public.current_notes AS note
 CROSS JOIN LATERAL (
        SELECT DISTINCT topic.question_id
          FROM (
                SELECT note.note_id
                 UNION ALL
                SELECT one.note_id FROM public.notes AS one WHERE one.same_as = note.note_id
               ) AS same
          JOIN public.note_questions AS topic ON topic.note_id = same.note_id
       ) AS label
 WHERE (SELECT public.reads_every_study())
    OR note.study_id IN (SELECT study_id FROM public.readable_studies);

COMMENT ON VIEW onrecord_v1.note_questions IS
    'Research questions of current notes, those of notes that say the same included.';
COMMENT ON COLUMN onrecord_v1.note_questions.study_id IS 'Study of the interview.';
COMMENT ON COLUMN onrecord_v1.note_questions.note_id IS 'The note.';
COMMENT ON COLUMN onrecord_v1.note_questions.question_id IS
    'The question; its text is in coverage, as topic_id of kind question.';

CREATE VIEW onrecord_v1.standings WITH (security_barrier) AS
SELECT note.study_id, note.standing,
       count(*)::int AS notes,
       count(*) FILTER (WHERE note.statement IS NOT NULL)::int AS findings,
       count(DISTINCT note.transcript_id)::int AS interviews
  FROM public.current_notes AS note
 WHERE (SELECT public.reads_every_study())
    OR note.study_id IN (SELECT study_id FROM public.readable_studies)
 GROUP BY note.study_id, note.standing;

COMMENT ON VIEW onrecord_v1.standings IS 'Current notes of each study by what vouches for them.';
COMMENT ON COLUMN onrecord_v1.standings.study_id IS 'The study.';
COMMENT ON COLUMN onrecord_v1.standings.standing IS 'verbatim, proven, confirmed or unproven.';
COMMENT ON COLUMN onrecord_v1.standings.notes IS 'Number of notes.';
COMMENT ON COLUMN onrecord_v1.standings.findings IS 'Those whose statement is shown as a finding.';
COMMENT ON COLUMN onrecord_v1.standings.interviews IS 'Number of interviews that they are of.';

-- Which checks refused what; what was drafted is for evidence readers of the API alone.
CREATE VIEW onrecord_v1.rejections WITH (security_barrier) AS
SELECT interview.study_id, interview.transcript_id, interview.revision,
       chunk.index AS chunk,
       refused.attempt, refused.rejected_id,
       failure.check_name
  FROM public.current_transcripts AS interview
  JOIN public.chunks AS chunk
    ON chunk.transcript_id = interview.transcript_id AND chunk.revision = interview.revision
  JOIN public.rejected_notes AS refused ON refused.chunk_id = chunk.chunk_id
 CROSS JOIN LATERAL (
        SELECT DISTINCT one ->> 'check' AS check_name
          FROM jsonb_array_elements(refused.failures) AS one
       ) AS failure
 WHERE (SELECT public.reads_every_study())
    OR interview.study_id IN (SELECT study_id FROM public.readable_studies);

COMMENT ON VIEW onrecord_v1.rejections IS
    'Verdicts on what was refused: a row for each refused note and each check that it failed.';
COMMENT ON COLUMN onrecord_v1.rejections.study_id IS 'Study of the interview.';
COMMENT ON COLUMN onrecord_v1.rejections.transcript_id IS 'The interview.';
COMMENT ON COLUMN onrecord_v1.rejections.revision IS 'Its current revision.';
COMMENT ON COLUMN onrecord_v1.rejections.chunk IS 'Number of the chunk, from 1.';
COMMENT ON COLUMN onrecord_v1.rejections.attempt IS 'Number of the draft of the chunk, from 1.';
COMMENT ON COLUMN onrecord_v1.rejections.rejected_id IS
    'Id of the refused note; count it once, whatever number of checks it failed.';
COMMENT ON COLUMN onrecord_v1.rejections.check_name IS 'Name of the check, such as quote_not_found.';

CREATE VIEW onrecord_v1.coverage WITH (security_barrier) AS
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
                   WHEN totals.interviews = 0 OR asked.stored < totals.chunks THEN 'unknown'
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
                       coalesce(sum(discarded), 0) AS discarded, coalesce(sum(chunks), 0) AS chunks
                  FROM progress
                 WHERE progress.study -> (topics.kind || 's')
                       @> jsonb_build_array(jsonb_build_object('id', topics.topic_id))
               ) AS asked
          LEFT JOIN counted ON counted.kind = topics.kind AND counted.topic_id = topics.topic_id
       ) AS topic
 WHERE (SELECT public.reads_every_study())
    OR known.study_id IN (SELECT study_id FROM public.readable_studies);

COMMENT ON VIEW onrecord_v1.coverage IS
    'Themes and research questions of each study: answered, not addressed, or unknown.';
COMMENT ON COLUMN onrecord_v1.coverage.study_id IS 'The study.';
COMMENT ON COLUMN onrecord_v1.coverage.kind IS 'theme or question.';
COMMENT ON COLUMN onrecord_v1.coverage.topic_id IS 'Id of the theme or question.';
COMMENT ON COLUMN onrecord_v1.coverage.text IS 'Name of the theme, or the question.';
COMMENT ON COLUMN onrecord_v1.coverage.finding IS
    'answered; answered_earlier: only by revisions that are not current any more; not_addressed: all '
    'chunks were read with it in hand; unknown: some were not, or there is no interview.';
COMMENT ON COLUMN onrecord_v1.coverage.notes IS 'Number of current notes of it.';
COMMENT ON COLUMN onrecord_v1.coverage.interviews IS 'Number of interviews that they are of.';
COMMENT ON COLUMN onrecord_v1.coverage.earlier_notes IS
    'Number of its notes in revisions that are not current any more.';
COMMENT ON COLUMN onrecord_v1.coverage.earlier_interviews IS 'Number of interviews of those.';
COMMENT ON COLUMN onrecord_v1.coverage.chunks_read IS 'Chunks that were read with it in hand.';
COMMENT ON COLUMN onrecord_v1.coverage.chunks_dead IS 'Chunks that are dead letters.';
COMMENT ON COLUMN onrecord_v1.coverage.chunks_discarded IS 'Chunks that were given up.';
COMMENT ON COLUMN onrecord_v1.coverage.chunks_waiting IS 'Chunks that are on their way.';
COMMENT ON COLUMN onrecord_v1.coverage.chunks_not_asked IS
    'Chunks of interviews that were submitted without it.';

-- What operators see: money, and what failed, without a word of an interview.
CREATE VIEW onrecord_v1.spending WITH (security_barrier) AS
SELECT call.study_id, call.day, call.model, call.purpose,
       count(*) AS calls,
       count(*) FILTER (WHERE call.outcome = 'answered') AS answered,
       count(*) FILTER (WHERE call.outcome <> 'answered') AS failed,
       count(*) FILTER (
           WHERE call.settled_at IS NULL AND call.started_at > now() - public.llm_lost_after()
       ) AS under_way,
       count(*) FILTER (
           WHERE call.settled_at IS NULL AND call.started_at <= now() - public.llm_lost_after()
       ) AS lost,
       count(*) FILTER (WHERE call.settled_at IS NOT NULL AND call.cost_usd IS NULL) AS unpriced,
       coalesce(sum(call.input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(call.cached_tokens), 0)::bigint AS cached_tokens,
       coalesce(sum(call.output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(call.cost_usd), 0) AS cost_usd,
       coalesce(sum(call.cost_usd) FILTER (WHERE call.estimated), 0) AS estimated_usd,
       coalesce(sum(call.worst_usd) FILTER (
           WHERE call.settled_at IS NULL AND call.started_at <= now() - public.llm_lost_after()
       ), 0) AS lost_usd
  FROM public.llm_calls AS call
 WHERE (SELECT public.reads_every_study())
    OR call.study_id IN (SELECT study_id FROM public.readable_studies)
 GROUP BY call.study_id, call.day, call.model, call.purpose;

COMMENT ON VIEW onrecord_v1.spending IS
    'Calls of models by study, day, model and purpose, and what they came to.';
COMMENT ON COLUMN onrecord_v1.spending.study_id IS 'The study.';
COMMENT ON COLUMN onrecord_v1.spending.day IS 'Day in UTC.';
COMMENT ON COLUMN onrecord_v1.spending.model IS 'Model that was asked for.';
COMMENT ON COLUMN onrecord_v1.spending.purpose IS 'What was asked of it, such as notes.';
COMMENT ON COLUMN onrecord_v1.spending.calls IS 'Number of calls.';
COMMENT ON COLUMN onrecord_v1.spending.answered IS 'Those that were answered.';
COMMENT ON COLUMN onrecord_v1.spending.failed IS 'Those that failed.';
COMMENT ON COLUMN onrecord_v1.spending.under_way IS 'Those that are under way.';
COMMENT ON COLUMN onrecord_v1.spending.lost IS 'Those whose process ended before the answer was recorded.';
COMMENT ON COLUMN onrecord_v1.spending.unpriced IS 'Those of models without a known price.';
COMMENT ON COLUMN onrecord_v1.spending.input_tokens IS 'Tokens that were sent, cached ones included.';
COMMENT ON COLUMN onrecord_v1.spending.cached_tokens IS 'Those of them that the provider had cached.';
COMMENT ON COLUMN onrecord_v1.spending.output_tokens IS 'Tokens that came back.';
COMMENT ON COLUMN onrecord_v1.spending.cost_usd IS 'Cost in US dollars, estimates included.';
COMMENT ON COLUMN onrecord_v1.spending.estimated_usd IS
    'Cost of calls whose tokens were estimated, in US dollars.';
COMMENT ON COLUMN onrecord_v1.spending.lost_usd IS 'The most that lost calls can have cost, in US dollars.';

CREATE VIEW onrecord_v1.dead_letters WITH (security_barrier) AS
SELECT letter.study_id, letter.service, letter.error_code,
       public.shown_letter_state(letter.state, letter.outcome) AS state,
       (letter.failed_at AT TIME ZONE 'UTC')::date AS failed_on,
       count(*) AS letters
  FROM public.dead_letters AS letter
 WHERE (SELECT public.reads_every_study())
    OR letter.study_id IN (SELECT study_id FROM public.readable_studies)
 GROUP BY 1, 2, 3, 4, 5;

COMMENT ON VIEW onrecord_v1.dead_letters IS
    'Numbers of dead letters by study, service, cause, state and day.';
COMMENT ON COLUMN onrecord_v1.dead_letters.study_id IS
    'The study; null: not known, and only for those who read all studies.';
COMMENT ON COLUMN onrecord_v1.dead_letters.service IS 'Service that set them aside.';
COMMENT ON COLUMN onrecord_v1.dead_letters.error_code IS 'What they died of, such as llm_timeout.';
COMMENT ON COLUMN onrecord_v1.dead_letters.state IS
    'As onrecord dlq shows it: open, replaying, replayed, resolved, failed_again, discarded or expired.';
COMMENT ON COLUMN onrecord_v1.dead_letters.failed_on IS 'Day in UTC on which they last failed.';
COMMENT ON COLUMN onrecord_v1.dead_letters.letters IS 'Number of letters.';
