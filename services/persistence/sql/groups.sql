-- name: lock_free_chunks
-- Locks until the transaction ends what is free of what a group of drafts needs, and waits for nothing:
-- of each interview the locks of those who withdraw, erase or decide, then each chunk, then each draft's
-- meanings; of a chunk that is missing, the lock under which drafts are kept for its interview. Returns
-- which chunks are there, and which are locked with all that belongs to them. For what is left to wait
-- for, when notes are written, the transaction waits as long as the last argument says. It finds rows by
-- their keys: a session plans foreign keys and triggers once, and where tables are still empty then, it
-- would read all rows for each from there on, until their statistics are taken anew.
WITH limited AS MATERIALIZED (
    SELECT set_config('lock_timeout', $7, true), set_config('enable_seqscan', 'off', true)
), asked AS MATERIALIZED (
    SELECT draft.*, EXISTS (SELECT FROM chunks WHERE chunk_id = draft.chunk_id) AS is_known
      FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])
           AS draft (chunk_id, transcript_id, arrival_key)
), interviews AS MATERIALIZED (
    SELECT transcript_id,
           pg_try_advisory_xact_lock_shared(withdrawal_lock(transcript_id))
           AND pg_try_advisory_xact_lock_shared(note_decision_lock(transcript_id)) AS is_free
      FROM unnest($4::uuid[]) AS interview (transcript_id)
), held AS MATERIALIZED (
    SELECT chunk.chunk_id, chunk.transcript_id, chunk.revision, chunk.stored_at, chunk.attempt
      FROM asked
      JOIN interviews USING (transcript_id)
      JOIN chunks AS chunk ON chunk.chunk_id = asked.chunk_id
     WHERE interviews.is_free
       FOR NO KEY UPDATE OF chunk SKIP LOCKED
), meanings AS MATERIALIZED (
    SELECT meaning.chunk_id, bool_and(pg_try_advisory_xact_lock(meaning.key)) AS are_free
      FROM unnest($5::uuid[], $6::bigint[]) AS meaning (chunk_id, key)
     WHERE meaning.chunk_id IN (SELECT chunk_id FROM held)
     GROUP BY meaning.chunk_id
)
SELECT asked.chunk_id, held.transcript_id, held.revision, held.stored_at, held.attempt,
       asked.is_known,
       CASE
           WHEN asked.is_known
                THEN held.chunk_id IS NOT NULL AND coalesce(meanings.are_free, true)
           ELSE interviews.is_free AND pg_try_advisory_xact_lock_shared(asked.arrival_key)
       END AS is_locked
  FROM limited
 CROSS JOIN asked
  JOIN interviews ON interviews.transcript_id = asked.transcript_id
  LEFT JOIN held ON held.chunk_id = asked.chunk_id
  LEFT JOIN meanings ON meanings.chunk_id = asked.chunk_id;

-- name: select_states_of_chunks
-- Returns what is stored of chunks that are locked: their interviews' studies; whether they have drafts,
-- or one that waits; whether notes that are to be stored are there; whether the time of their notes is
-- over, and whether older code left out meanings.
WITH known AS MATERIALIZED (
    SELECT DISTINCT named.chunk_id
      FROM unnest($2::uuid[], $3::uuid[]) AS named (chunk_id, note_id)
      JOIN notes AS note ON note.note_id = named.note_id
)
SELECT asked.chunk_id, transcript.study_id,
       asked.chunk_id IN (SELECT chunk_id FROM known) AS has_notes,
       EXISTS (SELECT FROM drafts WHERE chunk_id = asked.chunk_id) AS has_drafts,
       EXISTS (SELECT FROM pending_drafts WHERE chunk_id = asked.chunk_id) AS has_waiting,
       transcript.notes_expired_at IS NOT NULL AS takes_no_notes,
       EXISTS (
            SELECT FROM notes
             WHERE transcript_id = transcript.transcript_id AND revision = transcript.revision
               AND same_as IS NULL AND meaning IS NULL
       ) AS lacks_meanings
  FROM unnest($1::uuid[]) AS asked (chunk_id)
  JOIN chunks AS chunk USING (chunk_id)
  JOIN transcripts AS transcript USING (transcript_id, revision);

-- name: insert_first_drafts
-- Inserts the first drafts of chunks that are locked, with all that belongs to them. The constraint
-- evidence_is_exact compares each quote. A final draft completes its chunk.
WITH new_drafts AS (
    INSERT INTO drafts (
        chunk_id, attempt, final, model, model_fingerprint, prompt_version, input_tokens,
        output_tokens
    )
    SELECT draft.*
      FROM unnest(
            $1::uuid[], $2::int[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::bigint[],
            $8::bigint[]
           ) AS draft
    RETURNING chunk_id, attempt, final, stored_at, model, model_fingerprint, prompt_version,
              input_tokens, output_tokens
), completed AS (
    UPDATE chunks AS chunk
       SET stored_at = draft.stored_at, attempt = draft.attempt, model = draft.model,
           model_fingerprint = draft.model_fingerprint, prompt_version = draft.prompt_version,
           input_tokens = draft.input_tokens, output_tokens = draft.output_tokens
      FROM new_drafts AS draft
     WHERE chunk.chunk_id = draft.chunk_id AND draft.final
), new_notes AS (
    INSERT INTO notes (
        chunk_id, attempt, transcript_id, revision, study_id, position, note_id, statement, flags,
        standing, vouchers, same_as, meaning
    )
    SELECT note.*
      FROM unnest(
            $9::uuid[], $10::int[], $11::uuid[], $12::int[], $13::text[], $14::int[], $15::uuid[],
            $16::text[], $17::jsonb[], $18::text[], $19::jsonb[], $20::uuid[], $21::bytea[]
           ) AS note
), new_evidence AS (
    INSERT INTO evidence (
        transcript_id, revision, note_id, position, segment, start_char, length, quote,
        masked_quote, speaker, role, start_ms, end_ms
    )
    SELECT cited.*
      FROM unnest(
            $22::uuid[], $23::int[], $24::uuid[], $25::int[], $26::int[], $27::int[], $28::int[],
            $29::text[], $30::text[], $31::text[], $32::text[], $33::bigint[], $34::bigint[]
           ) AS cited
), new_themes AS (
    INSERT INTO note_themes (note_id, theme_id)
    SELECT label.* FROM unnest($35::uuid[], $36::text[]) AS label
    ON CONFLICT DO NOTHING
), new_questions AS (
    INSERT INTO note_questions (note_id, question_id)
    SELECT label.* FROM unnest($37::uuid[], $38::text[]) AS label
    ON CONFLICT DO NOTHING
)
INSERT INTO rejected_notes (chunk_id, attempt, position, rejected_id, draft, failures)
SELECT refused.*
  FROM unnest($39::uuid[], $40::int[], $41::int[], $42::uuid[], $43::jsonb[], $44::jsonb[]) AS refused;
