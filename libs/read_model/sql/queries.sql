-- name: select_study_versions
-- A study as its current interviews were submitted with it: each version once, the latest first.
SELECT study, count(*)::int AS interviews
  FROM current_transcripts AS interview
 WHERE study_id = $1
 GROUP BY study
 ORDER BY max(ingested_at) DESC, min(transcript_id::text);

-- name: select_study_summaries
-- Studies with at least one current interview: the name that the latest has, and how many there are;
-- and registered studies without any, as long as they are not archived. Of some ids or of any, those
-- behind an id. Only the studies of the page are looked into, however many come behind it: ids of
-- studies with interviews are taken one after another from the index, until there are enough.
WITH RECURSIVE interviewed (study_id) AS (
    (
        SELECT study_id
          FROM transcripts
         WHERE $1::text[] IS NULL AND study_id COLLATE "C" > coalesce($2::text, '')
         ORDER BY study_id COLLATE "C"
         LIMIT 1
    )
     UNION ALL
    SELECT (
            SELECT following.study_id
              FROM transcripts AS following
             WHERE following.study_id COLLATE "C" > interviewed.study_id
             ORDER BY following.study_id COLLATE "C"
             LIMIT 1
           )
      FROM interviewed
     WHERE interviewed.study_id IS NOT NULL
), candidates (study_id) AS (
    (
        SELECT study_id
          FROM interviewed
         CROSS JOIN LATERAL (
                SELECT FROM current_transcripts AS interview
                 WHERE interview.study_id = interviewed.study_id LIMIT 1
               ) AS current_one
         LIMIT $3
    )
     UNION
    (
        SELECT study_id
          FROM (
                SELECT DISTINCT named COLLATE "C" AS study_id
                  FROM unnest($1::text[]) AS named
                 WHERE named COLLATE "C" > coalesce($2::text, '')
                 ORDER BY 1
               ) AS asked
         CROSS JOIN LATERAL (
                SELECT FROM current_transcripts AS interview
                 WHERE interview.study_id = asked.study_id COLLATE "default" LIMIT 1
               ) AS current_one
         LIMIT $3
    )
     UNION
    (
        SELECT study_id
          FROM studies
         WHERE archived_at IS NULL
           AND ($1::text[] IS NULL OR study_id = ANY ($1))
           AND study_id COLLATE "C" > coalesce($2::text, '')
         ORDER BY study_id COLLATE "C"
         LIMIT $3
    )
)
SELECT page.study_id, coalesce(latest.name, version.inputs ->> 'name') AS name,
       coalesce(latest.interviews, 0) AS interviews
  FROM (
        SELECT study_id FROM candidates ORDER BY study_id COLLATE "C" LIMIT $3
       ) AS page
  LEFT JOIN LATERAL (
        SELECT interview.study ->> 'name' AS name, count(*) OVER ()::int AS interviews
          FROM current_transcripts AS interview
         WHERE interview.study_id = page.study_id
         ORDER BY interview.ingested_at DESC, interview.transcript_id
         LIMIT 1
       ) AS latest ON true
  LEFT JOIN studies ON studies.study_id = page.study_id
  LEFT JOIN study_versions AS version
         ON version.study_id = studies.study_id AND version.version = studies.version
 ORDER BY page.study_id COLLATE "C";

-- name: study_exists
-- Whether a study is registered, or has an interview.
SELECT EXISTS (SELECT FROM transcripts WHERE study_id = $1)
    OR EXISTS (SELECT FROM studies WHERE study_id = $1) AS exists;

