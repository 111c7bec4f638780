-- Who may ask control for what, and what they asked for.

CREATE TABLE access_tokens (
    token_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    secret_sha256 bytea NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    grants jsonb NOT NULL CHECK (jsonb_typeof(grants) = 'array'),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);

COMMENT ON TABLE access_tokens IS
    'Tokens for control''s HTTP API. Their secrets are 256 random bits, so a plain hash is enough.';

CREATE TABLE trail (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    token_id uuid,
    action text NOT NULL,
    target text NOT NULL,
    study_id text,
    reason text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT ''
);
CREATE INDEX trail_by_actor ON trail (actor, entry_id);
CREATE INDEX trail_by_study ON trail (study_id, entry_id) WHERE study_id IS NOT NULL;

COMMENT ON TABLE trail IS
    'What was changed through control, and which exact words were read. Entries are only added.';

-- Rights refuse this to control's login; the trigger also to the tables' owner, who has to drop it
-- first, which is no slip.
CREATE FUNCTION refuse_change_of_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of the trail are neither changed nor deleted'
        USING ERRCODE = 'insufficient_privilege';
END;
$$;

CREATE TRIGGER trail_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trail
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_trail();
