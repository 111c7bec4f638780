-- name: insert_service_start
-- The start of a service; once, however often it is tried.
INSERT INTO service_starts (start_id, service, version, digest, commit, host, started_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT DO NOTHING;