-- name: select_notes
-- Current notes with evidence, themes and questions, by interview and in the order of the talk.
-- Words are the statement, whether its study shows it as a finding or not.
SELECT note.note_id, coalesce(note.statement, note.model_reading) AS words, note.standing,
       note.vouchers, note.statements, note.study_id, note.transcript_id, note.revision,
       (interview.study ->> 'version')::int AS study_version, interview.title, note.chunk_id, note.created_at, draft.model, draft.prompt_version,
       note.flags,
       (SELECT decided FROM note_marks AS mark WHERE mark.note_id = note.note_id) AS decided,
       ARRAY(
            SELECT DISTINCT theme_id FROM note_themes JOIN notes AS one USING (note_id)
             WHERE note.note_id IN (one.note_id, one.same_as) ORDER BY theme_id
       ) AS themes,
       ARRAY(
            SELECT DISTINCT question_id FROM note_questions JOIN notes AS one USING (note_id)
             WHERE note.note_id IN (one.note_id, one.same_as) ORDER BY question_id
       ) AS questions,
       (
            SELECT jsonb_agg(
                       jsonb_build_object(
                           'segment', segment, 'start', start_char, 'length', length,
                           'quote', quote, 'is_masked', is_masked, 'speaker', speaker,
                           'role', role, 'start_ms', start_ms, 'end_ms', end_ms
                       ) ORDER BY segment, start_char
                   )
              FROM (
                    -- What says the same often cites the same.
                    SELECT DISTINCT segment, start_char, length, quote, is_masked, speaker, role,
                           start_ms, end_ms
                      FROM shown_evidence JOIN notes AS one USING (note_id)
                     WHERE note.note_id IN (one.note_id, one.same_as)
                   ) AS cited
       ) AS evidence,
       count(*) OVER () AS total
  FROM current_notes AS note
  JOIN transcripts AS interview USING (transcript_id, revision)
  JOIN chunks AS chunk USING (chunk_id)
  JOIN drafts AS draft ON draft.chunk_id = note.chunk_id AND draft.attempt = note.attempt
 WHERE ($1::text IS NULL OR note.study_id = $1)
   AND ($2::text IS NULL OR note.transcript_id::text = lower($2)
        OR starts_with(lower(interview.title), lower($2)))
   AND ($3::text IS NULL OR EXISTS (
        SELECT FROM note_themes JOIN notes AS one USING (note_id)
         WHERE note.note_id IN (one.note_id, one.same_as) AND theme_id = $3
   ))
   AND ($4::text IS NULL OR EXISTS (
        SELECT FROM note_questions JOIN notes AS one USING (note_id)
         WHERE note.note_id IN (one.note_id, one.same_as) AND question_id = $4
   ))
   AND ($5::text IS NULL OR EXISTS (
        SELECT FROM shown_evidence JOIN notes AS one USING (note_id)
         WHERE note.note_id IN (one.note_id, one.same_as) AND strpos(lower(speaker), lower($5)) > 0
   ))
   AND ($6::text IS NULL OR note.standing = $6)
   AND ($8::uuid IS NULL OR note.note_id = coalesce(
        -- Whoever asks for the model's note is shown the person's version in its place.
        (
            SELECT mark.note_id
              FROM note_marks AS mark
             WHERE $8 IN (mark.version_note_id, mark.model_note_id, mark.origin_id)
             ORDER BY mark.version_note_id = $8 DESC, mark.model_note_id = $8 DESC NULLS LAST
             LIMIT 1
        ), $8
   ))
   AND ($9::timestamptz IS NULL OR note.created_at >= $9
        OR (note.transcript_id, note.revision) IN (
        -- What asks again or corrects is read once its last chunk is stored.
        SELECT stored.transcript_id, stored.revision
          FROM chunks AS stored
          JOIN (SELECT transcript_id, revision FROM refreshes
                 UNION ALL
                SELECT transcript_id, revision FROM corrections) AS again
               USING (transcript_id, revision)
         WHERE stored.stored_at >= $9
   ))
 ORDER BY interview.study_id, interview.title, note.transcript_id, chunk.index, note.attempt,
          note.position
 LIMIT $7;

