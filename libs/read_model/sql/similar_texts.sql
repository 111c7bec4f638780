-- name: is_pgvector_installed
-- Whether vectors can be compared here.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') AS is_installed;

-- name: select_similar_documents
-- The texts whose vectors are nearest to $1 of the model $2, behind a position: in studies $3 (null:
-- all), for readers of what is masked or of exact words. All vectors are compared: an approximate index
-- would miss texts where a filter leaves few.
WITH current AS MATERIALIZED (
    SELECT DISTINCT ON (transcript_id) transcript_id, revision, statements
      FROM transcripts
     WHERE withdrawn_at IS NULL AND NOT is_pending
       AND ($3::text[] IS NULL OR study_id = ANY ($3))
       AND ($5::uuid IS NULL OR transcript_id = $5)
     ORDER BY transcript_id, coalesce(refreshes, revision) DESC, revision DESC
), wanted AS MATERIALIZED (
    SELECT document.document_id
      FROM current AS interview
      JOIN search_documents AS document USING (transcript_id, revision)
      LEFT JOIN studies AS registered ON registered.study_id = document.study_id
     WHERE document.audience IN ('everyone', $4)
       AND ($6::text IS NULL OR document.kind = $6)
       AND (document.kind <> 'note' OR interview.statements <> 'quotes')
       -- A study that was tightened allows no words of interviews from before.
       AND (document.kind <> 'segment' OR $4 = 'exact' OR registered.study_id IS NULL
            OR registered.personal_data = 'allow')
), compared AS (
    SELECT stored.document_id,
           greatest(0, 1 - (stored.embedding::vector <=> $1::real[]::vector))::real AS rank
      FROM search_embeddings AS stored
     WHERE stored.model = $2 AND stored.document_id IN (SELECT document_id FROM wanted)
), nearest AS MATERIALIZED (
    SELECT document_id, rank
      FROM compared
     WHERE $7::real IS NULL OR (rank, document_id) < ($7, $8::bigint)
     ORDER BY rank DESC, document_id DESC
     LIMIT $9
)
SELECT document_id, document.kind, document.study_id, document.transcript_id, document.revision,
       document.note_id, document.segment, document.start_char, document.length,
       document.configuration, rank, rank AS similarity
  FROM nearest
  JOIN search_documents AS document USING (document_id)
 ORDER BY rank DESC, document_id DESC;

-- name: count_not_embedded
-- How many texts would be compared if they had a vector of the model $1: in studies $2 (null: all), of
-- readers of what is masked or of exact words, of an interview and of a kind (null: all).
WITH current AS MATERIALIZED (
    SELECT DISTINCT ON (transcript_id) transcript_id, revision, statements
      FROM transcripts
     WHERE withdrawn_at IS NULL AND NOT is_pending
       AND ($2::text[] IS NULL OR study_id = ANY ($2))
       AND ($4::uuid IS NULL OR transcript_id = $4)
     ORDER BY transcript_id, coalesce(refreshes, revision) DESC, revision DESC
)
SELECT count(*) AS texts
  FROM current AS interview
  JOIN search_documents AS document USING (transcript_id, revision)
  LEFT JOIN studies AS registered ON registered.study_id = document.study_id
 WHERE document.audience IN ('everyone', $3)
   AND ($5::text IS NULL OR document.kind = $5)
   AND (
        document.kind <> 'note'
        OR interview.statements <> 'quotes'
       AND EXISTS (SELECT FROM current_notes AS note WHERE note.note_id = document.note_id)
   )
   AND (document.kind <> 'segment' OR $3 = 'exact' OR registered.study_id IS NULL
        OR registered.personal_data = 'allow')
   AND NOT EXISTS (
        SELECT FROM search_embeddings AS stored
         WHERE stored.document_id = document.document_id AND stored.model = $1
   );

-- name: select_unembedded
-- The newest texts of current revisions that have no vector of the model $1 yet, between two positions
-- (the upper one null: up to the newest), as their readers see them; null for a text that nobody is
-- shown any more.
SELECT document.document_id,
       CASE document.kind
       WHEN 'note' THEN (
            SELECT coalesce(note.statement, note.model_reading)
              FROM current_notes AS note
             WHERE note.note_id = document.note_id
       )
       WHEN 'segment' THEN (
            SELECT turn.text
              FROM segments AS turn
             WHERE turn.transcript_id = document.transcript_id
               AND turn.revision = document.revision
               AND turn.number = document.segment
       )
       ELSE (
            SELECT cited.quote
              FROM (
                    SELECT * FROM shown_evidence AS masked WHERE document.audience <> 'exact'
                     UNION ALL
                    SELECT * FROM exact_evidence AS exact WHERE document.audience = 'exact'
                   ) AS cited
              JOIN notes AS note USING (note_id)
             WHERE document.note_id = coalesce(note.same_as, note.note_id)
               AND cited.transcript_id = document.transcript_id
               AND cited.revision = document.revision
               AND cited.segment = document.segment
               AND cited.start_char = document.start_char
               AND cited.length = document.length
             LIMIT 1
       )
       END AS text
  FROM search_documents AS document
 WHERE document.document_id > $2
   AND ($3::bigint IS NULL OR document.document_id < $3)
   AND NOT EXISTS (
        SELECT FROM search_embeddings AS stored
         WHERE stored.document_id = document.document_id AND stored.model = $1
   )
   AND document.revision = (
        SELECT newest.revision
          FROM transcripts AS newest
         WHERE newest.transcript_id = document.transcript_id
           AND newest.withdrawn_at IS NULL AND NOT newest.is_pending
         ORDER BY coalesce(newest.refreshes, newest.revision) DESC, newest.revision DESC
         LIMIT 1
   )
 ORDER BY document.document_id DESC
 LIMIT $4;
