-- What a database administrator runs once on a merge database: somebody who owns the database and may create roles; a superuser is not
-- needed. Running it again changes nothing.
-- {prefix} is the role prefix of the environment, {database} the merge database, {owner} whose roles these are: on a named server the
-- merge database, in the private cluster all of its databases. Logins get their passwords apart.

-- ---- Roles. Each carries the name of its owner as a comment, so that a prefix is never shared.
DO $bootstrap$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN SELECT * FROM (VALUES
      ('{prefix}_owner', 'NOLOGIN'),               -- owns every schema, table and view
      ('{prefix}_roles', 'NOLOGIN CREATEROLE'),    -- owns the functions that make and end logins
      ('{prefix}_run', 'NOLOGIN'),                 -- every login of a run
      ('{prefix}_tmp', 'NOLOGIN'),                 -- every temporary login of a person
      ('{prefix}_migrator', 'LOGIN NOINHERIT'),    -- apply
      ('{prefix}_engine', 'LOGIN'),                -- control, staging, merge
      ('{prefix}_ingest_out', 'LOGIN'),            -- reads dt_ tables, merges outputs
      ('{prefix}_access', 'LOGIN')                 -- access requests only
    ) AS r (name, options)
  LOOP
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
      IF shobj_description((SELECT oid FROM pg_roles WHERE rolname = wanted.name), 'pg_authid') IS DISTINCT FROM 'yellow: {owner}' THEN
        RAISE EXCEPTION 'role % belongs to another installation', wanted.name
          USING HINT = 'choose another role_prefix in the environment';
      END IF;
    ELSE
      EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.options);
      EXECUTE format('COMMENT ON ROLE %I IS %L', wanted.name, 'yellow: {owner}');
    END IF;
  END LOOP;
END
$bootstrap$;

-- apply acts as the owner of everything, and as nobody else.
GRANT {prefix}_owner TO {prefix}_migrator;
-- Sessions of a run that has ended, and of a holder whose lease has ended, are ended.
GRANT pg_signal_backend TO {prefix}_roles;
-- Every login of a run becomes a member of its base group.
GRANT {prefix}_run, {prefix}_tmp TO {prefix}_roles WITH ADMIN OPTION;

-- Until the end of this script the administrator acts for the two roles that own things.
DO $bootstrap$
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('GRANT {prefix}_owner, {prefix}_roles TO %I', current_user);
  END IF;
END
$bootstrap$;

-- ---- Nobody comes in by default.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {prefix}_migrator, {prefix}_engine, {prefix}_ingest_out, {prefix}_access, {prefix}_tmp;
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {prefix}_run;
-- What a large batch differs in is kept in a temporary table.
GRANT TEMPORARY ON DATABASE {database} TO {prefix}_engine, {prefix}_ingest_out;
GRANT CREATE ON DATABASE {database} TO {prefix}_owner, {prefix}_roles;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- ---- Schemas of Yellow's own.
CREATE SCHEMA IF NOT EXISTS yellow AUTHORIZATION {prefix}_owner;
CREATE SCHEMA IF NOT EXISTS yellow_sec AUTHORIZATION {prefix}_roles;
CREATE SCHEMA IF NOT EXISTS yellow_op AUTHORIZATION {prefix}_owner;
GRANT USAGE ON SCHEMA yellow TO {prefix}_engine, {prefix}_ingest_out, {prefix}_roles;
GRANT USAGE ON SCHEMA yellow_sec TO {prefix}_engine, {prefix}_migrator, {prefix}_access;
GRANT USAGE ON SCHEMA yellow_op TO {prefix}_ingest_out, {prefix}_tmp;
ALTER DEFAULT PRIVILEGES FOR ROLE {prefix}_owner IN SCHEMA yellow
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {prefix}_engine, {prefix}_ingest_out;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA yellow TO {prefix}_engine, {prefix}_ingest_out;
ALTER DEFAULT PRIVILEGES FOR ROLE {prefix}_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE {prefix}_roles REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- ---- yellow_sec: the only way to make a role; each function takes names of its own pattern only.
CREATE OR REPLACE FUNCTION yellow_sec.group_ensure(group_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF group_name !~ '^{prefix}_(ws|dt|dr|st)_[a-z0-9_]+$' THEN
    RAISE EXCEPTION 'not the name of a group: %', group_name;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = group_name) THEN
    EXECUTE format('CREATE ROLE %I NOLOGIN', group_name);
    EXECUTE format('COMMENT ON ROLE %I IS %L', group_name, 'yellow: {owner}');
  END IF;
