-- name: insert_transcript
-- Takes a revision; no row comes back if it is taken.
INSERT INTO transcripts (
    transcript_id, revision, study_id, title, format, content_sha256, study, recorded_at,
    segment_count, chunk_count
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (transcript_id, revision) DO NOTHING
RETURNING content_sha256;

-- name: select_content_sha256
-- What the revision was taken by.
SELECT content_sha256 FROM transcripts WHERE transcript_id = $1 AND revision = $2;

-- name: insert_segments
-- All turns of a transcript, one array a column.
INSERT INTO segments (transcript_id, revision, number, speaker, role, text, start_ms, end_ms)
SELECT $1, $2, turn.*
  FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[]) AS turn;

-- name: insert_chunks
-- All chunks of a transcript, none of them stored yet.
INSERT INTO chunks (transcript_id, revision, chunk_id, index, first_segment, last_segment)
SELECT $1, $2, chunk.*
  FROM unnest($3::uuid[], $4::int[], $5::int[], $6::int[]) AS chunk;

-- name: lock_chunk
-- A chunk, held against other deliveries of its notes until the transaction ends.
SELECT chunk.stored_at, chunk.transcript_id, chunk.revision, transcript.study_id
  FROM chunks AS chunk
  JOIN transcripts AS transcript USING (transcript_id, revision)
 WHERE chunk.chunk_id = $1
   FOR NO KEY UPDATE OF chunk;

-- name: complete_chunk
-- The chunk's outcome is stored: the first delivery wins.
UPDATE chunks
   SET stored_at = now(), attempt = $2, model = $3, model_fingerprint = $4, prompt_version = $5,
       input_tokens = $6, output_tokens = $7
 WHERE chunk_id = $1;

-- name: insert_notes
-- All accepted notes of a chunk in one trip; the constraint evidence_is_exact compares each quote.
WITH new_notes AS (
    INSERT INTO notes (chunk_id, transcript_id, revision, study_id, note_id, statement, position)
    SELECT $1, $2, $3, $4, note.*
      FROM unnest($5::uuid[], $6::text[]) WITH ORDINALITY AS note
), new_themes AS (
    INSERT INTO note_themes (note_id, theme_id)
    SELECT * FROM unnest($7::uuid[], $8::text[])
), new_questions AS (
    INSERT INTO note_questions (note_id, question_id)
    SELECT * FROM unnest($9::uuid[], $10::text[])
)
INSERT INTO evidence (
    transcript_id, revision, note_id, position, segment, start_char, length, quote, speaker, role,
    start_ms, end_ms
)
SELECT $2, $3, cited.*
  FROM unnest(
    $11::uuid[], $12::int[], $13::int[], $14::int[], $15::int[], $16::text[], $17::text[],
    $18::text[], $19::bigint[], $20::bigint[]
  ) AS cited;

-- name: insert_rejected_notes
-- The refused notes of a chunk, with the reasons.
INSERT INTO rejected_notes (chunk_id, draft, failures, position)
SELECT $1, refused.*
  FROM unnest($2::jsonb[], $3::jsonb[]) WITH ORDINALITY AS refused;

-- name: select_outcome
-- What is stored for a chunk.
SELECT
    ARRAY(SELECT note_id FROM notes WHERE chunk_id = $1 ORDER BY position) AS note_ids,
    (SELECT count(*) FROM rejected_notes WHERE chunk_id = $1) AS rejected_count;
