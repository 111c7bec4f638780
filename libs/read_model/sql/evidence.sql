-- name: select_rejected_page
-- A page of the refused notes of a study's current interviews, in the order of the talk, behind a
-- position.
SELECT interview.study_id, interview.transcript_id, interview.revision, interview.title,
       refused.rejected_id, refused.chunk_id, chunk.index AS chunk_index, refused.attempt,
       refused.draft, refused.failures, refused.position
  FROM rejected_notes AS refused
  JOIN chunks AS chunk USING (chunk_id)
  JOIN current_transcripts AS interview USING (transcript_id, revision)
 WHERE interview.study_id = $1
   AND ($2::uuid IS NULL OR interview.transcript_id = $2)
   AND ($3::text IS NULL OR refused.draft -> 'themes' ? $3)
   AND ($4::text IS NULL OR refused.draft -> 'questions' ? $4)
   AND ($5::text IS NULL
        OR (interview.title, interview.transcript_id, chunk.index, refused.attempt,
            refused.position) > ($5, $6::uuid, $7::int, $8::int, $9::int))
   AND ($11::timestamptz IS NULL OR EXISTS (
        SELECT FROM drafts AS draft
         WHERE draft.chunk_id = refused.chunk_id AND draft.attempt = refused.attempt
           AND draft.stored_at >= $11
   )
        OR (interview.transcript_id, interview.revision) IN (
        -- What asks again or corrects is read once its last chunk is stored.
        SELECT stored.transcript_id, stored.revision
          FROM chunks AS stored
          JOIN (SELECT transcript_id, revision FROM refreshes
                 UNION ALL
                SELECT transcript_id, revision FROM corrections) AS again
               USING (transcript_id, revision)
         WHERE stored.stored_at >= $11
   ))
 ORDER BY interview.title, interview.transcript_id, chunk.index, refused.attempt, refused.position
 LIMIT $10;

-- name: count_rejected
-- How many refused notes those are.
SELECT count(*)::int
  FROM rejected_notes AS refused
  JOIN chunks AS chunk USING (chunk_id)
  JOIN current_transcripts AS interview USING (transcript_id, revision)
 WHERE interview.study_id = $1
   AND ($2::uuid IS NULL OR interview.transcript_id = $2)
   AND ($3::text IS NULL OR refused.draft -> 'themes' ? $3)
   AND ($4::text IS NULL OR refused.draft -> 'questions' ? $4)
   AND ($5::timestamptz IS NULL OR EXISTS (
        SELECT FROM drafts AS draft
         WHERE draft.chunk_id = refused.chunk_id AND draft.attempt = refused.attempt
           AND draft.stored_at >= $5
   )
        OR (interview.transcript_id, interview.revision) IN (
        -- What asks again or corrects is read once its last chunk is stored.
        SELECT stored.transcript_id, stored.revision
          FROM chunks AS stored
          JOIN (SELECT transcript_id, revision FROM refreshes
                 UNION ALL
                SELECT transcript_id, revision FROM corrections) AS again
               USING (transcript_id, revision)
         WHERE stored.stored_at >= $5
   ));

-- name: select_revision
-- A revision of an interview, the current one if none is named and none that is withdrawn: its study, whether its words may be shown
-- as they are, and who speaks. They may only where the revision's own policy, the current revision's
-- and the registered study's allow personal data: if one does not say, the guardrail's settings count,
-- and notes do not tell whether those allow it or reject it.
SELECT interview.study_id, interview.revision, interview.study ->> 'language' AS language,
       coalesce(interview.study ->> 'personal_data' = 'allow', false)
           AND coalesce(newest.study ->> 'personal_data' = 'allow', newest.revision IS NULL)
           AND NOT cited.is_masked
           AND NOT interview.has_masked_quotes AND newest.has_masked_quotes IS NOT TRUE
           AND NOT EXISTS (
                SELECT FROM studies AS registered
                 WHERE registered.study_id = interview.study_id
                   AND registered.personal_data IS DISTINCT FROM 'allow'
           ) AS is_open,
       ARRAY(
            SELECT speaker
              FROM speakers
             WHERE speakers.transcript_id = interview.transcript_id
               AND speakers.revision = interview.revision
             ORDER BY speaker
       ) AS speakers
  FROM transcripts AS interview
  LEFT JOIN current_transcripts AS newest ON newest.transcript_id = interview.transcript_id
 CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(masked_quote IS NOT NULL), false) AS is_masked
          FROM evidence
         WHERE evidence.transcript_id = interview.transcript_id
           AND evidence.revision IN (interview.revision, newest.revision)
   ) AS cited
 WHERE interview.transcript_id = $1 AND ($2::int IS NULL OR interview.revision = $2)
   AND interview.withdrawn_at IS NULL
   AND ($2::int IS NOT NULL OR NOT interview.is_pending)
 ORDER BY coalesce(interview.refreshes, interview.revision) DESC, interview.revision DESC
 LIMIT 1;

-- name: find_turn_at
-- The turn of a revision at a time: the last that began by then, or else the first that has a time;
-- null if none has. Where times jump back later, the first turn beyond the time ends the search.
WITH timed AS (
    SELECT number, start_ms
      FROM segments
     WHERE transcript_id = $1 AND revision = $2 AND start_ms IS NOT NULL
)
SELECT coalesce(
           (
                SELECT max(number)
                  FROM timed
                 WHERE start_ms <= $3
                   AND number < coalesce(
                           (SELECT min(number) FROM timed WHERE start_ms > $3), number + 1
                       )
           ),
           (SELECT min(number) FROM timed)
       );

-- name: select_segments
-- Segments of a revision behind a number, or only those within some ranges, each with the pseudonym
-- of who speaks.
SELECT segment.number, segment.speaker, coalesce(voice.pseudonym, segment.role) AS pseudonym,
       segment.role, segment.text, segment.start_ms, segment.end_ms
  FROM segments AS segment
  LEFT JOIN speakers AS voice USING (transcript_id, revision, speaker)
 WHERE segment.transcript_id = $1 AND segment.revision = $2 AND segment.number > $3
   AND ($5::text IS NULL OR segment.number <@ $5::text::int4multirange)
 ORDER BY segment.number
 LIMIT $4;

-- name: select_reading_report
-- The report on how a revision was read, and the pseudonym of each who speaks. A revision that asks
-- another one again has that one's report, as it has its words.
SELECT interview.format, reading.report,
       (
            SELECT jsonb_object_agg(voice.speaker, voice.pseudonym)
              FROM speakers AS voice
             WHERE voice.transcript_id = interview.transcript_id
               AND voice.revision = interview.revision
       ) AS pseudonyms
  FROM transcripts AS interview
  JOIN reading_reports AS reading
         ON reading.transcript_id = interview.transcript_id
        AND reading.revision = coalesce(interview.refreshes, interview.revision)
 WHERE interview.transcript_id = $1 AND interview.revision = $2;

-- name: select_refused_of_chunk
-- The refused notes of a chunk, draft by draft.
SELECT attempt, draft, failures FROM rejected_notes WHERE chunk_id = $1 ORDER BY attempt, position;
