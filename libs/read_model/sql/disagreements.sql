-- name: select_compared_statements
-- Statements of a study's current notes of a question ($2) or of a theme ($3), as far as its policy
-- lets them be read, by interview; with how many there are.
SELECT note.note_id, coalesce(note.statement, note.model_reading) AS words,
       count(*) OVER ()::int AS total
  FROM current_notes AS note
 WHERE note.study_id = $1
   AND note.statements <> 'quotes'
   AND ($2::text IS NULL OR EXISTS (
        SELECT FROM note_questions AS topic
         WHERE topic.note_id = note.note_id AND topic.question_id = $2
   ) OR EXISTS (
        SELECT FROM notes AS one JOIN note_questions USING (note_id)
         WHERE one.same_as = note.note_id AND question_id = $2
   ))
   AND ($3::text IS NULL OR EXISTS (
        SELECT FROM note_themes AS topic
         WHERE topic.note_id = note.note_id AND topic.theme_id = $3
   ) OR EXISTS (
        SELECT FROM notes AS one JOIN note_themes USING (note_id)
         WHERE one.same_as = note.note_id AND theme_id = $3
   ))
 ORDER BY (
        -- A join would be planned as if there were few notes.
        SELECT title
          FROM transcripts AS interview
         WHERE interview.transcript_id = note.transcript_id AND interview.revision = note.revision
       ), note.transcript_id, note.created_at, note.position, note.note_id
 LIMIT $4;
