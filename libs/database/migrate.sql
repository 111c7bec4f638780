-- name: create_schema_migrations
-- The table of what was applied; created by whoever migrates first.
CREATE TABLE IF NOT EXISTS schema_migrations (
    version int PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: schema_migrations_exist
-- Whether any migration was ever applied.
SELECT to_regclass('schema_migrations') IS NOT NULL;

-- name: select_applied
-- What was applied, with the content it had then.
SELECT version, sha256 FROM schema_migrations;

-- name: insert_applied
-- Records a migration in the transaction that applies it.
INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3);

-- name: lock
-- Waits until no other process migrates; PostgreSQL lets go if the connection is lost.
SELECT pg_advisory_lock($1);

-- name: unlock
-- Lets the next process migrate.
SELECT pg_advisory_unlock($1);

-- name: select_other_owner
-- The owner of the tables, quoted, if it is another role that this login may take.
SELECT quote_ident(rolname)
  FROM pg_class
  JOIN pg_roles ON pg_roles.oid = relowner
 WHERE pg_class.oid = to_regclass('schema_migrations')
   AND rolname <> current_user AND pg_has_role(current_user, relowner, 'SET');

-- name: limit_lock_wait
-- Until the transaction ends: for how long, in milliseconds, a lock is waited for.
SELECT set_config('lock_timeout', $1, true);

-- name: select_blockers
-- Sessions that a session waits for, the oldest statement first. What others run is shown to few logins.
SELECT blocker.pid, coalesce(activity.usename, '') AS login,
       coalesce(activity.application_name, '') AS application,
       to_char(activity.query_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since
  FROM unnest(pg_blocking_pids($1)) AS blocker (pid)
  LEFT JOIN pg_stat_activity AS activity USING (pid)
 ORDER BY activity.query_start, blocker.pid;

-- name: select_schema_fault
-- What a superuser has to do before views for BI tools can be made, or replaced; no row: nothing.
SELECT CASE
           WHEN owner IS NOT NULL THEN format(
               'the schema onrecord_v1 belongs to %s, and views are made in it by %s: '
               'ALTER SCHEMA onrecord_v1 OWNER TO %I', owner, current_user, current_user
           )
           ELSE format(
               'this login may not create schemas: GRANT CREATE ON DATABASE %I TO %I, or '
               'CREATE SCHEMA onrecord_v1 AUTHORIZATION %I',
               current_database(), current_user, current_user
           )
       END
  FROM (
        SELECT (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'onrecord_v1') AS owner
       ) AS found
 WHERE CASE WHEN owner IS NULL
            THEN NOT has_database_privilege(current_database(), 'CREATE')
            ELSE NOT pg_has_role(owner, 'USAGE')
       END;
