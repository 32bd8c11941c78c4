-- Yellow's own state, from version 5 to version 6: the audit log. Every change of state writes its record here, in its own
-- transaction; one writer chains the records in order into files. Nobody but the owner has a right on these tables: each of the
-- functions does one thing, as the owner.
CREATE SCHEMA yellow_access;

CREATE TABLE yellow_access.audit (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  person   text NOT NULL,
  action   text NOT NULL CHECK (action ~ '^[a-z_]+(\.[a-z_]+)+$'),
  subject  text NOT NULL,
  request  text NOT NULL DEFAULT '',
  details  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
  login    name NOT NULL DEFAULT session_user,  -- who was connected, whatever the caller says
  sequence bigint UNIQUE,                       -- its place in the chain; null: not chained yet
  hash     text,
  CHECK ((sequence IS NULL) = (hash IS NULL))
);
CREATE INDEX ON yellow_access.audit (id) WHERE sequence IS NULL;

-- The end of the chain. Whoever writes to it holds this row.
CREATE TABLE yellow_access.audit_chain (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  id       uuid NOT NULL DEFAULT gen_random_uuid(),
  sequence bigint NOT NULL DEFAULT 0,
  hash     text NOT NULL DEFAULT repeat('0', 64)
);
INSERT INTO yellow_access.audit_chain DEFAULT VALUES;

-- Where the end of the chain was noted outside, and what is in the way of that.
CREATE TABLE yellow_access.audit_anchor (
  target    text PRIMARY KEY,
  sequence  bigint NOT NULL DEFAULT 0,
  at        timestamptz,
  failure   text,
  failed_at timestamptz
);

CREATE FUNCTION yellow_access.audit_add(person text, action text, subject text, request text, details jsonb) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  INSERT INTO yellow_access.audit (person, action, subject, request, details) VALUES ($1, $2, $3, coalesce($4, ''), coalesce($5, '{}')) RETURNING id
$function$;