-- name: select_speakers
-- Speakers of a study's current interviews, or of one of them, whose names come behind one.
SELECT DISTINCT voice.speaker
  FROM shown_speakers AS voice
  JOIN current_transcripts AS interview USING (transcript_id, revision)
 WHERE ($1::text IS NULL OR interview.study_id = $1)
   AND ($2::uuid IS NULL OR interview.transcript_id = $2)
   AND ($4::text IS NULL OR voice.speaker > $4)
 ORDER BY voice.speaker
 LIMIT $3;

-- name: select_chunk_states
-- How many chunks of each current interview of a study are stored, dead, discarded and waiting.
-- A chunk with an open letter is dead, whatever else was given up.
SELECT interview.transcript_id, interview.title, interview.study,
       interview.notes_expired_at IS NOT NULL AS has_expired,
       count(*) FILTER (WHERE chunk.stored_at IS NOT NULL) AS stored,
       count(*) FILTER (WHERE chunk.stored_at IS NULL AND letter.is_open) AS dead,
       count(*) FILTER (
            WHERE chunk.stored_at IS NULL AND NOT letter.is_open AND letter.is_discarded
       ) AS discarded,
       count(*) FILTER (
            WHERE chunk.stored_at IS NULL AND NOT letter.is_open AND NOT letter.is_discarded
       ) AS waiting
  FROM current_transcripts AS interview
  JOIN chunks AS chunk USING (transcript_id, revision)
 CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(state = 'open'), false) AS is_open,
               coalesce(bool_or(state = 'discarded'), false)
               AND NOT coalesce(bool_or(state = 'replaying'), false) AS is_discarded
          FROM dead_letters
         WHERE subject = chunk.chunk_id::text
   ) AS letter
 WHERE interview.study_id = $1
 GROUP BY interview.transcript_id, interview.revision, interview.title, interview.study,
          interview.notes_expired_at
 ORDER BY interview.title, interview.transcript_id;

-- name: count_expired_interviews
-- How many current interviews of a study, or whether one of them, have no notes any more, as the study
-- keeps notes for a time.
SELECT count(*)::int
  FROM current_transcripts
 WHERE study_id = $1 AND ($2::uuid IS NULL OR transcript_id = $2) AND notes_expired_at IS NOT NULL;

-- name: select_note_counts
-- Notes and interviews by theme and by question of a study; a note has those of the ones that say
-- the same, too. Notes are grouped by interview before the current ones are chosen: the view
-- current_notes would be planned as if a study had few of them, and be looked up note by note.
WITH noted_themes AS MATERIALIZED (
    SELECT theme_id, transcript_id, revision, count(*)::int AS notes
      FROM (
            SELECT DISTINCT theme_id, one.transcript_id, one.revision,
                   coalesce(one.same_as, one.note_id)
              FROM notes AS one
              JOIN note_themes USING (note_id)
             WHERE one.study_id = $1
               AND NOT EXISTS (
                    SELECT FROM left_out_notes AS left_out
                     WHERE left_out.note_id = coalesce(one.same_as, one.note_id)
               )
           ) AS shown
     GROUP BY theme_id, transcript_id, revision
), noted_questions AS MATERIALIZED (
    SELECT question_id, transcript_id, revision, count(*)::int AS notes
      FROM (
            SELECT DISTINCT question_id, one.transcript_id, one.revision,
                   coalesce(one.same_as, one.note_id)
              FROM notes AS one
              JOIN note_questions USING (note_id)
             WHERE one.study_id = $1
               AND NOT EXISTS (
                    SELECT FROM left_out_notes AS left_out
                     WHERE left_out.note_id = coalesce(one.same_as, one.note_id)
               )
           ) AS shown
     GROUP BY question_id, transcript_id, revision
)
SELECT 'theme' AS kind, theme_id AS id, sum(notes)::int AS notes,
       array_agg(transcript_id) AS interviews
  FROM noted_themes
  JOIN current_transcripts AS interview USING (transcript_id, revision)
 WHERE interview.study_id = $1
 GROUP BY theme_id
 UNION ALL
