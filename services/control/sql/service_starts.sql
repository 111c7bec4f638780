-- name: select_deploys
-- Starts of services in a while before a moment, of another build than the service's start before. Of
-- a service that never started before nobody knows whether its build is another one.
WITH compared AS (
    SELECT service, version, digest, commit, host, started_at,
           lag(start_id) OVER earlier AS earlier_start,
           lag(version) OVER earlier AS earlier_version,
           lag(digest) OVER earlier AS earlier_digest,
           lag(commit) OVER earlier AS earlier_commit
      FROM service_starts
     WHERE started_at <= $1::timestamptz
    WINDOW earlier AS (PARTITION BY service ORDER BY started_at, start_id)
)
SELECT service, version, digest, commit, host, started_at,
       earlier_version, earlier_digest, earlier_commit
  FROM compared
 WHERE started_at > $1 - $2::interval
   AND earlier_start IS NOT NULL
   AND (version, digest, commit)
       IS DISTINCT FROM (earlier_version, earlier_digest, earlier_commit)
 ORDER BY started_at DESC, service
 LIMIT $3;

-- name: delete_old_starts
-- Starts that were followed by another one of their service that is older than a time; of the rest,
-- the older ones of a number, and of restarts of the same build the older ones of another number.
-- Which starts are deploys is not changed by it, but for the oldest of each service.
WITH numbered AS (
    SELECT start_id,
           row_number() OVER (PARTITION BY service ORDER BY started_at DESC, start_id DESC) AS place,
           lead(started_at) OVER later AS followed_at,
           (version, digest, commit)
               IS NOT DISTINCT FROM (lag(version) OVER later, lag(digest) OVER later,
                                     lag(commit) OVER later) AS is_restart
      FROM service_starts
    WINDOW later AS (PARTITION BY service ORDER BY started_at, start_id)
)
DELETE FROM service_starts
 WHERE start_id IN (
       SELECT start_id
         FROM numbered
        WHERE followed_at < now() - $1::interval
           OR place > $2::int
           OR is_restart AND place > $3::int
       );
