-- name: lock_chunk
-- Locks and returns a chunk, against other deliveries of its notes, until the transaction ends. Whoever
-- erases the interview is waited for before and not with the chunk in hand, which they wait for.
WITH interview AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(withdrawal_lock($2)))
SELECT chunk.stored_at, chunk.attempt, chunk.transcript_id, chunk.revision, transcript.study_id
  FROM interview
 CROSS JOIN chunks AS chunk
  JOIN transcripts AS transcript USING (transcript_id, revision)
 WHERE chunk.chunk_id = $1
   FOR NO KEY UPDATE OF chunk;

-- name: insert_draft_rows
-- Inserts a draft of a chunk with all that belongs to it, and deletes its pending copy; inserts
-- nothing if the draft is stored already. One that left the chunk open is stored once more if it
-- completes the chunk now: it was replayed, and judged by other standards. Its notes are appended;
-- the constraint evidence_is_exact compares each quote. The first final draft completes the chunk.
-- Where the time of the revision's notes is over, none are inserted; returns whether they are taken.
WITH joined AS (
    DELETE FROM pending_drafts
     WHERE chunk_id = $1 AND attempt = $2 AND final = $3
    RETURNING chunk_id
), taken AS (
    INSERT INTO drafts (
        chunk_id, attempt, final, model, model_fingerprint, prompt_version, input_tokens,
        output_tokens, waited
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, EXISTS (SELECT FROM joined))
    ON CONFLICT (chunk_id, attempt) DO UPDATE
       SET final = true, stored_at = now(), waited = drafts.waited OR EXCLUDED.waited
     WHERE EXCLUDED.final AND NOT drafts.final
    RETURNING chunk_id, attempt, final, stored_at, model, model_fingerprint, prompt_version,
              input_tokens, output_tokens
), kept AS (
    -- As the chunk is locked, nobody deletes them meanwhile.
    SELECT FROM taken
     WHERE NOT EXISTS (
            SELECT FROM transcripts
             WHERE transcript_id = $9 AND revision = $10 AND notes_expired_at IS NOT NULL
           )
), completed AS (
    UPDATE chunks AS chunk
       SET stored_at = draft.stored_at, attempt = draft.attempt, model = draft.model,
           model_fingerprint = draft.model_fingerprint, prompt_version = draft.prompt_version,
           input_tokens = draft.input_tokens, output_tokens = draft.output_tokens
      FROM taken AS draft
     WHERE chunk.chunk_id = $1 AND draft.final
), new_notes AS (
    INSERT INTO notes (
        chunk_id, attempt, transcript_id, revision, study_id, note_id, statement, flags, standing,
        vouchers, same_as, meaning, position
    )
    SELECT $1, $2, $9, $10, $11, note.id, note.statement, note.flags, note.standing, note.vouchers,
           note.same_as, note.meaning, note.place + (
                SELECT coalesce(max(position), 0) FROM notes
                 WHERE chunk_id = $1 AND attempt = $2 AND version_of IS NULL
           )
      FROM unnest(
            $12::uuid[], $13::text[], $14::jsonb[], $15::text[], $16::jsonb[], $17::uuid[],
            $18::bytea[]
           ) WITH ORDINALITY
           AS note (id, statement, flags, standing, vouchers, same_as, meaning, place)
     WHERE EXISTS (SELECT FROM kept)
), new_evidence AS (
    INSERT INTO evidence (
        transcript_id, revision, note_id, position, segment, start_char, length, quote,
        masked_quote, speaker, role, start_ms, end_ms
    )
    SELECT $9, $10, cited.*
      FROM unnest(
            $19::uuid[], $20::int[], $21::int[], $22::int[], $23::int[], $24::text[],
            $25::text[], $26::text[], $27::text[], $28::bigint[], $29::bigint[]
           ) AS cited
     WHERE EXISTS (SELECT FROM kept)
), new_themes AS (
    INSERT INTO note_themes (note_id, theme_id)
    SELECT label.* FROM unnest($30::uuid[], $31::text[]) AS label WHERE EXISTS (SELECT FROM kept)
    ON CONFLICT DO NOTHING
), new_questions AS (
    INSERT INTO note_questions (note_id, question_id)
    SELECT label.* FROM unnest($32::uuid[], $33::text[]) AS label WHERE EXISTS (SELECT FROM kept)
    ON CONFLICT DO NOTHING
), new_rejected AS (
    INSERT INTO rejected_notes (chunk_id, attempt, rejected_id, draft, failures, position)
    SELECT $1, $2, refused.*
      FROM unnest($34::uuid[], $35::jsonb[], $36::jsonb[]) WITH ORDINALITY AS refused
     WHERE EXISTS (SELECT FROM kept)
)
SELECT EXISTS (SELECT FROM kept) OR NOT EXISTS (SELECT FROM taken);

-- name: delete_rejected_notes
-- Deletes the refused notes of a draft that left the chunk open and is judged again now.
DELETE FROM rejected_notes
 WHERE chunk_id = $1 AND attempt = $2
   AND EXISTS (SELECT FROM drafts WHERE chunk_id = $1 AND attempt = $2 AND NOT final);

-- name: select_all_notes_stored
-- Returns what is stored for some chunks, in the order of their ids in the argument.
SELECT asked.chunk_id,
       ARRAY(
            SELECT note_id FROM notes
             WHERE chunk_id = asked.chunk_id AND version_of IS NULL
             ORDER BY attempt, position
       ) AS note_ids,
       (SELECT count(*) FROM rejected_notes WHERE chunk_id = asked.chunk_id) AS rejected_count,
       (SELECT stored_at IS NOT NULL FROM chunks WHERE chunk_id = asked.chunk_id) AS complete
  FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (chunk_id, place)
 ORDER BY asked.place;