SELECT 'question', question_id, sum(notes)::int, array_agg(transcript_id)
  FROM noted_questions
  JOIN current_transcripts AS interview USING (transcript_id, revision)
 WHERE interview.study_id = $1
 GROUP BY question_id;

-- name: select_earlier_note_counts
-- Notes of revisions that are not current any more, and their interviews, by theme and by question
-- of a study.
SELECT 'theme' AS kind, theme_id AS id, count(*) AS notes,
       array_agg(DISTINCT earlier.transcript_id) AS interviews
  FROM note_themes
  JOIN notes AS earlier USING (note_id)
  JOIN transcripts AS interview USING (transcript_id, revision)
  JOIN current_transcripts AS newest USING (transcript_id)
 WHERE earlier.study_id = $1 AND earlier.version_of IS NULL
   AND NOT EXISTS (
        -- Somebody hid it, or re-filed it.
        SELECT FROM left_out_earlier_notes AS left_out
         WHERE left_out.note_id = coalesce(earlier.same_as, earlier.note_id)
   )
   AND interview.withdrawn_at IS NULL AND NOT interview.is_pending
   AND (coalesce(interview.refreshes, interview.revision), interview.revision)
       < (coalesce(newest.refreshes, newest.revision), newest.revision)
 GROUP BY theme_id
 UNION ALL
SELECT 'question', question_id, count(*), array_agg(DISTINCT earlier.transcript_id)
  FROM note_questions
  JOIN notes AS earlier USING (note_id)
  JOIN transcripts AS interview USING (transcript_id, revision)
  JOIN current_transcripts AS newest USING (transcript_id)
 WHERE earlier.study_id = $1 AND earlier.version_of IS NULL
   AND NOT EXISTS (
        -- Somebody hid it, or re-filed it.
        SELECT FROM left_out_earlier_notes AS left_out
         WHERE left_out.note_id = coalesce(earlier.same_as, earlier.note_id)
   )
   AND interview.withdrawn_at IS NULL AND NOT interview.is_pending
   AND (coalesce(interview.refreshes, interview.revision), interview.revision)
       < (coalesce(newest.refreshes, newest.revision), newest.revision)
 GROUP BY question_id;

-- name: count_unread_submissions
-- Submissions of which no interview came, this or a newer revision, and which nobody gave up or
-- withdrew: those that say which interview they are, and those that are none.
SELECT count(*) FILTER (WHERE transcript_id IS NOT NULL) AS interviews,
       count(*) FILTER (WHERE transcript_id IS NULL) AS unreadable
  FROM submissions AS handed_in
 WHERE NOT EXISTS (
        SELECT FROM transcripts AS interview
         WHERE interview.transcript_id = handed_in.transcript_id
           AND (interview.revision = handed_in.revision
                OR coalesce(interview.refreshes, interview.revision) > handed_in.revision
                   AND interview.withdrawn_at IS NULL)
   )
   -- Until it is asked again or corrected, an interview has its notes.
   AND NOT EXISTS (
        SELECT FROM refreshes AS refresh
         WHERE refresh.transcript_id = handed_in.transcript_id
           AND refresh.revision = handed_in.revision
   )
   AND NOT EXISTS (
        SELECT FROM corrections AS correction
         WHERE correction.transcript_id = handed_in.transcript_id
           AND correction.revision = handed_in.revision
   )
   AND NOT EXISTS (
        SELECT FROM withdrawn_revisions AS withdrawn
         WHERE withdrawn.transcript_id = handed_in.transcript_id
           AND withdrawn.revision = handed_in.revision
   )
   AND NOT EXISTS (
        SELECT FROM dead_letters AS letter
         WHERE letter.source_topic = handed_in.topic
           AND letter.source_partition = handed_in.partition
           AND letter.source_offset = handed_in.record_offset
           AND coalesce(letter.source_sent_at = handed_in.submitted_at, true)
           AND letter.state = 'discarded'
   );

