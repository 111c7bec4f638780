-- name: select_roles
-- Which of some roles exist.
SELECT rolname FROM pg_roles WHERE rolname = ANY ($1::text[]);

-- name: select_groups_of_role
-- The roles that a role is a member of.
SELECT quote_ident(pg_roles.rolname)
  FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = roleid
 WHERE member = (SELECT oid FROM pg_roles WHERE rolname = $1);

-- name: select_revocations
-- Statements that revoke from PUBLIC and from some roles whatever they may do with our tables, views
-- and functions. Ours are those of the owner of schema_migrations: others may share the schema.
WITH ours AS (
    SELECT relowner AS role FROM pg_class WHERE oid = 'public.schema_migrations'::regclass
), places AS (
    SELECT 'TABLE ' || pg_class.oid::regclass AS name FROM pg_class JOIN ours ON role = relowner
     WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('onrecord_v1'))
       AND relkind IN ('r', 'v', 'p', 'm')
     UNION ALL
    SELECT 'SCHEMA ' || quote_ident(nspname) FROM pg_namespace JOIN ours ON role = nspowner
     WHERE nspname = 'onrecord_v1'
     UNION ALL
    SELECT 'FUNCTION ' || pg_proc.oid::regprocedure FROM pg_proc JOIN ours ON role = proowner
     WHERE pronamespace = 'public'::regnamespace
       -- Functions of an extension are for whoever may use its types.
       AND NOT EXISTS (
            SELECT FROM pg_depend
             WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
       )
)
SELECT format('REVOKE ALL ON %s FROM PUBLIC', name) || coalesce(
           (SELECT string_agg(', ' || quote_ident(role), '') FROM unnest($1::text[]) AS role), ''
       )
  FROM places;

-- name: close_schema
-- Revokes from PUBLIC what nobody needs: making objects in our schema, and temporary tables. Where
-- this login owns neither, what PostgreSQL has by default stays.
DO $$
BEGIN
    BEGIN
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    BEGIN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
END;
$$;

-- name: close_large_objects
-- Revokes from PUBLIC the functions that make and change large objects; only a superuser may.
DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN
        SELECT oid::regprocedure FROM pg_proc
         WHERE pronamespace = 'pg_catalog'::regnamespace
           AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put', 'lowrite',
                           'lo_truncate', 'lo_truncate64', 'lo_unlink')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', made);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'large objects can be made by every login: only a superuser may change that';
END;
$$;

-- name: create_extensions
-- Adds pgvector, which searches by meaning need, where it is installed and this login may add it.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'searches by meaning need the extension vector: only a superuser may add it';
END;
$$;

-- name: select_transfers
-- Statements that give the database, and what an earlier login has made in it, to the owner.
WITH former AS (
    SELECT relowner AS role FROM pg_class WHERE oid = to_regclass('public.schema_migrations')
)
SELECT format('ALTER DATABASE %I OWNER TO onrecord_owner', current_database())
 UNION ALL
SELECT format('ALTER SCHEMA %I OWNER TO onrecord_owner', nspname)
  FROM pg_namespace JOIN former ON role = nspowner
 WHERE nspname = 'onrecord_v1'
 UNION ALL
SELECT format('ALTER %s %s OWNER TO onrecord_owner',
              CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, pg_class.oid::regclass)
  FROM pg_class JOIN former ON role = relowner
 WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('onrecord_v1'))
   AND relkind IN ('r', 'v', 'p')
 UNION ALL
SELECT format('ALTER FUNCTION %s OWNER TO onrecord_owner', pg_proc.oid::regprocedure)
  FROM pg_proc JOIN former ON role = proowner
 WHERE pronamespace = 'public'::regnamespace
   AND NOT EXISTS (
        SELECT FROM pg_depend
         WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
   );

-- name: select_missing_policies
-- Statements that let services and operators, as far as their rights go, see the rows of all studies.
SELECT format('CREATE POLICY %1$I ON %2$s TO %1$I USING (true)', role, pg_class.oid::regclass)
  FROM pg_class
  JOIN pg_class AS known ON known.oid = 'public.schema_migrations'::regclass
   AND known.relowner = pg_class.relowner
 CROSS JOIN unnest($1::text[]) AS role
 WHERE pg_class.relnamespace = 'public'::regnamespace AND pg_class.relrowsecurity
   AND (has_any_column_privilege(role, pg_class.oid, 'SELECT, INSERT, UPDATE')
        OR has_table_privilege(role, pg_class.oid, 'DELETE'))
   AND NOT EXISTS (
        SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = role
   );
