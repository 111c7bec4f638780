-- name: select_matrix_page
-- A page of a study's current interviews by title, behind a position; with how far each is read, the
-- themes ($5 is 'theme') or questions ('question') that it was asked for, and its notes of each:
-- findings, and those that nothing vouches for. A note has the topics of the ones that say the same.
SELECT page.transcript_id, page.revision, page.title, page.chunk_count AS chunks,
       page.notes_expired_at IS NOT NULL AS has_expired,
       ARRAY(
            SELECT topic ->> 'id'
              FROM jsonb_array_elements(
                       coalesce(page.study -> CASE $5 WHEN 'theme' THEN 'themes' ELSE 'questions' END,
                                '[]')
                   ) AS topic
       ) AS asked,
       (
            SELECT count(*)::int
              FROM chunks AS chunk
             WHERE chunk.transcript_id = page.transcript_id AND chunk.revision = page.revision
               AND chunk.stored_at IS NOT NULL
       ) AS stored,
       (
            SELECT coalesce(
                       jsonb_agg(jsonb_build_array(topic_id, findings, unproven) ORDER BY topic_id),
                       '[]'
                   )
              FROM (
                    SELECT topic.topic_id,
                           count(DISTINCT one.shown_id) FILTER (WHERE one.standing <> 'unproven')
                               AS findings,
                           count(DISTINCT one.shown_id) FILTER (WHERE one.standing = 'unproven')
                               AS unproven
                      FROM (
                            SELECT note_id, coalesce(same_as, note_id) AS shown_id,
                                   -- Of the few only that say the same as another.
                                   CASE WHEN same_as IS NULL THEN standing
                                        ELSE (SELECT first.standing FROM notes AS first
                                               WHERE first.note_id = said.same_as)
                                   END AS standing
                              FROM notes AS said
                             WHERE said.transcript_id = page.transcript_id
                               AND said.revision = page.revision
                               AND NOT EXISTS (
                                    SELECT FROM left_out_notes AS left_out
                                     WHERE left_out.note_id = coalesce(said.same_as, said.note_id)
                               )
                           ) AS one
                     CROSS JOIN LATERAL (
                            SELECT theme_id AS topic_id
                              FROM note_themes
                             WHERE $5 = 'theme' AND note_themes.note_id = one.note_id
                             UNION ALL
                            SELECT question_id
                              FROM note_questions
                             WHERE $5 = 'question' AND note_questions.note_id = one.note_id
                           ) AS topic
                     GROUP BY topic.topic_id
                   ) AS noted
       ) AS cells
  FROM (
        SELECT transcript_id, revision, title, chunk_count, study, notes_expired_at
          FROM current_transcripts AS interview
         WHERE study_id = $1
           AND ($2::text IS NULL OR (title, transcript_id) > ($2, $3::uuid))
         ORDER BY title, transcript_id
         LIMIT $4
       ) AS page
 ORDER BY page.title, page.transcript_id;