-- name: select_subjects
-- What letters are about: chunks by number, and interviews, with the interview's title; of some
-- studies (null: all). What is withdrawn has no title.
SELECT chunk.chunk_id AS subject, interview.title, chunk.index AS chunk
  FROM chunks AS chunk
  JOIN transcripts AS interview USING (transcript_id, revision)
 WHERE chunk.chunk_id = ANY ($1::uuid[])
   AND ($2::text[] IS NULL OR interview.study_id = ANY ($2))
   AND interview.withdrawn_at IS NULL
 UNION ALL
(SELECT DISTINCT ON (transcript_id) transcript_id, title, NULL
   FROM transcripts
  WHERE transcript_id = ANY ($1::uuid[]) AND ($2::text[] IS NULL OR study_id = ANY ($2))
    AND withdrawn_at IS NULL
  ORDER BY transcript_id, coalesce(refreshes, revision) DESC, revision DESC);

-- name: select_notes_page
-- A page of a study's current notes, by interview and in the order of the talk, behind a position.
-- Interviews are walked in their order and left once the page is full; themes, questions and quotes
-- are read for the notes of the page only.
WITH page AS MATERIALIZED (
     SELECT found.note_id, interview.title, interview.study_version, found.index, found.attempt, found.position
       FROM (
             SELECT transcript_id, revision, title, (study ->> 'version')::int AS study_version
               FROM current_transcripts AS one
              WHERE study_id = $1
                AND ($5::text IS NULL OR (title, transcript_id) >= ($5, $6::uuid))
                AND ($11::uuid IS NULL OR transcript_id = $11)
              ORDER BY title, transcript_id
            ) AS interview
      CROSS JOIN LATERAL (
             SELECT note.note_id, chunk.index, note.attempt, note.position
               FROM notes AS note
               JOIN chunks AS chunk USING (chunk_id)
              WHERE note.transcript_id = interview.transcript_id
                AND note.revision = interview.revision
                AND note.same_as IS NULL
                AND ($14::text = 'hidden' OR NOT EXISTS (
                     SELECT FROM left_out_notes AS left_out WHERE left_out.note_id = note.note_id
                ))
                AND ($14::text IS NULL OR EXISTS (
                     SELECT FROM note_marks AS mark
                      WHERE mark.note_id = note.note_id
                        AND CASE $14 WHEN 'accepted' THEN is_accepted WHEN 'edited' THEN is_edited
                                     WHEN 'refiled' THEN is_refiled WHEN 'hidden' THEN is_hidden
                                     WHEN 'commented' THEN is_commented
                                     WHEN 'decided' THEN true END
                ))
                AND ($5::text IS NULL
                     OR (interview.title, interview.transcript_id) > ($5, $6::uuid)
                     OR (chunk.index, note.attempt, note.position) > ($7::int, $8::int, $9::int))
                AND ($2::text IS NULL OR EXISTS (
                     SELECT FROM note_themes AS topic
                      WHERE topic.note_id = note.note_id AND topic.theme_id = $2
                ) OR EXISTS (
                     SELECT FROM notes AS one JOIN note_themes USING (note_id)
                      WHERE one.same_as = note.note_id AND theme_id = $2
                ))
                AND ($3::text IS NULL OR EXISTS (
                     SELECT FROM note_questions AS topic
                      WHERE topic.note_id = note.note_id AND topic.question_id = $3
                ) OR EXISTS (
                     SELECT FROM notes AS one JOIN note_questions USING (note_id)
                      WHERE one.same_as = note.note_id AND question_id = $3
                ))
                AND ($4::text IS NULL OR note.standing = $4)
                AND ($12::text IS NULL OR EXISTS (
                     SELECT FROM shown_evidence JOIN notes AS one USING (note_id)
                      WHERE (one.note_id = note.note_id OR one.same_as = note.note_id)
                        AND strpos(lower(speaker), lower($12)) > 0
                ))
                AND ($13::timestamptz IS NULL OR note.created_at >= $13
                     OR (note.transcript_id, note.revision) IN (
                     -- What asks again or corrects is read once its last chunk is stored.
                     SELECT stored.transcript_id, stored.revision
                       FROM chunks AS stored
                       JOIN (SELECT transcript_id, revision FROM refreshes
                              UNION ALL
                             SELECT transcript_id, revision FROM corrections) AS again
                            USING (transcript_id, revision)
                      WHERE stored.stored_at >= $13
                ))
              ORDER BY chunk.index, note.attempt, note.position
              LIMIT $10
            ) AS found
      ORDER BY interview.title, interview.transcript_id, found.index, found.attempt, found.position
      LIMIT $10
)
SELECT note.note_id, coalesce(note.statement, note.model_reading) AS words, note.standing,
       note.vouchers, note.statements, note.study_id, note.transcript_id, note.revision,
       page.study_version, page.title, note.chunk_id, note.created_at, draft.model, draft.prompt_version, note.flags,
       (SELECT decided FROM note_marks AS mark WHERE mark.note_id = note.note_id) AS decided,
       page.index, page.attempt, page.position,
       ARRAY(
            SELECT DISTINCT theme_id
              FROM (SELECT note.note_id UNION ALL
                    SELECT one.note_id FROM notes AS one WHERE one.same_as = note.note_id) AS same
              JOIN note_themes USING (note_id)
             ORDER BY theme_id
       ) AS themes,
       ARRAY(
            SELECT DISTINCT question_id
              FROM (SELECT note.note_id UNION ALL
                    SELECT one.note_id FROM notes AS one WHERE one.same_as = note.note_id) AS same
              JOIN note_questions USING (note_id)
             ORDER BY question_id
       ) AS questions,
       (
            SELECT jsonb_agg(
                       jsonb_build_object(
                           'segment', segment, 'start', start_char, 'length', length,
                           'quote', quote, 'is_masked', is_masked, 'speaker', speaker,
                           'role', role, 'start_ms', start_ms, 'end_ms', end_ms
                       ) ORDER BY segment, start_char
                   )
              FROM (
                    SELECT DISTINCT segment, start_char, length, quote, is_masked, speaker, role,
                           start_ms, end_ms
                      FROM (SELECT note.note_id UNION ALL
                            SELECT one.note_id FROM notes AS one WHERE one.same_as = note.note_id)
                           AS same
                      JOIN shown_evidence USING (note_id)
                   ) AS cited
       ) AS evidence
  FROM page
  JOIN all_current_notes AS note USING (note_id)
  JOIN drafts AS draft ON draft.chunk_id = note.chunk_id AND draft.attempt = page.attempt
 ORDER BY page.title, note.transcript_id, page.index, page.attempt, page.position;

