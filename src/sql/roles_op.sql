-- The functions of yellow_op, a part of roles.sql. Each takes plain tables of Yellow's own with the name of an output only.
CREATE OR REPLACE FUNCTION yellow_op.dt_check(schema_name text, table_name text) RETURNS regclass
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  found regclass;
BEGIN
  SELECT c.oid::regclass INTO found FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = schema_name AND c.relname = table_name AND table_name LIKE 'dt\_%' AND c.relkind = 'r'
    AND c.relowner = '{prefix}_owner'::regrole AND NOT c.relhasrules AND NOT c.relrowsecurity
    AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal);
  IF found IS NULL THEN
    RAISE EXCEPTION 'not a plain output table of Yellow: %.%', schema_name, table_name;
  END IF;
  RETURN found;
END
$function$;

CREATE OR REPLACE FUNCTION yellow_op.dt_clear(schema_name text, table_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $function$
DECLARE
  output regclass := yellow_op.dt_check(schema_name, table_name);
BEGIN
  -- To empty what is empty would write new files for it and its indexes. What is being written has a size already.
  IF pg_relation_size(output) > 0 THEN
    EXECUTE format('TRUNCATE %s', output);
  END IF;
END
$function$;

CREATE OR REPLACE FUNCTION yellow_op.dt_lock(schema_name text, table_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $function$
BEGIN
  EXECUTE format('LOCK TABLE %s IN SHARE MODE', yellow_op.dt_check(schema_name, table_name));
END
$function$;

-- A name as the database has it: sql/names.h says how one that is too long is shortened.
CREATE OR REPLACE FUNCTION yellow_op.fitted(whole text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT CASE WHEN length($1) <= 63 THEN lower($1)
         ELSE left(lower($1), 54) || '_' || left(encode(sha256(convert_to(lower($1), 'UTF8')), 'hex'), 8) END
$function$;

-- Who repairs an output begins with what is published of it: its live rows, into its empty dt_ table, as a whole or as changes, whatever the
-- table holds. Only for the login of an active request that may write the table, and recorded with it.
CREATE OR REPLACE FUNCTION yellow_op.dt_fill(schema_name text, table_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $function$
DECLARE
  output regclass := yellow_op.dt_check(schema_name, table_name);
  one record;
  published regclass;
  columns text;
  changes boolean;
  versions boolean;
  is_empty boolean;
  filled bigint;
BEGIN
  SELECT * INTO one FROM yellow_access.request r
  WHERE '{prefix}_tmp_' || r.id = session_user AND r.state = 'active' AND r.expires_at > clock_timestamp() AND r.scope ~ '^dt_write:';
  IF NOT FOUND OR NOT has_table_privilege(session_user, output, 'INSERT') THEN
    RAISE EXCEPTION 'only who has been given dt_write on it may fill %', table_name USING ERRCODE = 'insufficient_privilege';
  END IF;
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', output);
  IF EXISTS (SELECT FROM yellow.run r JOIN yellow.transformer t ON t.key = r.transformer WHERE t.workspace = substr(one.scope, 10)
             AND r.state IN ('preparing', 'launched', 'finished', 'ingesting')) THEN
    RAISE EXCEPTION 'a run of % is at work, and writes it', substr(one.scope, 10) USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'pause its output, and wait until the run has ended';
  END IF;
  EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', output) INTO is_empty;
  IF NOT is_empty THEN
    RAISE EXCEPTION '% is not empty', table_name USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'DELETE what is to go first';
  END IF;
  SELECT c.oid INTO published FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = schema_name AND c.relkind = 'r' AND c.relowner = '{prefix}_owner'::regrole AND c.relname IN (
    SELECT yellow_op.fitted(s.store || '__' || d.dataset) FROM yellow.stream s JOIN yellow.batch_dataset d ON d.stream = s.key
    WHERE yellow_op.fitted('dt_' || s.store || '__' || d.dataset) = table_name);
  IF published IS NULL THEN
    RAISE EXCEPTION 'nothing is published of %', table_name USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) FILTER (WHERE attname <> 'yellow_op'), bool_or(attname = 'yellow_op') INTO columns, changes
  FROM pg_attribute WHERE attrelid = output AND attnum > 0 AND NOT attisdropped;
  versions := EXISTS (SELECT FROM pg_attribute WHERE attrelid = published AND attname = 'yellow_batch_out' AND NOT attisdropped);
  EXECUTE format('INSERT INTO %s (%s%s) SELECT %s%s FROM %s%s', output, columns, CASE WHEN changes THEN ', yellow_op' ELSE '' END,
                 columns, CASE WHEN changes THEN ', ''U''' ELSE '' END, published, CASE WHEN versions THEN ' WHERE yellow_batch_out = 2147483647' ELSE '' END);
  GET DIAGNOSTICS filled = ROW_COUNT;
  PERFORM yellow_access.audit_add(one.person, 'access.fill', one.scope, one.id,
                                  jsonb_build_object('table', schema_name || '.' || table_name, 'rows', filled, 'ticket', one.ticket));
  RETURN filled;
END
$function$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA yellow_op FROM PUBLIC;
GRANT EXECUTE ON FUNCTION yellow_op.dt_clear(text, text), yellow_op.dt_lock(text, text) TO {prefix}_ingest_out;
GRANT EXECUTE ON FUNCTION yellow_op.dt_fill(text, text) TO {prefix}_tmp;
ALTER FUNCTION yellow_op.dt_check(text, text) OWNER TO {prefix}_owner;
ALTER FUNCTION yellow_op.dt_clear(text, text) OWNER TO {prefix}_owner;
ALTER FUNCTION yellow_op.dt_lock(text, text) OWNER TO {prefix}_owner;
ALTER FUNCTION yellow_op.fitted(text) OWNER TO {prefix}_owner;
ALTER FUNCTION yellow_op.dt_fill(text, text) OWNER TO {prefix}_owner;
