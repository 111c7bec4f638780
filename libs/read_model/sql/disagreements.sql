-- name: select_compared_statements
-- Statements of a study's current notes of a question ($2) or of a theme ($3), as far as its policy
-- lets them be read, in the order of interviews and notes; with how many there are.
SELECT note.note_id, coalesce(note.statement, note.model_reading) AS words, count(*) OVER ()::int AS total
  FROM current_notes AS note
  JOIN transcripts AS interview USING (transcript_id, revision)
  JOIN chunks AS chunk USING (chunk_id)
 WHERE note.study_id = $1
   AND note.statements <> 'quotes'
   AND ($2::text IS NULL OR EXISTS (
        SELECT FROM note_questions JOIN notes AS one USING (note_id)
         WHERE (one.note_id = note.note_id OR one.same_as = note.note_id) AND question_id = $2
   ))
   AND ($3::text IS NULL OR EXISTS (
        SELECT FROM note_themes JOIN notes AS one USING (note_id)
         WHERE (one.note_id = note.note_id OR one.same_as = note.note_id) AND theme_id = $3
   ))
 ORDER BY interview.title, note.transcript_id, chunk.index, note.attempt, note.position
 LIMIT $4;
