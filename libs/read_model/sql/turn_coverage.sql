-- name: select_turn_coverage
-- A page of a revision's turns behind a number, of one status or of all ($4), each with what became
-- of it: cited by notes, read without a note, or why it is not read: a chunk that has it, or a part of
-- it, is a dead letter, discarded or on its way; or that it was read and its notes' time is over. With each row come the numbers of all turns by status
-- and role; without a turn there is one row. Notes that say the same count once.
WITH chunk_states AS MATERIALIZED (
    SELECT chunk.first_segment, chunk.last_segment,
           CASE
               WHEN chunk.stored_at IS NOT NULL THEN 'unnoted'
               WHEN letter.is_open THEN 'dead'
               WHEN letter.is_discarded THEN 'discarded'
               ELSE 'waiting'
           END AS state
      FROM chunks AS chunk
     CROSS JOIN LATERAL (
            SELECT coalesce(bool_or(state = 'open'), false) AS is_open,
                   coalesce(bool_or(state = 'discarded'), false)
                   AND NOT coalesce(bool_or(state = 'replaying'), false) AS is_discarded
              FROM dead_letters
             WHERE subject = chunk.chunk_id::text
           ) AS letter
     WHERE chunk.transcript_id = $1 AND chunk.revision = $2
), chunk_turns AS MATERIALIZED (
    -- By equality with a number, not by ranges: that would compare each turn with each chunk.
    SELECT DISTINCT ON (number) number, state
      FROM chunk_states
     CROSS JOIN LATERAL generate_series(first_segment, last_segment) AS number
     ORDER BY number, state = 'unnoted', state
), citations AS MATERIALIZED (
    SELECT cited.segment, count(DISTINCT coalesce(note.same_as, note.note_id))::int AS notes
      FROM evidence AS cited
      JOIN notes AS note USING (note_id)
     WHERE cited.transcript_id = $1 AND cited.revision = $2
       AND NOT EXISTS (
            SELECT FROM left_out_notes AS left_out
             WHERE left_out.note_id = coalesce(note.same_as, note.note_id)
       )
     GROUP BY cited.segment
), turns AS MATERIALIZED (
    SELECT turn.number, turn.role, char_length(turn.text) AS characters,
           coalesce(citations.notes, 0) AS notes,
           -- Of a long turn that several chunks have parts of, one may be unread.
           CASE
               WHEN chunk_turns.state <> 'unnoted' THEN chunk_turns.state
               WHEN citations.notes > 0 THEN 'cited'
               WHEN chunk_turns.state = 'unnoted' AND (
                    SELECT notes_expired_at IS NOT NULL FROM transcripts
                     WHERE transcript_id = $1 AND revision = $2
               ) THEN 'expired'
               ELSE coalesce(chunk_turns.state, 'waiting')
           END AS state
      FROM segments AS turn
      LEFT JOIN citations ON citations.segment = turn.number
      LEFT JOIN chunk_turns ON chunk_turns.number = turn.number
     WHERE turn.transcript_id = $1 AND turn.revision = $2
), counted AS (
    SELECT coalesce(
               jsonb_agg(jsonb_build_array(state, role, turns, characters) ORDER BY state, role),
               '[]'
           ) AS counts
      FROM (
            SELECT state, role, count(*)::int AS turns, sum(characters)::bigint AS characters
              FROM turns
             GROUP BY state, role
           ) AS grouped
)
SELECT counted.counts, page.number, page.notes, page.state
  FROM counted
  LEFT JOIN LATERAL (
        SELECT number, notes, state
          FROM turns
         WHERE number > $3 AND ($4::text[] IS NULL OR state = ANY ($4))
         ORDER BY number
         LIMIT $5
       ) AS page ON true
 ORDER BY page.number;
