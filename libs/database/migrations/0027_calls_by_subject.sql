-- What was asked about a chunk, for the costs of asking again. In a migration of its own, so that
-- nothing else is locked while the index of a long ledger is built; calls wait for it.
CREATE INDEX llm_calls_by_subject ON llm_calls (subject);