END
$function$;

-- A reader that the model names becomes a member of a workspace's group; the database's owner made the role.
CREATE OR REPLACE FUNCTION yellow_sec.group_admit(group_name text, member text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF group_name !~ '^{prefix}_ws_[a-z0-9_]+$' OR member ~ '^{prefix}_' OR member ~ '^pg_' THEN
    RAISE EXCEPTION 'not a reader of a workspace: % of %', member, group_name;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = member AND (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)) THEN
    RAISE EXCEPTION 'a reader must be an ordinary role: %', member;
  END IF;
  EXECUTE format('GRANT %I TO %I', group_name, member);
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), group_name);
END
$function$;

CREATE OR REPLACE FUNCTION yellow_sec.group_dismiss(group_name text, member text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF group_name !~ '^{prefix}_ws_[a-z0-9_]+$' OR member ~ '^{prefix}_' THEN
    RAISE EXCEPTION 'not a reader of a workspace: % of %', member, group_name;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = member) THEN
    EXECUTE format('REVOKE %I FROM %I', group_name, member);
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = member;
  END IF;
END
$function$;

-- The login of a run that is to come, with a scratch schema of its own. Nobody can log in with it, and it reads nothing.
-- Only the verifier of its password reaches the server. A disabled login is told from it by its groups, of which it has none.
CREATE OR REPLACE FUNCTION yellow_sec.run_prepare(run_id text, verifier text, valid_until timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_run_' || run_id;
  scratch text := 'scratch_' || run_id;
  membership text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET FALSE' ELSE '' END;
BEGIN
  IF run_id !~ '^[0-9a-f]{8,40}$' OR verifier IS NULL OR verifier !~ '^SCRAM-SHA-256\$' THEN
    RAISE EXCEPTION 'not a run: %', run_id;
  END IF;
  EXECUTE format('CREATE ROLE %I NOLOGIN INHERIT NOCREATEDB NOCREATEROLE PASSWORD %L VALID UNTIL %L', login, verifier, valid_until);
  EXECUTE format('COMMENT ON ROLE %I IS %L', login, 'yellow: {owner}');
  EXECUTE format('GRANT {prefix}_run TO %I', login) || membership;
  EXECUTE format('CREATE SCHEMA %I', scratch);
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', scratch, login);
  EXECUTE format('ALTER ROLE %I SET search_path TO %I', login, scratch);
END
$function$;

-- The login of one run: a member of its workspace's readers and of its transformer's writers. Whether there is a run whose code has not
-- ended, and of which workspace, is looked up here, so who calls cannot make it up. Without groups, for a try, it may use nothing but what is granted
-- to itself. Without a verifier it is one that run_prepare has made. Each is opened once, with a record in the audit log that is part of it:
-- there is no login with groups that the log does not name.
CREATE OR REPLACE FUNCTION yellow_sec.run_open(run_id text, verifier text, valid_until timestamptz, ws_group text, dt_group text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_run_' || run_id;
  membership text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET FALSE' ELSE '' END;
  of_transformer text;
  of_workspace text;
BEGIN
  IF run_id !~ '^[0-9a-f]{8,40}$' THEN
    RAISE EXCEPTION 'not a run: %', run_id;
  END IF;
  IF (ws_group IS NULL) <> (dt_group IS NULL) OR ws_group !~ '^{prefix}_ws_[a-z0-9_]+$' OR dt_group !~ '^{prefix}_dt_[a-z0-9_]+$' THEN
    RAISE EXCEPTION 'not the groups of a workspace: %, %', ws_group, dt_group;
  END IF;
  IF ws_group IS NOT NULL THEN
    SELECT r.transformer, t.workspace INTO of_transformer, of_workspace FROM yellow.run r JOIN yellow.transformer t ON t.key = r.transformer
    WHERE r.id = run_id AND r.state IN ('preparing', 'launched');
    -- Names of groups that would be too long are cut and end with a digest.
    IF ARRAY[ws_group, dt_group] IS DISTINCT FROM (
         SELECT array_agg(CASE WHEN length(g.whole) <= 63 THEN g.whole
                               ELSE left(g.whole, 54) || '_' || left(encode(sha256(convert_to(g.whole, 'UTF8')), 'hex'), 8) END ORDER BY g.place)
         FROM (VALUES (1, lower('{prefix}_ws_' || of_workspace)), (2, lower('{prefix}_dt_' || of_workspace))) AS g (place, whole)) THEN
      RAISE EXCEPTION 'no run of this workspace is to begin: %', run_id USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
  END IF;
  IF verifier IS NOT NULL THEN
    PERFORM yellow_sec.run_prepare(run_id, verifier, valid_until);
  ELSIF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login AND NOT rolcanlogin AND pg_has_role(oid, '{prefix}_run', 'MEMBER')) THEN
    RAISE EXCEPTION 'the login that was made ahead of the run is gone: %', login USING ERRCODE = 'serialization_failure';
  END IF;
  EXECUTE format('ALTER ROLE %I LOGIN VALID UNTIL %L', login, valid_until);
  IF ws_group IS NOT NULL AND dt_group IS NOT NULL THEN EXECUTE format('GRANT %I, %I TO %I', ws_group, dt_group, login) || membership; END IF;
  -- Until apply has brought Yellow's own schema to the version that takes it, as under a program that is older than this script. Only the
  -- owner could take the function away.
  IF EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'yellow_access' AND p.proname = 'run_opened') THEN
    PERFORM yellow_access.run_opened(run_id, login, of_transformer, of_workspace, array_remove(ARRAY[ws_group, dt_group], NULL), valid_until);
  END IF;
