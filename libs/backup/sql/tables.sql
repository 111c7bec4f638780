-- name: set_session
-- Settings on which the text form of values depends, and none that ends long work.
SELECT set_config(name, value, false)
  FROM (VALUES
        ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'),
        ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('client_encoding', 'UTF8'),
        ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
        ('lock_timeout', '30s'), ('search_path', 'public'), ('synchronize_seqscans', 'off')
       ) AS wanted (name, value);

-- name: select_moment
-- The snapshot's moment, and the server's version.
SELECT transaction_timestamp() AS at, current_setting('server_version') AS server_version;

-- name: select_migrations
-- What was applied to the database.
SELECT version, name, sha256 FROM schema_migrations ORDER BY version;

-- name: select_reads_all
-- Whether this login sees the rows of all studies, as far as policies go.
SELECT rolsuper OR rolbypassrls OR reads_every_study() FROM pg_roles WHERE rolname = current_user;

-- name: select_tables
-- Our tables with the columns that hold data of their own, and how large each is.
SELECT pg_class.relname AS name, pg_table_size(pg_class.oid) AS size,
       array_agg(attname::text ORDER BY attnum) AS columns
  FROM pg_class
  JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
   AND attgenerated = ''
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
   AND relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.schema_migrations'))
   AND relname <> 'schema_migrations'
 GROUP BY pg_class.oid
 ORDER BY relname;

-- name: select_owner
-- The role whose relations are ours.
SELECT relowner FROM pg_class WHERE oid = to_regclass('public.schema_migrations');

-- name: select_foreign
-- Relations in our schema that belong to others than a role.
SELECT relname FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND relowner <> $1::oid
 ORDER BY relname;

-- name: select_foreign_anywhere
-- Relations in any schema that belong to others than a role.
SELECT pg_class.oid::regclass::text
  FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE NOT starts_with(nspname, 'pg_') AND nspname <> 'information_schema'
   AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relowner <> $1::oid
 ORDER BY 1;

-- name: select_sequences
-- Our sequences, and the last value that each has given.
SELECT sequencename::text AS name, coalesce(last_value, 0) AS last_value
  FROM pg_sequences
 WHERE schemaname = 'public'
   AND sequenceowner = (
        SELECT pg_get_userbyid(relowner) FROM pg_class
         WHERE oid = to_regclass('public.schema_migrations')
   )
 ORDER BY sequencename;

-- name: advance_sequence
-- Moves a sequence on.
SELECT setval(to_regclass('public.' || quote_ident($1::text)), $2::bigint);

-- name: select_schema_exists
-- Whether there is anything of onrecord's in the database.
SELECT to_regclass('public.schema_migrations') IS NOT NULL;

-- name: select_interviews_exist
-- Whether there is anything in the database that somebody would miss.
SELECT EXISTS (SELECT FROM public.transcripts) OR EXISTS (SELECT FROM public.submissions)
    OR EXISTS (SELECT FROM public.dead_letters) OR EXISTS (SELECT FROM public.studies);

-- name: select_sessions
-- Sessions of services, or of whoever has their rights, in this database.
SELECT DISTINCT usename::text AS login, coalesce(application_name, '') AS application
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
   AND leader_pid IS NULL
   AND EXISTS (
        SELECT FROM pg_roles
         WHERE rolname = ANY ($1::text[]) AND pg_has_role(usesysid, pg_roles.oid, 'MEMBER')
   )
 ORDER BY login;

-- name: select_drop
-- A statement that drops what is left of a role's schema of views, relations and functions, those of
-- one kind together.
SELECT format('DROP %s %s CASCADE', kind, string_agg(name, ', '))
  FROM (
        SELECT 0 AS place, 'SCHEMA' AS kind, quote_ident(nspname) AS name FROM pg_namespace
         WHERE nspname = 'onrecord_v1' AND nspowner = $1::oid
         UNION ALL
        SELECT 1, 'VIEW', pg_class.oid::regclass::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND relowner = $1::oid
         UNION ALL
        SELECT 2, 'TABLE', pg_class.oid::regclass::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND NOT relispartition AND relowner = $1::oid
         UNION ALL
        SELECT 3, 'ROUTINE', pg_proc.oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND proowner = $1::oid
           AND NOT EXISTS (
                SELECT FROM pg_depend
                 WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
           )
       ) AS ours
 GROUP BY place, kind
 ORDER BY place
 LIMIT 1;

-- name: select_foreign_keys
-- Foreign keys of our tables: how to drop each, and how to make it again.
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
              pg_get_constraintdef(pg_constraint.oid)) AS make
  FROM pg_constraint
  JOIN pg_class ON pg_class.oid = conrelid
 WHERE contype = 'f' AND connamespace = 'public'::regnamespace
   AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'public.schema_migrations'::regclass)
 ORDER BY conrelid::regclass::text, conname;

-- name: select_indexes
-- Indexes of our tables that no constraint has: how to drop each, and how to make it again.
SELECT format('DROP INDEX %s', indexrelid::regclass) AS drop, pg_get_indexdef(indexrelid) AS make
  FROM pg_index
  JOIN pg_class ON pg_class.oid = indrelid
 WHERE relnamespace = 'public'::regnamespace
   AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'public.schema_migrations'::regclass)
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
 ORDER BY indexrelid::regclass::text;

-- name: select_unlocks
-- Statements that let the owner fill a table without triggers and policies, and those that undo it.
SELECT format('ALTER TABLE %1$s DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY', pg_class.oid::regclass)
           AS unlock,
       format('ALTER TABLE %1$s ENABLE TRIGGER USER', pg_class.oid::regclass)
           || CASE WHEN relforcerowsecurity THEN ', FORCE ROW LEVEL SECURITY' ELSE '' END AS lock
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
   AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'public.schema_migrations'::regclass)
 ORDER BY relname;

-- name: record_restore
-- Writes a restoration into the trail: who may restore is not known to control.
WITH entry AS (
    INSERT INTO trail (actor, action, target, reason)
    VALUES ('administrator', 'database.restore', $1, $2)
    RETURNING entry_id
)
INSERT INTO trail_outcomes (entry_id, outcome) SELECT entry_id, 'done' FROM entry;

-- name: record_backup
-- Writes a backup into the trail, after its offsets were read.
INSERT INTO trail (actor, action, target) VALUES ('administrator', 'database.backup', $1)
RETURNING entry_id;

-- name: record_backup_done
-- Writes that a backup was made.
INSERT INTO trail_outcomes (entry_id, outcome) VALUES ($1, 'done');

-- name: select_backup_recorded
-- Whether the trail has a backup, so that the database is of a moment after its offsets were read.
SELECT EXISTS (SELECT FROM trail WHERE action = 'database.backup' AND target = $1);

-- name: select_trail_has_outcomes
-- Whether the schema, which may be an older one, has outcomes of the trail's entries.
SELECT to_regclass('public.trail_outcomes') IS NOT NULL;
