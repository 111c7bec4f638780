-- name: select_compared_statements
-- Statements of a study's current notes of a question ($2) or of a theme ($3) that are compared, by
-- interview; with how many notes there are, how many of them show no statement, by their study's
-- policy, and of how many others the study is not in English. If none is compared there is one row.
WITH foreign_interviews AS MATERIALIZED (
    SELECT transcript_id, revision
      FROM current_transcripts AS interview
     WHERE study_id = $1 AND coalesce(study ->> 'language', 'en') NOT LIKE 'en%'
), topical AS MATERIALIZED (
    SELECT note.note_id, coalesce(note.statement, note.model_reading) AS words,
           note.transcript_id, note.revision, note.created_at, note.position,
           note.statements IS NOT DISTINCT FROM 'quotes' AS is_hidden,
           (note.transcript_id, note.revision) IN (
                SELECT transcript_id, revision FROM foreign_interviews
           ) AS is_foreign
      FROM current_notes AS note
     WHERE note.study_id = $1
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
), counted AS (
    SELECT count(*)::int AS total,
           count(*) FILTER (WHERE is_hidden)::int AS hidden,
           count(*) FILTER (WHERE is_foreign AND NOT is_hidden)::int AS foreign_language
      FROM topical
)
SELECT counted.total, counted.hidden, counted.foreign_language, page.note_id, page.words
  FROM counted
  LEFT JOIN (
        SELECT note_id, words, row_number() OVER (
                    ORDER BY (
                        -- A join would be planned as if there were few notes.
                        SELECT title
                          FROM transcripts AS interview
                         WHERE interview.transcript_id = topical.transcript_id
                           AND interview.revision = topical.revision
                    ), transcript_id, created_at, position, note_id
               ) AS place
          FROM topical
         WHERE NOT is_hidden AND NOT is_foreign
         ORDER BY place
         LIMIT $4
       ) AS page ON true
 ORDER BY page.place;
