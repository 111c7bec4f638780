-- name: lock_chunk
-- A chunk, held against other deliveries of its notes until the transaction ends.
SELECT chunk.stored_at, chunk.attempt, chunk.transcript_id, chunk.revision, transcript.study_id
  FROM chunks AS chunk
  JOIN transcripts AS transcript USING (transcript_id, revision)
 WHERE chunk.chunk_id = $1
   FOR NO KEY UPDATE OF chunk;

-- name: insert_draft
-- Takes a draft of a chunk, which then waits no longer; no row comes back if it is taken. One that
-- left the chunk open is taken once more if it completes the chunk now: it was replayed, and is
-- judged by other standards.
WITH joined AS (
    DELETE FROM pending_drafts
     WHERE chunk_id = $1 AND attempt = $2 AND final = $3
    RETURNING chunk_id
)
INSERT INTO drafts (
    chunk_id, attempt, final, model, model_fingerprint, prompt_version, input_tokens,
    output_tokens, waited
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, EXISTS (SELECT FROM joined))
ON CONFLICT (chunk_id, attempt) DO UPDATE
   SET final = true, stored_at = now(), waited = drafts.waited OR EXCLUDED.waited
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
        meaning, position
    )
    SELECT $1, $2, $3, $4, $5, note.id, note.statement, note.flags, note.same_as, note.meaning,
           note.place + (
                SELECT coalesce(max(position), 0) FROM notes WHERE chunk_id = $1 AND attempt = $5
           )
      FROM unnest($6::uuid[], $7::text[], $8::jsonb[], $9::uuid[], $10::bytea[])
           WITH ORDINALITY AS note (id, statement, flags, same_as, meaning, place)
)
INSERT INTO evidence (
    transcript_id, revision, note_id, position, segment, start_char, length, quote, masked_quote,
    speaker, role, start_ms, end_ms
)
SELECT $2, $3, cited.*
  FROM unnest(
    $11::uuid[], $12::int[], $13::int[], $14::int[], $15::int[], $16::text[], $17::text[],
    $18::text[], $19::text[], $20::bigint[], $21::bigint[]
  ) AS cited;

-- name: forget_rejected_notes
-- What was refused of a draft before it was judged again.
DELETE FROM rejected_notes WHERE chunk_id = $1 AND attempt = $2;

-- name: insert_rejected_notes
-- The refused notes of a draft, with the reasons.
INSERT INTO rejected_notes (chunk_id, attempt, rejected_id, draft, failures, position)
SELECT $1, $2, refused.*
  FROM unnest($3::uuid[], $4::jsonb[], $5::jsonb[]) WITH ORDINALITY AS refused;

-- name: select_outcomes
-- What is stored for some chunks, in the order asked.
SELECT asked.chunk_id,
       ARRAY(
            SELECT note_id FROM notes WHERE chunk_id = asked.chunk_id ORDER BY attempt, position
       ) AS note_ids,
       (SELECT count(*) FROM rejected_notes WHERE chunk_id = asked.chunk_id) AS rejected_count,
       (SELECT stored_at IS NOT NULL FROM chunks WHERE chunk_id = asked.chunk_id) AS complete
  FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (chunk_id, place)
 ORDER BY asked.place;
