-- name: hold_claims
-- Locks the key by which this session's claims are known; others see that it lives as long as it does.
SELECT pg_try_advisory_lock($1, $2);

-- name: check_claims
-- Whether this session holds the key still.
SELECT EXISTS (
    SELECT FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND pid = pg_backend_pid()
       AND classid = $1::int::oid AND objid = $2::int::oid
);

-- name: select_living
-- The claimants whose sessions live.
SELECT objid::bigint AS claimant
  FROM pg_locks
 WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1::int::oid
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