END
$function$;

-- A revoke is three transactions, each of which may be repeated: disable, end, drop.
CREATE OR REPLACE FUNCTION yellow_sec.run_disable(run_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_run_' || run_id;
  of_group text;
BEGIN
  IF run_id !~ '^[0-9a-f]{8,40}$' THEN RAISE EXCEPTION 'not a run: %', run_id; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN RETURN; END IF;
  EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', login);
  FOR of_group IN SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles l ON l.oid = m.member
                  WHERE l.rolname = login
  LOOP
    EXECUTE format('REVOKE %I FROM %I', of_group, login);
  END LOOP;
END
$function$;

-- Ends the sessions of a run's login and says how many there were; call it until there are none.
CREATE OR REPLACE FUNCTION yellow_sec.run_end(run_id text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  ended integer;
BEGIN
  IF run_id !~ '^[0-9a-f]{8,40}$' THEN RAISE EXCEPTION 'not a run: %', run_id; END IF;
  SELECT count(pg_terminate_backend(pid)) INTO ended FROM pg_stat_activity WHERE usename = '{prefix}_run_' || run_id;
  RETURN ended;
END
$function$;

-- The prepared transactions that a disabled run without sessions has left in this database: they would hold their locks for
-- ever, and could still be committed. Only their owner may roll them back, so the caller becomes a member of it until it is dropped.
CREATE OR REPLACE FUNCTION yellow_sec.run_prepared(run_id text) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_run_' || run_id;
BEGIN
  IF run_id !~ '^[0-9a-f]{8,40}$' THEN RAISE EXCEPTION 'not a run: %', run_id; END IF;
  IF NOT EXISTS (SELECT FROM pg_prepared_xacts WHERE owner = login AND database = current_database()) THEN RETURN; END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = login AND rolcanlogin) THEN RAISE EXCEPTION 'not disabled: %', login; END IF;
  EXECUTE format('GRANT %I TO {prefix}_engine', login);
  RETURN QUERY SELECT gid FROM pg_prepared_xacts WHERE owner = login AND database = current_database() ORDER BY gid;
END
$function$;

CREATE OR REPLACE FUNCTION yellow_sec.run_drop(run_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_run_' || run_id;
BEGIN
  IF run_id !~ '^[0-9a-f]{8,40}$' THEN RAISE EXCEPTION 'not a run: %', run_id; END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
    EXECUTE format('GRANT %I TO {prefix}_roles', login);
    EXECUTE format('DROP OWNED BY %I CASCADE', login);
  END IF;
  EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', 'scratch_' || run_id);
  EXECUTE format('DROP ROLE IF EXISTS %I', login);
END
$function$;

-- The temporary login of a request (SECURITY 3): it is looked up here whether there is one, so who calls cannot make it up. A member of
-- the groups that were approved, and nothing else; only the verifier of its password reaches the server.
CREATE OR REPLACE FUNCTION yellow_sec.tmp_open(request_id text, verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_tmp_' || request_id;
  membership text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET FALSE' ELSE '' END;
  ends timestamptz;
  groups text[];
  of_group text;
BEGIN
  IF request_id !~ '^[0-9a-f]{16}$' OR verifier IS NULL OR verifier !~ '^SCRAM-SHA-256\$' THEN
    RAISE EXCEPTION 'not a request: %', request_id;
  END IF;
  SELECT expires_at, grants INTO ends, groups FROM yellow_access.request
  WHERE id = request_id AND state = 'active' AND expires_at > clock_timestamp();
  IF NOT FOUND THEN RAISE EXCEPTION 'the request is not active: %', request_id USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
  IF cardinality(groups) = 0 THEN RAISE EXCEPTION 'the request is not for a login: %', request_id USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
    EXECUTE format('CREATE ROLE %I NOLOGIN INHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT 8', login);
    EXECUTE format('COMMENT ON ROLE %I IS %L', login, 'yellow: {owner}');
    EXECUTE format('GRANT {prefix}_tmp TO %I', login) || membership;
    FOREACH of_group IN ARRAY groups LOOP
      IF of_group !~ '^{prefix}_(ws|dt|dr|st)_[a-z0-9_]+$' THEN RAISE EXCEPTION 'not a group that is given out: %', of_group; END IF;
      EXECUTE format('GRANT %I TO %I', of_group, login) || membership;
    END LOOP;
    EXECUTE format('ALTER ROLE %I SET search_path TO pg_catalog', login);
  END IF;
  -- The server's own log tells what it asks, too. These take a right of their own, so that the holder cannot change them; the words
  -- are those that are looked for. Values of parameters are not written there.
  IF has_parameter_privilege('log_statement', 'SET') THEN
    EXECUTE format('ALTER ROLE %I SET log_statement TO %L', login, 'all');
    EXECUTE format('ALTER ROLE %I SET log_min_messages TO %L', login, 'warning');
    EXECUTE format('ALTER ROLE %I SET log_min_error_statement TO %L', login, 'error');
    EXECUTE format('ALTER ROLE %I SET log_parameter_max_length TO 0', login);
    EXECUTE format('ALTER ROLE %I SET lc_messages TO %L', login, 'C');
  END IF;
  EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L VALID UNTIL %L', login, verifier, ends);
END
$function$;

-- As of a run: disable, end, drop, each of which may be repeated.
CREATE OR REPLACE FUNCTION yellow_sec.tmp_disable(request_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_tmp_' || request_id;
  of_group text;
BEGIN
  IF request_id !~ '^[0-9a-f]{16}$' THEN RAISE EXCEPTION 'not a request: %', request_id; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN RETURN; END IF;
  EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', login);
  FOR of_group IN SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles l ON l.oid = m.member
                  WHERE l.rolname = login
  LOOP
    EXECUTE format('REVOKE %I FROM %I', of_group, login);
  END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION yellow_sec.tmp_end(request_id text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  ended integer;
BEGIN
  IF request_id !~ '^[0-9a-f]{16}$' THEN RAISE EXCEPTION 'not a request: %', request_id; END IF;
  SELECT count(pg_terminate_backend(pid)) INTO ended FROM pg_stat_activity WHERE usename = '{prefix}_tmp_' || request_id;
  RETURN ended;
END
$function$;

-- Of a session whose service was killed: the server may not have seen yet that nobody waits for its answer.
CREATE OR REPLACE FUNCTION yellow_sec.tmp_end_some(request_id text, processes integer[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  ended integer;
BEGIN
  IF request_id !~ '^[0-9a-f]{16}$' THEN RAISE EXCEPTION 'not a request: %', request_id; END IF;
  SELECT count(pg_terminate_backend(pid)) INTO ended FROM pg_stat_activity WHERE usename = '{prefix}_tmp_' || request_id AND pid = ANY (processes);
  RETURN ended;
END
$function$;

CREATE OR REPLACE FUNCTION yellow_sec.tmp_prepared(request_id text) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_tmp_' || request_id;
BEGIN
  IF request_id !~ '^[0-9a-f]{16}$' THEN RAISE EXCEPTION 'not a request: %', request_id; END IF;
  IF NOT EXISTS (SELECT FROM pg_prepared_xacts WHERE owner = login AND database = current_database()) THEN RETURN; END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = login AND rolcanlogin) THEN RAISE EXCEPTION 'not disabled: %', login; END IF;
  EXECUTE format('GRANT %I TO {prefix}_access', login);
  RETURN QUERY SELECT gid FROM pg_prepared_xacts WHERE owner = login AND database = current_database() ORDER BY gid;
END
$function$;

-- What it has left behind goes with it; nothing of it becomes anybody else's.
CREATE OR REPLACE FUNCTION yellow_sec.tmp_drop(request_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  login text := '{prefix}_tmp_' || request_id;
BEGIN
  IF request_id !~ '^[0-9a-f]{16}$' THEN RAISE EXCEPTION 'not a request: %', request_id; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN RETURN; END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = login AND rolcanlogin) THEN RAISE EXCEPTION 'not disabled: %', login; END IF;
  EXECUTE format('GRANT %I TO {prefix}_roles', login);
  EXECUTE format('DROP OWNED BY %I CASCADE', login);
  EXECUTE format('DROP ROLE %I', login);
END
$function$;

-- Who takes a lease over ends the sessions of the holder before; only those of Yellow's own logins, and not the caller's.
CREATE OR REPLACE FUNCTION yellow_sec.backends_end(pids integer[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  ended integer;
BEGIN
  SELECT count(pg_terminate_backend(pid)) INTO ended FROM pg_stat_activity
  WHERE pid = ANY (pids) AND pid <> pg_backend_pid() AND usename IN ('{prefix}_engine', '{prefix}_ingest_out');
  RETURN ended;
END
$function$;

-- Who is idle in a transaction of this database, and since when, for doctor; nothing of what they have asked. Without
-- pg_read_all_stats, which a superuser may give, it sees nobody.
CREATE OR REPLACE FUNCTION yellow_sec.sessions_idle() RETURNS TABLE (pid integer, login name, application text, seconds double precision, holds_back boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT a.pid, a.usename, a.application_name, extract(epoch FROM clock_timestamp() - a.xact_start)::double precision,
         a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL
  FROM pg_stat_activity a WHERE a.datname = current_database() AND a.state LIKE 'idle in transaction%' ORDER BY a.xact_start
$function$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA yellow_sec FROM PUBLIC;
GRANT EXECUTE ON FUNCTION yellow_sec.group_ensure(text), yellow_sec.group_admit(text, text), yellow_sec.group_dismiss(text, text)
  TO {prefix}_migrator;
GRANT EXECUTE ON FUNCTION yellow_sec.run_prepare(text, text, timestamptz),
  yellow_sec.run_open(text, text, timestamptz, text, text), yellow_sec.run_disable(text),
  yellow_sec.run_end(text), yellow_sec.run_prepared(text), yellow_sec.run_drop(text), yellow_sec.backends_end(integer[]),
  yellow_sec.sessions_idle() TO {prefix}_engine;
GRANT EXECUTE ON FUNCTION yellow_sec.tmp_open(text, text), yellow_sec.tmp_disable(text), yellow_sec.tmp_end(text), yellow_sec.tmp_end_some(text, integer[]),
  yellow_sec.tmp_prepared(text), yellow_sec.tmp_drop(text) TO {prefix}_access;
-- group_admit grants CONNECT, for which its owner needs the right to pass it on.
GRANT CONNECT ON DATABASE {database} TO {prefix}_roles WITH GRANT OPTION;

ALTER FUNCTION yellow_sec.group_ensure(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.group_admit(text, text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.group_dismiss(text, text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.run_prepare(text, text, timestamptz) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.run_open(text, text, timestamptz, text, text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.run_disable(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.run_end(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.run_prepared(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.run_drop(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.tmp_open(text, text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.tmp_disable(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.tmp_end(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.tmp_end_some(text, integer[]) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.tmp_prepared(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.tmp_drop(text) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.backends_end(integer[]) OWNER TO {prefix}_roles;
ALTER FUNCTION yellow_sec.sessions_idle() OWNER TO {prefix}_roles;
-- Which text of this script the server was prepared with, for apply and doctor.
COMMENT ON SCHEMA yellow_sec IS 'yellow: {mark}';

-- ---- yellow_op: what is done to dt_ tables, which belong to the owner and are written by runs.
{yellow_op}

-- ---- yellow_access and the tables of yellow: apply makes them. A login that was made again has no rights there. That this was run is in
-- its audit log; before there is one it is noted in a comment, from which apply records it.
DO $bootstrap$
DECLARE
  account text := nullif(current_setting('yellow.person', true), '');  -- of who has called yellow; by hand there is the login alone
  person text := coalesce(account, session_user);
  identity jsonb := CASE WHEN account IS NULL THEN '{}' ELSE jsonb_build_object('identity', 'os:' || account) END;
  noted text := (SELECT d FROM obj_description('yellow_op'::regnamespace, 'pg_namespace') AS d WHERE d LIKE 'yellow: [%');
BEGIN
  IF to_regclass('yellow.run') IS NOT NULL THEN
    GRANT SELECT (id, transformer, state) ON yellow.run TO {prefix}_roles;
    GRANT SELECT (key, workspace) ON yellow.transformer TO {prefix}_roles;
  END IF;
  IF to_regprocedure('yellow_access.grant_rights()') IS NOT NULL THEN
    PERFORM yellow_access.grant_rights();
    PERFORM yellow_access.audit_add(person, 'installation.bootstrapped', current_database(), '', identity);
  ELSE
    EXECUTE format('COMMENT ON SCHEMA yellow_op IS %L', 'yellow: ' || (coalesce(substr(noted, length('yellow: ') + 1)::jsonb, '[]') || (jsonb_build_object(
                     'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'person', person, 'login', session_user) || identity))::text);
  END IF;
END
$bootstrap$;

DO $bootstrap$
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('REVOKE {prefix}_owner, {prefix}_roles FROM %I', current_user);
  END IF;
END
$bootstrap$;
