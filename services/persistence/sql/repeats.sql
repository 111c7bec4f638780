-- name: lock_meanings
-- Locks some meanings against other drafts until the transaction ends; returns which of the notes
-- are stored, whether the chunk has drafts, and whether the interview has notes whose meaning older
-- code left out.
WITH held AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key
)
SELECT ARRAY(SELECT note_id FROM notes WHERE note_id = ANY ($2::uuid[])) AS stored,
       EXISTS (SELECT FROM drafts WHERE chunk_id = $5) AS has_drafts,
       EXISTS (
            SELECT FROM notes
             WHERE transcript_id = $3 AND revision = $4 AND same_as IS NULL AND meaning IS NULL
       ) AS lacks_meanings,
       (SELECT count(*) FROM held) AS held;

-- name: select_alike
-- Returns for each meaning the first notes that were stored with it, up to a number.
SELECT alike.note_id, alike.meaning, alike.statement,
       ARRAY(SELECT DISTINCT quote FROM evidence WHERE note_id = alike.note_id) AS quotes
  FROM unnest($1::bytea[]) AS asked (meaning)
 CROSS JOIN LATERAL (
        SELECT *
          FROM notes
         WHERE meaning = asked.meaning AND same_as IS NULL
         ORDER BY created_at, chunk_id, attempt, position
         LIMIT $2
   ) AS alike
 ORDER BY alike.created_at, alike.chunk_id, alike.attempt, alike.position;

-- name: select_without_meaning
-- Returns some notes of an interview without a meaning, with the speakers they cite.
SELECT note_id, statement,
       ARRAY(
            SELECT DISTINCT speaker FROM evidence WHERE evidence.note_id = notes.note_id
       ) AS speakers
  FROM notes
 WHERE transcript_id = $1 AND revision = $2 AND same_as IS NULL AND meaning IS NULL
 LIMIT $3;

-- name: backfill_meanings
-- Sets the meaning of notes that older code left without one.
UPDATE notes
   SET meaning = found.meaning
  FROM unnest($1::uuid[], $2::bytea[]) AS found (note_id, meaning)
 WHERE notes.note_id = found.note_id AND notes.meaning IS NULL;
