-- name: lock_embedding
-- One replica of control computes vectors at a time; it ends with the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended('search_embeddings', 0)) AS is_locked;

-- name: insert_embeddings
-- A text that was deleted meanwhile is left out; a vector of another model is replaced.
INSERT INTO search_embeddings (document_id, model, embedding)
SELECT document.document_id, $1, computed.embedding::real[]
  FROM unnest($2::bigint[], $3::text[]) AS computed (document_id, embedding)
  JOIN search_documents AS document USING (document_id)
    ON CONFLICT (document_id) DO UPDATE SET model = excluded.model, embedding = excluded.embedding;
