-- name: select_segments_to_correct
-- The turns of a revision, each with the pseudonym of who speaks.
SELECT segment.number, segment.speaker, segment.role, segment.text,
       coalesce(voice.pseudonym, segment.role) AS pseudonym
  FROM segments AS segment
  LEFT JOIN speakers AS voice USING (transcript_id, revision, speaker)
 WHERE segment.transcript_id = $1 AND segment.revision = $2
 ORDER BY segment.number;

-- name: select_revision_to_correct
-- The title of a revision, and how it was cut into chunks.
SELECT interview.title,
       array_agg(chunk.first_segment ORDER BY chunk.index) AS firsts,
       array_agg(chunk.last_segment ORDER BY chunk.index) AS lasts
  FROM transcripts AS interview
  JOIN chunks AS chunk USING (transcript_id, revision)
 WHERE interview.transcript_id = $1 AND interview.revision = $2
 GROUP BY interview.title;

-- name: count_corrected_notes
-- The notes of a revision, how many of them have a quote of some ranges of turns, and how many quotes
-- of theirs are of other turns.
SELECT count(*)::int AS notes,
       count(*) FILTER (
            WHERE EXISTS (
                SELECT FROM evidence AS cited
                  JOIN unnest($3::int[], $4::int[]) AS asked (first, last)
                    ON cited.segment BETWEEN asked.first AND asked.last
                 WHERE cited.note_id = note.note_id
            )
       )::int AS asked_again,
       coalesce(sum((
            SELECT count(*) FROM evidence AS cited
             WHERE cited.note_id = note.note_id AND cited.segment = ANY ($5::int[])
       )), 0)::int AS quotes
  FROM notes AS note
 WHERE note.transcript_id = $1 AND note.revision = $2 AND note.same_as IS NULL
   AND note.version_of IS NULL;