-- ---- For the writer. Each record as it is put into the chain; details as text.
CREATE FUNCTION yellow_access.audit_lock() RETURNS TABLE (chain text, sequence bigint, hash text, a_day_ago text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT c.id::text, c.sequence, c.hash, to_char(clock_timestamp() AT TIME ZONE 'UTC' - interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  FROM yellow_access.audit_chain c FOR UPDATE SKIP LOCKED
$function$;

CREATE FUNCTION yellow_access.audit_head() RETURNS TABLE (chain text, sequence bigint, hash text, unchained bigint, waits double precision, at text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT c.id::text, c.sequence, c.hash, w.records, coalesce(extract(epoch FROM clock_timestamp() - w.oldest)::double precision, 0),
         to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  FROM yellow_access.audit_chain c, (SELECT count(*) AS records, min(a.at) AS oldest FROM yellow_access.audit a WHERE a.sequence IS NULL) w
$function$;

CREATE FUNCTION yellow_access.audit_text(a yellow_access.audit)
RETURNS TABLE (id bigint, at text, person text, action text, subject text, request text, details text, login text, sequence bigint, hash text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT $1.id, to_char($1.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), $1.person, $1.action, $1.subject, $1.request, $1.details::text,
         $1.login::text, $1.sequence, $1.hash
$function$;

CREATE FUNCTION yellow_access.audit_unchained(most integer)
RETURNS TABLE (id bigint, at text, person text, action text, subject text, request text, details text, login text, sequence bigint, hash text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT t.* FROM (SELECT a FROM yellow_access.audit a WHERE a.sequence IS NULL ORDER BY a.id LIMIT $1) u, yellow_access.audit_text(u.a) t
$function$;

CREATE FUNCTION yellow_access.audit_records(ids bigint[])
RETURNS TABLE (id bigint, at text, person text, action text, subject text, request text, details text, login text, sequence bigint, hash text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT t.* FROM (SELECT a FROM yellow_access.audit a WHERE a.id = ANY ($1)) u, yellow_access.audit_text(u.a) t
$function$;

CREATE FUNCTION yellow_access.audit_chained(after bigint, most integer)
RETURNS TABLE (id bigint, at text, person text, action text, subject text, request text, details text, login text, sequence bigint, hash text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT t.* FROM (SELECT a FROM yellow_access.audit a WHERE a.sequence > $1 ORDER BY a.sequence LIMIT $2) u, yellow_access.audit_text(u.a) t
$function$;

-- These records follow the end of the chain, the first one as `first`. Nothing is marked twice, and nothing with a gap.
CREATE FUNCTION yellow_access.audit_mark(ids bigint[], first bigint, hashes text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  many bigint := cardinality(ids);
  marked bigint;
BEGIN
  IF many = 0 OR many <> cardinality(hashes) OR EXISTS (SELECT FROM unnest(hashes) h WHERE h IS NULL OR h !~ '^[0-9a-f]{64}$') THEN
    RAISE EXCEPTION 'not the records of a chain';
  END IF;
  UPDATE yellow_access.audit_chain c SET sequence = first + many - 1, hash = hashes[many] WHERE c.sequence = first - 1;
  IF NOT FOUND THEN RAISE EXCEPTION 'the audit log does not end before record %', first USING ERRCODE = 'serialization_failure'; END IF;
  UPDATE yellow_access.audit a SET sequence = first + n.place - 1, hash = n.hash
  FROM unnest(ids, hashes) WITH ORDINALITY n (id, hash, place) WHERE a.id = n.id AND a.sequence IS NULL;
  GET DIAGNOSTICS marked = ROW_COUNT;
  IF marked <> many THEN RAISE EXCEPTION 'a record of the audit log is gone, or was chained before' USING ERRCODE = 'serialization_failure'; END IF;
END
$function$;

-- The database is older than the files: the chain goes on behind what stands in them.
CREATE FUNCTION yellow_access.audit_resume(after bigint, hash text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF audit_resume.hash IS NULL OR audit_resume.hash !~ '^[0-9a-f]{64}$' THEN RAISE EXCEPTION 'not a hash'; END IF;
  UPDATE yellow_access.audit_chain c SET sequence = after, hash = audit_resume.hash WHERE c.sequence < after;
  IF NOT FOUND THEN RAISE EXCEPTION 'the audit log does not end before record %', after; END IF;
END
$function$;

CREATE FUNCTION yellow_access.audit_anchored(target text, sequence bigint, failure text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  INSERT INTO yellow_access.audit_anchor AS a (target, sequence, at, failure, failed_at)
  VALUES ($1, CASE WHEN $3 IS NULL THEN $2 ELSE 0 END, CASE WHEN $3 IS NULL THEN clock_timestamp() END, $3, CASE WHEN $3 IS NOT NULL THEN clock_timestamp() END)
  ON CONFLICT (target) DO UPDATE SET sequence = CASE WHEN $3 IS NULL THEN $2 ELSE a.sequence END, at = coalesce(excluded.at, a.at),
    failure = excluded.failure, failed_at = excluded.failed_at
$function$;

CREATE FUNCTION yellow_access.audit_anchors() RETURNS TABLE (target text, sequence bigint, at text, failure text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT a.target, a.sequence, coalesce(to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''), coalesce(a.failure, '')
  FROM yellow_access.audit_anchor a ORDER BY a.target
$function$;

-- The rights of Yellow's own logins on this schema. Bootstrap calls it too, as a login that was made again has none.
CREATE FUNCTION yellow_access.grant_rights() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  prefix text := regexp_replace(current_user, '_owner$', '');
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA yellow_access TO %I, %I, %I, %I', prefix || '_engine', prefix || '_ingest_out', prefix || '_migrator', prefix || '_access');
  EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.audit_add(text, text, text, text, jsonb) TO %I, %I, %I, %I',
                 prefix || '_engine', prefix || '_ingest_out', prefix || '_migrator', prefix || '_access');
  EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.audit_lock(), yellow_access.audit_head(), yellow_access.audit_unchained(integer), '
                 'yellow_access.audit_records(bigint[]), yellow_access.audit_chained(bigint, integer), yellow_access.audit_mark(bigint[], bigint, text[]), '
                 'yellow_access.audit_resume(bigint, text), yellow_access.audit_anchored(text, bigint, text), yellow_access.audit_anchors() TO %I',
                 prefix || '_access');
END
$function$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA yellow_access FROM PUBLIC;
SELECT yellow_access.grant_rights();
