-- Which build of which service started when, so that a deploy can be told from a restart. Services may
-- insert rows and nothing else; control reads and deletes them.
CREATE TABLE service_starts (
    start_id uuid PRIMARY KEY,
    service text NOT NULL CHECK (length(service) BETWEEN 1 AND 64),
    version text NOT NULL CHECK (length(version) <= 64),
    -- Of the sources, and of the versions of all that is installed.
    digest text NOT NULL CHECK (length(digest) <= 64),
    -- Of the sources, where whoever built them said so; may be empty.
    commit text NOT NULL CHECK (length(commit) <= 64),
    host text NOT NULL CHECK (length(host) <= 255),
    -- By the clock of the service: while the database is away, a row is inserted later.
    started_at timestamptz NOT NULL
);

CREATE INDEX service_starts_by_service ON service_starts (service, started_at, start_id);
