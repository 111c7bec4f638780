-- Vectors of the texts that people search, for searches by meaning (`onrecord search --like`). Control
-- computes them where its settings name a model. They are kept as plain numbers, so that the schema is
-- the same where pgvector, which compares them, is not installed.
CREATE UNIQUE INDEX search_documents_document_id ON search_documents (document_id);

CREATE TABLE search_embeddings (
    document_id bigint PRIMARY KEY REFERENCES search_documents (document_id) ON DELETE CASCADE,
    model text NOT NULL,
    embedding real[] NOT NULL
);

COMMENT ON COLUMN search_embeddings.model IS
    'Name of the model with the beginning of the hash of its file; vectors of others are of no use.';