-- name: count_notes
-- How many of a study's current notes match, by standing and by theme; a note has the themes of the
-- ones that say the same, too.
WITH matching AS MATERIALIZED (
    SELECT note.note_id, note.standing
      FROM all_current_notes AS note
     WHERE note.study_id = $1
       AND ($8::text = 'hidden' OR NOT EXISTS (
            SELECT FROM left_out_notes AS left_out WHERE left_out.note_id = note.note_id
       ))
       AND ($8::text IS NULL OR EXISTS (
            SELECT FROM note_marks AS mark
             WHERE mark.note_id = note.note_id
               AND CASE $8 WHEN 'accepted' THEN is_accepted WHEN 'edited' THEN is_edited
                           WHEN 'refiled' THEN is_refiled WHEN 'hidden' THEN is_hidden
                           WHEN 'commented' THEN is_commented
                           WHEN 'decided' THEN true END
       ))
       AND ($2::uuid IS NULL OR note.transcript_id = $2)
       AND ($3::text IS NULL OR EXISTS (
            SELECT FROM note_themes AS topic
             WHERE topic.note_id = note.note_id AND topic.theme_id = $3
       ) OR EXISTS (
            SELECT FROM notes AS one JOIN note_themes USING (note_id)
             WHERE one.same_as = note.note_id AND theme_id = $3
       ))
       AND ($4::text IS NULL OR EXISTS (
            SELECT FROM note_questions AS topic
             WHERE topic.note_id = note.note_id AND topic.question_id = $4
       ) OR EXISTS (
            SELECT FROM notes AS one JOIN note_questions USING (note_id)
             WHERE one.same_as = note.note_id AND question_id = $4
       ))
       AND ($5::text IS NULL OR EXISTS (
            SELECT FROM shown_evidence JOIN notes AS one USING (note_id)
             WHERE (one.note_id = note.note_id OR one.same_as = note.note_id)
               AND strpos(lower(speaker), lower($5)) > 0
       ))
       AND ($6::text IS NULL OR note.standing = $6)
       AND ($7::timestamptz IS NULL OR note.created_at >= $7
            OR (note.transcript_id, note.revision) IN (
            -- What asks again or corrects is read once its last chunk is stored.
            SELECT stored.transcript_id, stored.revision
              FROM chunks AS stored
              JOIN (SELECT transcript_id, revision FROM refreshes
                     UNION ALL
                    SELECT transcript_id, revision FROM corrections) AS again
                   USING (transcript_id, revision)
             WHERE stored.stored_at >= $7
       ))
), themes AS (
    SELECT DISTINCT coalesce(one.same_as, one.note_id) AS note_id, theme_id
      FROM notes AS one
      JOIN note_themes USING (note_id)
     WHERE one.study_id = $1
)
SELECT 'standing' AS kind, standing AS name, count(*)::int AS notes FROM matching GROUP BY standing
 UNION ALL
