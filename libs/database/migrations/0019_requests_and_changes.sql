-- What control's API keeps of requests that change something, and what it tells of changes.

-- Answers by Idempotency-Key, so that a request that is sent again is not carried out again. Neither
-- the key nor a secret stands here: the key's hash, and of a new token's answer all but its secret.
CREATE TABLE idempotent_requests (
    token_id uuid NOT NULL,
    key_sha256 bytea NOT NULL CHECK (length(key_sha256) = 32),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    -- Tells a claim apart from a later one that took it over.
    claim_id uuid NOT NULL,
    -- Of the secret that a request made, if it made one; random, and gone with the row.
    salt bytea NOT NULL CHECK (length(salt) = 32),
    started_at timestamptz NOT NULL DEFAULT now(),
    locked_until timestamptz NOT NULL,
    -- NULL while the request is carried out.
    status int,
    media_type text,
    body bytea,
    PRIMARY KEY (token_id, key_sha256)
);
CREATE INDEX idempotent_requests_by_age ON idempotent_requests (started_at);

-- Secrets that all replicas of control share. No other role reads them.
CREATE TABLE control_secrets (
    name text PRIMARY KEY,
    secret bytea NOT NULL CHECK (length(secret) = 32)
);

-- Who submitted a record through the API, as its headers prove; NULL for other producers.
ALTER TABLE submissions ADD COLUMN submitted_by text, ADD COLUMN submitted_by_token uuid;

-- What changed, for those who follow it (`GET /v1/events`). Written by the very transaction that
-- changed it. Identities are not in the order of commits: readers read what is older than every
-- transaction that still runs, in the order of (transaction_id, change_id).
CREATE TABLE changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    study_id text,
    data jsonb NOT NULL,
    PRIMARY KEY (transaction_id, change_id)
);
CREATE INDEX changes_by_age ON changes (at);

-- The functions act as the owner, so that services that change something need no right to `changes`.
CREATE FUNCTION note_letters_indexed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, data)
    SELECT 'letters.indexed', jsonb_build_object(
               'service', service, 'error_code', error_code, 'letters', count(*),
               'letter_id', CASE WHEN count(*) = 1 THEN min(letter_id::text) END
           )
      FROM indexed
     GROUP BY service, error_code;
    RETURN NULL;
END;
$$;

CREATE FUNCTION note_letters_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, data)
    SELECT 'letters.' || changed.state, jsonb_build_object(
               'service', changed.service, 'error_code', changed.error_code, 'letters', count(*),
               'letter_id', CASE WHEN count(*) = 1 THEN min(letter_id::text) END
           )
      FROM changed
      JOIN before USING (letter_id)
     WHERE changed.state <> before.state AND changed.state <> 'replaying'
     GROUP BY changed.service, changed.error_code, changed.state;
    RETURN NULL;
END;
$$;

CREATE FUNCTION note_notes_stored() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, study_id, data)
    SELECT 'notes.stored', interview.study_id, jsonb_build_object(
               'transcript_id', changed.transcript_id, 'revision', changed.revision,
               'chunks', count(*)
           )
      FROM changed
      JOIN before USING (chunk_id)
      JOIN public.transcripts AS interview
        ON interview.transcript_id = changed.transcript_id
       AND interview.revision = changed.revision
     WHERE changed.stored_at IS DISTINCT FROM before.stored_at
     GROUP BY interview.study_id, changed.transcript_id, changed.revision;
    RETURN NULL;
END;
$$;

CREATE FUNCTION note_tokens_revoked() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.changes (kind, data)
    SELECT 'token.revoked', jsonb_build_object('token_id', changed.token_id, 'name', changed.name)
      FROM changed
      JOIN before USING (token_id)
     WHERE before.revoked_at IS NULL AND changed.revoked_at IS NOT NULL;
    RETURN NULL;
END;
$$;

CREATE TRIGGER letters_are_indexed AFTER INSERT ON dead_letters
    REFERENCING NEW TABLE AS indexed
    FOR EACH STATEMENT EXECUTE FUNCTION note_letters_indexed();
CREATE TRIGGER letters_are_changed AFTER UPDATE ON dead_letters
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_letters_changed();
CREATE TRIGGER notes_are_stored AFTER UPDATE ON chunks
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_notes_stored();
CREATE TRIGGER tokens_are_revoked AFTER UPDATE ON access_tokens
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_tokens_revoked();
