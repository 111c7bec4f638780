-- name: find_notes
-- Notes and refused notes with an id from one to another, in the studies that are named; NULL: all.
-- None is of a revision that is withdrawn, or of a refresh that is not complete.
SELECT 'note' AS kind, note.note_id AS id, note.statement, note.standing, note.study_id,
       note.created_at AS at
  FROM notes AS note
  JOIN transcripts AS interview USING (transcript_id, revision)
 WHERE note.note_id BETWEEN $1 AND $2
   AND ($3::text[] IS NULL OR note.study_id = ANY ($3))
   AND interview.withdrawn_at IS NULL AND NOT interview.is_pending
 UNION ALL
SELECT 'refused', refused.rejected_id, refused.draft ->> 'statement', 'refuted',
       interview.study_id, draft.stored_at
  FROM rejected_notes AS refused
  JOIN chunks AS chunk USING (chunk_id)
  JOIN transcripts AS interview USING (transcript_id, revision)
  JOIN drafts AS draft
    ON draft.chunk_id = refused.chunk_id AND draft.attempt = refused.attempt
 WHERE refused.rejected_id BETWEEN $1 AND $2
   AND ($3::text[] IS NULL OR interview.study_id = ANY ($3))
   AND interview.withdrawn_at IS NULL AND NOT interview.is_pending
 ORDER BY at, id
 LIMIT 10;

-- name: select_note
-- One note as it is stored, with its evidence.
SELECT note.note_id, note_state(note.note_id) AS state, note.statement, note.flags, note.standing, note.vouchers, note.chunk_id, note.attempt, note.same_as,
       (
            SELECT mark.decided -> 'edited' ->> 'by' FROM note_marks AS mark WHERE mark.note_id = $1
       ) AS edited_by,
       ARRAY(SELECT theme_id FROM note_themes WHERE note_id = $1 ORDER BY theme_id) AS themes,
       ARRAY(
            SELECT question_id FROM note_questions WHERE note_id = $1 ORDER BY question_id
       ) AS questions,
       (
            SELECT jsonb_agg(
                       jsonb_build_object(
                           'segment', segment, 'start', start_char, 'length', length,
                           'quote', quote, 'masked_quote', masked_quote, 'speaker', speaker,
                           'role', role, 'start_ms', start_ms, 'end_ms', end_ms
                       ) ORDER BY position
                   )
              FROM evidence
             WHERE note_id = $1
       ) AS evidence
  FROM notes AS note
 WHERE note.note_id = $1;

-- name: select_refused
-- One refused note.
SELECT rejected_id, chunk_id, attempt, draft, failures FROM rejected_notes WHERE rejected_id = $1;

-- name: select_origin
-- The chunk a note is from: its interview, its place there, and who drafted it; who speaks in the whole
-- interview; and the policies on personal data that count now: of the revision, of the current one and of
-- the registered study, where they say something.
SELECT interview.transcript_id, interview.revision, interview.title, interview.study,
       interview.chunk_count, chunk.index, chunk.first_segment, chunk.last_segment,
       draft.model, draft.prompt_version, draft.stored_at,
       ARRAY(
            SELECT voice.speaker FROM speakers AS voice
             WHERE voice.transcript_id = interview.transcript_id
               AND voice.revision = interview.revision
             ORDER BY voice.speaker
       ) AS speakers,
       array_remove(ARRAY[
            interview.study ->> 'personal_data',
            (
                SELECT newest.study ->> 'personal_data' FROM current_transcripts AS newest
                 WHERE newest.transcript_id = interview.transcript_id
            ),
            (
                SELECT registered.personal_data FROM studies AS registered
                 WHERE registered.study_id = interview.study_id
            )
       ], NULL) AS policies
  FROM chunks AS chunk
  JOIN transcripts AS interview USING (transcript_id, revision)
  JOIN drafts AS draft USING (chunk_id)
 WHERE chunk.chunk_id = $1 AND draft.attempt = $2;

-- name: select_turns
-- Some of an interview's turns.
SELECT number, speaker, role, text, start_ms, end_ms
  FROM segments
 WHERE transcript_id = $1 AND revision = $2 AND number BETWEEN $3 AND $4
 ORDER BY number;