SELECT 'theme', theme_id, count(*)::int
  FROM matching
  JOIN themes USING (note_id)
 GROUP BY theme_id;

-- name: select_transcripts
-- Current interviews with how far they are read, by title; of a study or the one with an id.
SELECT page.transcript_id, page.revision, page.refreshes, page.study_id, page.title, page.format,
       page.recorded_at, page.ingested_at, page.segment_count AS segments, page.chunk_count AS chunks,
       work.stored, work.dead, work.discarded, page.notes_expired_at,
       (
            SELECT count(*)::int
              FROM notes AS note
             WHERE note.transcript_id = page.transcript_id
               AND note.revision = page.revision
               AND note.same_as IS NULL
               AND NOT EXISTS (SELECT FROM left_out_notes AS left_out WHERE left_out.note_id = note.note_id)
       ) AS notes
  FROM (
        SELECT transcript_id, revision, refreshes, study_id, title, format, recorded_at, ingested_at,
               segment_count, chunk_count, notes_expired_at
          FROM current_transcripts AS interview
         WHERE ($1::text IS NULL OR study_id = $1)
           AND ($2::uuid IS NULL OR transcript_id = $2)
           AND ($3::text IS NULL OR (title, transcript_id) > ($3, $4::uuid))
         ORDER BY title, transcript_id
         LIMIT $5
       ) AS page
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE chunk.stored_at IS NOT NULL)::int AS stored,
               count(*) FILTER (WHERE chunk.stored_at IS NULL AND letter.is_open)::int AS dead,
               count(*) FILTER (
                    WHERE chunk.stored_at IS NULL AND NOT letter.is_open AND letter.is_discarded
               )::int AS discarded
          FROM chunks AS chunk
         CROSS JOIN LATERAL (
                SELECT coalesce(bool_or(state = 'open'), false) AS is_open,
                       coalesce(bool_or(state = 'discarded'), false)
                       AND NOT coalesce(bool_or(state = 'replaying'), false) AS is_discarded
                  FROM dead_letters
                 WHERE subject = chunk.chunk_id::text
               ) AS letter
         WHERE chunk.transcript_id = page.transcript_id AND chunk.revision = page.revision
       ) AS work
 ORDER BY page.title, page.transcript_id;
