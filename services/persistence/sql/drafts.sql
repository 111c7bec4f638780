-- name: lock_chunk
-- A chunk, held against other deliveries of its notes until the transaction ends; its interview
-- too, since notes that say the same are looked for in all of it.
SELECT chunk.stored_at, chunk.attempt, chunk.transcript_id, chunk.revision, transcript.study_id
  FROM chunks AS chunk
  JOIN transcripts AS transcript USING (transcript_id, revision)
 WHERE chunk.chunk_id = $1
   FOR NO KEY UPDATE OF chunk, transcript;

-- name: insert_draft
-- Takes a draft of a chunk; no row comes back if it is taken. One that left the chunk open is taken
-- once more if it completes the chunk now: it was replayed, and is judged by other standards.
INSERT INTO drafts (
    chunk_id, attempt, final, model, model_fingerprint, prompt_version, input_tokens, output_tokens
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (chunk_id, attempt) DO UPDATE
   SET final = true, stored_at = now()
 WHERE EXCLUDED.final AND NOT drafts.final
RETURNING attempt;

-- name: complete_chunk
-- The chunk's outcome is stored: the first final draft wins.
UPDATE chunks AS chunk
   SET stored_at = draft.stored_at, attempt = draft.attempt, model = draft.model,
       model_fingerprint = draft.model_fingerprint, prompt_version = draft.prompt_version,
       input_tokens = draft.input_tokens, output_tokens = draft.output_tokens
  FROM drafts AS draft
 WHERE chunk.chunk_id = $1 AND draft.chunk_id = $1 AND draft.attempt = $2;

-- name: select_told
-- What the interview's notes say so far, whose words they cite, and which.
SELECT note.note_id, note.statement, note.same_as IS NULL AS is_first,
       ARRAY(
            SELECT DISTINCT speaker FROM evidence WHERE note_id = note.note_id ORDER BY speaker
       ) AS speakers,
       ARRAY(
            SELECT DISTINCT quote FROM evidence WHERE note_id = note.note_id ORDER BY quote
       ) AS quotes
  FROM notes AS note
 WHERE note.transcript_id = $1 AND note.revision = $2
 ORDER BY note.created_at, note.chunk_id, note.attempt, note.position;

-- name: insert_labels
-- Themes and questions that a later draft files a note under, beside those it has.
WITH new_themes AS (
    INSERT INTO note_themes (note_id, theme_id)
    SELECT * FROM unnest($1::uuid[], $2::text[])
    ON CONFLICT DO NOTHING
)
INSERT INTO note_questions (note_id, question_id)
SELECT * FROM unnest($3::uuid[], $4::text[])
ON CONFLICT DO NOTHING;

-- name: insert_notes
-- Accepted notes of a draft in one trip, behind those it has; the constraint evidence_is_exact
-- compares each quote.
WITH new_notes AS (
    INSERT INTO notes (
        chunk_id, transcript_id, revision, study_id, attempt, note_id, statement, flags, same_as,
        position
    )
    SELECT $1, $2, $3, $4, $5, note.id, note.statement, note.flags, note.same_as,
           note.place + (
                SELECT coalesce(max(position), 0) FROM notes WHERE chunk_id = $1 AND attempt = $5
           )
      FROM unnest($6::uuid[], $7::text[], $8::jsonb[], $9::uuid[])
           WITH ORDINALITY AS note (id, statement, flags, same_as, place)
)
INSERT INTO evidence (
    transcript_id, revision, note_id, position, segment, start_char, length, quote, masked_quote,
    speaker, role, start_ms, end_ms
)
SELECT $2, $3, cited.*
  FROM unnest(
    $10::uuid[], $11::int[], $12::int[], $13::int[], $14::int[], $15::text[], $16::text[],
    $17::text[], $18::text[], $19::bigint[], $20::bigint[]
  ) AS cited;

-- name: forget_rejected_notes
-- What was refused of a draft before it was judged again.
DELETE FROM rejected_notes WHERE chunk_id = $1 AND attempt = $2;

-- name: insert_rejected_notes
-- The refused notes of a draft, with the reasons.
INSERT INTO rejected_notes (chunk_id, attempt, rejected_id, draft, failures, position)
SELECT $1, $2, refused.*
  FROM unnest($3::uuid[], $4::jsonb[], $5::jsonb[]) WITH ORDINALITY AS refused;

-- name: select_outcome
-- What is stored for a chunk.
SELECT
    ARRAY(
        SELECT note_id FROM notes WHERE chunk_id = $1 ORDER BY attempt, position
    ) AS note_ids,
    (SELECT count(*) FROM rejected_notes WHERE chunk_id = $1) AS rejected_count,
    (SELECT stored_at IS NOT NULL FROM chunks WHERE chunk_id = $1) AS complete;
