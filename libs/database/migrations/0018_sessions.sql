-- Browsers in which somebody has logged in.

CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    secret_sha256 bytea NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    token_id uuid REFERENCES access_tokens,
    issuer text,
    subject text,
    name text,
    grants jsonb CHECK (jsonb_typeof(grants) = 'array'),
    address text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK (CASE WHEN token_id IS NULL THEN num_nulls(issuer, subject, name, grants) = 0
                ELSE num_nonnulls(issuer, subject, name, grants) = 0 END)
);
CREATE INDEX sessions_by_age ON sessions (created_at, session_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

COMMENT ON TABLE sessions IS
    'Logins in browsers, opened with an access token, whose name and roles they have, or by a person '
    'of an OpenID Connect issuer. Their secrets are 256 random bits, so a plain hash is enough.';
