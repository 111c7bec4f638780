-- Answers of language models, kept so that nothing is paid twice, and who is asking right now.

-- Answers of several fingerprints are kept side by side. Content NULL: it was cut off. Half-empty
-- pages leave room for counting hits, which touches no index.
CREATE TABLE llm_answers (
    key text NOT NULL,
    fingerprint text NOT NULL,
    model text NOT NULL,
    prompt_version text NOT NULL,
    content text,
    input_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_usd numeric CHECK (cost_usd >= 0),
    bytes bigint NOT NULL,
    hits bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (key, fingerprint)
) WITH (fillfactor = 80);

-- The fingerprint that each model gave last.
CREATE TABLE llm_fingerprints (
    model text PRIMARY KEY,
    fingerprint text NOT NULL,
    seen_at timestamptz NOT NULL
);

-- Whoever is asking a question; others wait for the answer. Not renewed in time, its claimant was
-- killed. By the server's clock, which all claimants share; not worth the disk.
CREATE UNLOGGED TABLE llm_claims (
    key text PRIMARY KEY,
    claimant uuid NOT NULL,
    leased_until timestamptz NOT NULL
) WITH (fillfactor = 50);
