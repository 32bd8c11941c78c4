-- Yellow's own state, from version 7 to version 8: requests for what is not a login of the database, as operations that Yellow does itself
-- once they are approved.

ALTER TABLE yellow_access.request
  ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}',  -- of an operation; 'key' says whose row it is, and is forgotten when it is over
  ADD COLUMN salt text NOT NULL DEFAULT '',           -- hashed with them, and forgotten with them
  DROP CONSTRAINT request_grants_check,
  ADD CONSTRAINT request_grants_check CHECK (cardinality(grants) > 0 OR scope ~ '^(op:|kubernetes:|shell$)'),
  ADD CONSTRAINT operation_takes_two CHECK (scope !~ '^op:' OR approvers >= 2);

-- A run that had no code: a person has repaired the output, under this request (docs/decisions/0058-repair-runs.md).
ALTER TABLE yellow.run ADD COLUMN request text;

-- A login of a run was opened. It is a part of what opens it (yellow_sec.run_open), and who calls that has no right on this: there is no login
-- without its record, and `groups` are those that it was given, whatever the tables of runs say before or after.
CREATE FUNCTION yellow_access.run_opened(run_id text, login text, transformer text, workspace text, groups text[], ends timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  INSERT INTO yellow_access.audit (person, action, subject, request, details)
  VALUES ('yellow', 'run.login', coalesce(transformer, login), '', jsonb_build_object(
    'run', run_id, 'workspace', coalesce(workspace, ''), 'groups', groups, 'writes', EXISTS (SELECT FROM unnest(groups) g WHERE g ~ '_dt_'), 'until', ends))
$function$;

-- What Yellow has to do under a request: due since its activation, begun by a holder, done or failed. Whoever begins it does it in one
-- transaction, with its end; a holder that is gone has done nothing of it.
CREATE TABLE yellow_access.operation (
  request text PRIMARY KEY REFERENCES yellow_access.request,
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'begun', 'done', 'failed')),
  holder text NOT NULL DEFAULT '',
  began_at timestamptz,
  lease_until timestamptz NOT NULL DEFAULT '-infinity',  -- of the holder
  ended_at timestamptz,
  outcome jsonb NOT NULL DEFAULT '{}',  -- figures, and why it failed; nothing of a row
  -- Tables from which it has removed rows: these lie in their pages until VACUUM, which is owed from then on.
  space_tables text[] NOT NULL DEFAULT '{}',
  space_removed_by xid8,
  space_given_back_at timestamptz
);

CREATE OR REPLACE FUNCTION yellow_access.move(one yellow_access.request, next_state text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM yellow_access.transition WHERE from_state = one.state AND to_state = next_state) THEN
    RAISE EXCEPTION 'the request is %', one.state USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE yellow_access.request SET state = next_state WHERE id = one.id AND state = one.state;
  IF NOT FOUND THEN RAISE EXCEPTION 'the request has changed meanwhile' USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
  -- What was not done by then is not done any more.
  IF next_state IN ('expired', 'revoked', 'released') THEN
    UPDATE yellow_access.operation SET state = 'failed', ended_at = clock_timestamp(), outcome = '{"code": "not_done", "reason": "the request has ended before"}'
    WHERE request = one.id AND state IN ('due', 'begun');
  END IF;
  -- Whose row it was is not kept.
  IF next_state IN ('denied', 'withdrawn', 'lapsed', 'dropped') THEN
    UPDATE yellow_access.request SET parameters = parameters - 'key', salt = '' WHERE id = one.id AND parameters ? 'key';
  END IF;
END
$function$;

-- By which account or token somebody has come (os:alice, oidc:alice@example.com) stands in the details of each record, as `identity`. The
-- service says it of its session (yellow.identity); commands on the machine, which are the person's own, among the details. Whoever else is
-- connected, as with a temporary login, may set what they like: it is not read.
-- What is done under a request is recorded by the service's login, and by those that do what was approved. None of the others may make up an
-- approval or a session; and nobody that a login of a run was opened.
CREATE OR REPLACE FUNCTION yellow_access.audit_add(person text, action text, subject text, request text, details jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  prefix text := regexp_replace(current_user, '_owner$', '');
  identity text := coalesce(CASE WHEN session_user = prefix || '_access' THEN nullif(current_setting('yellow.identity', true), '') END, $5 ->> 'identity', '');
  added bigint;
BEGIN
  IF $2 = 'run.login' OR ($2 LIKE 'access.%' AND session_user IN (prefix || '_engine', prefix || '_ingest_out', prefix || '_migrator')
                          AND $2 NOT IN ('access.operation_begin', 'access.operation', 'access.release', 'access.space_given_back')) THEN
    RAISE EXCEPTION '% is not for % to record', $2, session_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO yellow_access.audit (person, action, subject, request, details)
  VALUES ($1, $2, $3, coalesce($4, ''), coalesce($5, '{}') - 'identity' || CASE WHEN identity = '' THEN '{}' ELSE
    jsonb_build_object('identity', left(regexp_replace(identity, '[[:cntrl:]]', '?', 'g'), 300)) END)
  RETURNING id INTO added;
  RETURN added;
END
$function$;

DROP FUNCTION yellow_access.ask(text, text, text, integer, text, text, text[], text, integer, integer, text);
CREATE FUNCTION yellow_access.ask(request_id text, asker text, wanted text, for_seconds integer, ticket_name text, why text, groups text[],
                                  hash text, needed integer, lapses_in integer, which_kind text, with_parameters jsonb, with_salt text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  PERFORM yellow_access.require_unused(ticket_name, request_id);
  INSERT INTO yellow_access.request (id, kind, person, scope, seconds, ticket, reason, grants, content_hash, approvers, lapses_at, parameters, salt)
  VALUES (request_id, which_kind, asker, wanted, for_seconds, ticket_name, why, groups, hash, needed,
          clock_timestamp() + make_interval(secs => lapses_in), with_parameters, with_salt);
  PERFORM yellow_access.audit_add(asker, 'access.request', wanted, request_id, jsonb_build_object(
    'kind', which_kind, 'seconds', for_seconds, 'ticket', ticket_name, 'reason', why, 'grants', groups, 'content', hash, 'approvers', needed,
    'parameters', with_parameters - 'key'));
END
$function$;

DROP FUNCTION yellow_access.edit(text, text, integer, text, text, text);
CREATE FUNCTION yellow_access.edit(request_id text, editor text, for_seconds integer, ticket_name text, why text, hash text,
                                   with_parameters jsonb, with_salt text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.person <> editor THEN RAISE EXCEPTION 'only who has asked may change it' USING ERRCODE = 'insufficient_privilege'; END IF;
  PERFORM yellow_access.require_unused(ticket_name, request_id);
  PERFORM yellow_access.move(one, 'pending');
  UPDATE yellow_access.request SET seconds = for_seconds, ticket = ticket_name, reason = why, content_hash = hash,
                                   parameters = with_parameters, salt = with_salt WHERE id = request_id;
  DELETE FROM yellow_access.vote WHERE request = request_id;
  PERFORM yellow_access.audit_add(editor, 'access.edit', one.scope, request_id, jsonb_build_object(
    'seconds', for_seconds, 'ticket', ticket_name, 'reason', why, 'content', hash, 'before', one.content_hash, 'parameters', with_parameters - 'key'));
END
$function$;

-- An operation is due from the moment its request is active.
CREATE FUNCTION yellow_access.operation_due() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  INSERT INTO yellow_access.operation (request) VALUES (NEW.id);
  RETURN NULL;
END
$function$;
CREATE TRIGGER operation_due AFTER UPDATE OF state ON yellow_access.request FOR EACH ROW
  WHEN (NEW.state = 'active' AND OLD.state <> 'active' AND NEW.scope ~ '^op:') EXECUTE FUNCTION yellow_access.operation_due();

-- What has to be done, or was begun and has no end; for whoever does it. Of what is due, that whose time is not over.
CREATE FUNCTION yellow_access.operations_open()
RETURNS TABLE (request text, person text, scope text, ticket text, parameters jsonb, asked_at timestamptz, holder text, lease_is_over boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT r.id, r.person, r.scope, r.ticket, r.parameters, r.requested_at, o.holder, o.lease_until < clock_timestamp() FROM yellow_access.operation o JOIN yellow_access.request r ON r.id = o.request
  WHERE r.state = 'active' AND r.expires_at > clock_timestamp() AND o.state IN ('due', 'begun') ORDER BY r.activated_at, r.id
$function$;

-- One holder takes it, in place of `before`: nobody, or one that is gone. Returns whether it has it.
CREATE FUNCTION yellow_access.operation_begin(request_id text, who text, before text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.state <> 'active' OR one.expires_at <= clock_timestamp() THEN RETURN false; END IF;
  UPDATE yellow_access.operation SET state = 'begun', holder = who, began_at = clock_timestamp(), lease_until = clock_timestamp() + interval '30 seconds'
  WHERE request = request_id AND state IN ('due', 'begun') AND holder = before;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM yellow_access.audit_add(one.person, 'access.operation_begin', one.scope, request_id, jsonb_build_object('ticket', one.ticket));
  RETURN true;
END
$function$;

-- Its holder goes on with it; false when it is not the holder's any more.
CREATE FUNCTION yellow_access.operation_renew(request_id text, who text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  UPDATE yellow_access.operation SET lease_until = clock_timestamp() + interval '30 seconds'
  WHERE request = request_id AND state = 'begun' AND holder = who;
  RETURN FOUND;
END
$function$;

-- In the transaction that does it, so that it is recorded if and only if it is done; it fails when the request has ended meanwhile.
CREATE FUNCTION yellow_access.operation_end(request_id text, who text, succeeded boolean, figures jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
  ended text := CASE WHEN succeeded THEN 'it is done' ELSE 'it has failed' END;
BEGIN
  UPDATE yellow_access.operation SET state = CASE WHEN succeeded THEN 'done' ELSE 'failed' END, ended_at = clock_timestamp(), outcome = figures
  WHERE request = request_id AND state = 'begun' AND holder = who;
  IF NOT FOUND THEN RAISE EXCEPTION 'another has taken it over' USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
  PERFORM yellow_access.move(one, 'released');
  -- Whose row it was is not kept a moment longer.
  UPDATE yellow_access.request SET ended_at = clock_timestamp(), end_reason = ended, parameters = parameters - 'key',
                                   salt = CASE WHEN parameters ? 'key' THEN '' ELSE salt END WHERE id = request_id;
  PERFORM yellow_access.audit_add(one.person, 'access.operation', one.scope, request_id, jsonb_build_object(
    'succeeded', succeeded, 'outcome', figures, 'ticket', one.ticket, 'parameters', one.parameters - 'key'));
  PERFORM yellow_access.audit_add('yellow', 'access.release', one.scope, request_id, jsonb_build_object('reason', ended, 'for', one.person));
END
$function$;

-- In the transaction that removes rows from these tables, before it ends the operation: their space is owed if and only if it is committed.
CREATE FUNCTION yellow_access.space_owe(request_id text, who text, tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  UPDATE yellow_access.operation SET space_tables = tables, space_removed_by = pg_current_xact_id()
  WHERE request = request_id AND state = 'begun' AND holder = who;
  IF NOT FOUND THEN RAISE EXCEPTION 'another has taken it over' USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
END
$function$;

-- `held_back_by`: processes of this server, and what else there is, for which the removed rows are kept; VACUUM would do nothing about these.
CREATE FUNCTION yellow_access.space_owed() RETURNS TABLE (request text, scope text, tables text[], since timestamptz, held_back_by text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT o.request, r.scope, o.space_tables, o.ended_at, ARRAY(
    SELECT 'process ' || a.pid FROM pg_stat_activity a
    WHERE a.pid <> pg_backend_pid() AND (a.datname IS NULL OR a.datname = current_database())
      AND greatest(age(a.backend_xmin), age(a.backend_xid)) >= age(o.space_removed_by::xid)
    UNION ALL SELECT 'prepared transaction ' || p.gid FROM pg_prepared_xacts p WHERE p.database = current_database() AND age(p.transaction) >= age(o.space_removed_by::xid)
    UNION ALL SELECT 'replication slot ' || s.slot_name FROM pg_replication_slots s WHERE age(s.xmin) >= age(o.space_removed_by::xid))
  FROM yellow_access.operation o JOIN yellow_access.request r ON r.id = o.request
  WHERE o.state = 'done' AND o.space_tables <> '{}' AND o.space_given_back_at IS NULL ORDER BY o.ended_at, o.request
$function$;

-- VACUUM was done when nothing held these rows back. For who owns the tables alone: Yellow's migrator, or a person in its place. Once.
CREATE FUNCTION yellow_access.space_given_back(request_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.operation;
BEGIN
  UPDATE yellow_access.operation SET space_given_back_at = clock_timestamp()
  WHERE request = request_id AND state = 'done' AND space_tables <> '{}' AND space_given_back_at IS NULL RETURNING * INTO one;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM yellow_access.audit_add(CASE session_user WHEN regexp_replace(current_user, '_owner$', '_migrator') THEN 'yellow' ELSE session_user::text END,
    'access.space_given_back', (SELECT scope FROM yellow_access.request WHERE id = request_id), request_id, jsonb_build_object('tables', one.space_tables));
END
$function$;

CREATE FUNCTION yellow_access.operations() RETURNS SETOF yellow_access.operation
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT * FROM yellow_access.operation ORDER BY request
$function$;

-- How many statements were sent, and calls of a cluster made, under each request, or one: the log is long, and one is looked for often.
DROP FUNCTION yellow_access.statement_counts();
CREATE FUNCTION yellow_access.statement_counts(of_request text) RETURNS TABLE (request text, times bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF of_request = '' THEN
    RETURN QUERY SELECT a.request, count(*) FROM yellow_access.audit a
    WHERE a.request <> '' AND a.action = 'access.statement' AND a.details ->> 'kind' IN ('query', 'parse', 'function', 'call') GROUP BY 1;
  ELSE
    RETURN QUERY SELECT of_request, count(*) FROM yellow_access.audit a
    WHERE a.request = of_request AND a.request <> '' AND a.action = 'access.statement' AND a.details ->> 'kind' IN ('query', 'parse', 'function', 'call');
  END IF;
END
$function$;

-- ---- The database server's own log as a second witness of what temporary logins ask (SECURITY 4).

-- How far its files are read. A file is known by the digest of its beginning, so that its name may change.
CREATE TABLE yellow_access.server_log (
  head text PRIMARY KEY CHECK (head ~ '^[0-9a-f]{64}$'),
  position bigint NOT NULL CHECK (position > 0),
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The sessions of temporary logins that it tells of.
CREATE TABLE yellow_access.server_session (
  id text PRIMARY KEY,                -- as the log calls it
  request text NOT NULL REFERENCES yellow_access.request,
  process bigint NOT NULL,
  began_at timestamptz NOT NULL,
  session text,                       -- the recorded one that it belongs to, and which of its connections; null: none
  client bigint,
  last_line bigint NOT NULL DEFAULT 0,
  gone_at timestamptz,                -- when the server was seen without it
  ended boolean NOT NULL DEFAULT false
);
CREATE INDEX ON yellow_access.server_session (session, client);
CREATE INDEX ON yellow_access.server_session (id) WHERE NOT ended;

-- What the wire has of a text, and of a process of the server.
CREATE INDEX ON yellow_access.audit (request, (details ->> 'sha256')) WHERE action = 'access.statement';
CREATE INDEX ON yellow_access.audit (request, (details ->> 'process')) WHERE action = 'access.statement' AND details ->> 'kind' = 'server';

-- The recorded connection that this session of the log is; it may not be known yet. Processes have their numbers again after a
-- while, so it has to have begun at the same time, and no other one may be it.
CREATE FUNCTION yellow_access.server_match(INOUT seen yellow_access.server_session)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT (seen.id, seen.request, seen.process, seen.began_at, coalesce(seen.session, w.subject), coalesce(seen.client, w.client), seen.last_line, seen.gone_at,
          seen.ended)::yellow_access.server_session
  FROM (SELECT) one LEFT JOIN (
    SELECT a.subject, (a.details ->> 'client')::bigint AS client FROM yellow_access.audit a
    WHERE a.request = seen.request AND a.action = 'access.statement' AND a.details ->> 'kind' = 'server' AND a.details ->> 'process' = seen.process::text
      AND a.at BETWEEN seen.began_at - interval '1 minute' AND seen.began_at + interval '1 minute'
      AND NOT EXISTS (SELECT FROM yellow_access.server_session l
                      WHERE l.session = a.subject AND l.client = (a.details ->> 'client')::bigint AND l.id <> seen.id AND l.last_line > 0)
    ORDER BY a.id LIMIT 1) w ON true
$function$;

-- One line of the log: it is recorded, and flagged when a line before it is missing, when the wire has nothing of it, and when the
-- time of the request was over. What was seen before is not looked at again.
CREATE FUNCTION yellow_access.server_line(line jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request;
  seen yellow_access.server_session;
  number bigint := (line ->> 'number')::bigint;
  kind text := line ->> 'kind';
  asks boolean := kind IN ('logged_query', 'logged_execute', 'logged_function');
  on_wire boolean;
  raised text[] := '{}';
BEGIN
  SELECT * INTO one FROM yellow_access.request WHERE id = line ->> 'request';
  IF NOT FOUND THEN RETURN; END IF;
  SELECT * INTO seen FROM yellow_access.server_session WHERE id = line ->> 'session' FOR UPDATE;
  IF NOT FOUND THEN
    seen := (line ->> 'session', one.id, (line ->> 'process')::bigint, to_timestamp((line ->> 'began')::double precision), NULL, NULL, 0, NULL, false);
  END IF;
  IF number <= seen.last_line THEN RETURN; END IF;
  seen := yellow_access.server_match(seen);
  -- The first one is nobody's where a server logs connections: it is written before the server knows who it is.
  IF number > seen.last_line + 1 AND NOT (number = 2 AND seen.last_line = 0 AND current_setting('log_connections') NOT IN ('off', '')) THEN
    raised := raised || 'log_gap'::text;
  END IF;
  IF line ? 'sha256' THEN
    on_wire := EXISTS (SELECT FROM yellow_access.audit a WHERE a.request = one.id AND a.action = 'access.statement' AND a.details ->> 'sha256' = line ->> 'sha256'
                       AND a.subject = seen.session AND (a.details ->> 'client')::bigint = seen.client);
  ELSIF kind = 'logged_function' THEN
    on_wire := EXISTS (SELECT FROM yellow_access.audit a WHERE a.request = one.id AND a.action = 'access.statement' AND a.details ->> 'kind' = 'function'
                       AND a.details ->> 'function' = line ->> 'function' AND a.subject = seen.session AND (a.details ->> 'client')::bigint = seen.client);
  ELSIF asks OR kind = 'logged_end' OR (kind = 'logged_login') THEN
    on_wire := seen.client IS NOT NULL;
  END IF;
  IF NOT on_wire THEN raised := raised || 'not_on_the_wire'::text || ARRAY(SELECT jsonb_array_elements_text(line -> 'flags')); END IF;
  IF asks AND to_timestamp((line ->> 'at')::double precision / 1000) > least(one.expires_at, one.ended_at) THEN raised := raised || 'beyond_expiry'::text; END IF;
  seen.last_line := number;
  seen.ended := seen.ended OR (line ->> 'ends')::boolean;
  INSERT INTO yellow_access.server_session SELECT (seen).*
  ON CONFLICT (id) DO UPDATE SET session = excluded.session, client = excluded.client, last_line = excluded.last_line, ended = excluded.ended;
  PERFORM yellow_access.audit_add(one.person, 'access.server_line', seen.id, one.id,
    line - '{request,session,began,ends}'::text[] || jsonb_build_object('recorded', seen.session, 'client', seen.client, 'flags', raised));
END
$function$;

-- What a piece of a file has of temporary logins, with how far the file is read now: both, or neither. False when somebody else has read it.
CREATE FUNCTION yellow_access.server_lines(file_head text, read_from bigint, read_to bigint, lines jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF read_from = 0 THEN
    INSERT INTO yellow_access.server_log (head, position) VALUES (file_head, read_to) ON CONFLICT DO NOTHING;
  ELSE
    UPDATE yellow_access.server_log SET position = read_to, at = clock_timestamp() WHERE head = file_head AND position = read_from;
  END IF;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM yellow_access.server_line(line) FROM jsonb_array_elements(lines) WITH ORDINALITY l (line, place) ORDER BY place;
  RETURN true;
END
$function$;

CREATE FUNCTION yellow_access.server_log_positions() RETURNS TABLE (head text, "position" bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT l.head, l.position FROM yellow_access.server_log l
$function$;

-- A file is gone. Those that went without us are forgotten after a while; what is read twice is recorded once.
CREATE FUNCTION yellow_access.server_log_gone(file_head text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  DELETE FROM yellow_access.server_log WHERE head = file_head OR at < clock_timestamp() - interval '90 days'
$function$;

-- Flags what the log does not tell: the end of a session that the server does not have any more, and a recorded connection as a whole.
-- REQUIRES: the log is read to its end, and its server tells of each session's end. Something that has happened is in the log within
-- `patience` seconds.
CREATE FUNCTION yellow_access.server_gaps(patience integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  prefix text := regexp_replace(current_user, '_owner$', '');
  missing record;
BEGIN
  UPDATE yellow_access.server_session s SET gone_at = clock_timestamp() WHERE NOT s.ended AND s.gone_at IS NULL
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = s.process AND a.usename = prefix || '_tmp_' || s.request);
  FOR missing IN UPDATE yellow_access.server_session s SET ended = true WHERE NOT s.ended AND s.gone_at < clock_timestamp() - make_interval(secs => patience)
                 RETURNING s.id, s.request, s.session, s.client, s.last_line LOOP
    PERFORM yellow_access.audit_add((SELECT person FROM yellow_access.request WHERE id = missing.request), 'access.server_line', missing.id, missing.request,
      jsonb_build_object('kind', 'missing_end', 'number', missing.last_line, 'recorded', missing.session, 'client', missing.client, 'flags', ARRAY['log_gap']));
  END LOOP;
  FOR missing IN SELECT a.subject AS session, (a.details ->> 'client')::bigint AS client, s.request, r.person, (a.details ->> 'process')::bigint AS process, a.at
                 FROM yellow_access.session s JOIN yellow_access.request r ON r.id = s.request
                 JOIN yellow_access.audit a ON a.request = r.id AND a.action = 'access.statement' AND a.details ->> 'kind' = 'server' AND a.subject = s.id
                 WHERE s.ended_at < clock_timestamp() - make_interval(secs => patience) AND r.state NOT IN ('accepted', 'escalated')
                   AND NOT EXISTS (SELECT FROM yellow_access.server_session l WHERE l.session = s.id AND l.client = (a.details ->> 'client')::bigint) LOOP
    INSERT INTO yellow_access.server_session (id, request, process, began_at, session, client, ended)
    VALUES (missing.session || '/' || missing.client, missing.request, missing.process, missing.at, missing.session, missing.client, true);
    PERFORM yellow_access.audit_add(missing.person, 'access.server_line', missing.session, missing.request,
      jsonb_build_object('kind', 'missing_session', 'recorded', missing.session, 'client', missing.client, 'flags', ARRAY['log_gap']));
  END LOOP;
END
$function$;

-- What was stated under a request, in order; and what the server's log says against that.
CREATE OR REPLACE FUNCTION yellow_access.statements(request_id text) RETURNS TABLE (session text, at timestamptz, fact jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT subject, at, details FROM yellow_access.audit
  WHERE request = request_id AND (action = 'access.statement' OR (action = 'access.server_line' AND details -> 'flags' <> '[]')) ORDER BY id
$function$;

-- Of each request, or one.
DROP FUNCTION yellow_access.flags();
CREATE FUNCTION yellow_access.flags(of_request text) RETURNS TABLE (request text, flag text, times bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF of_request = '' THEN
    RETURN QUERY SELECT a.request, f.flag, count(*) FROM yellow_access.audit a, jsonb_array_elements_text(a.details -> 'flags') AS f (flag)
    WHERE a.action IN ('access.statement', 'access.server_line') GROUP BY 1, 2 ORDER BY 1, 2;
  ELSE
    RETURN QUERY SELECT a.request, f.flag, count(*) FROM yellow_access.audit a, jsonb_array_elements_text(a.details -> 'flags') AS f (flag)
    WHERE a.request = of_request AND a.request <> '' AND a.action IN ('access.statement', 'access.server_line') GROUP BY 1, 2 ORDER BY 1, 2;
  END IF;
END
$function$;

-- Sessions that nobody has ended, with the processes of the server that serve them.
DROP FUNCTION yellow_access.open_sessions();
CREATE FUNCTION yellow_access.open_sessions()
RETURNS TABLE (id text, request text, recording text, holder text, is_over boolean, processes integer[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT s.id, s.request, s.recording, s.holder, coalesce(r.ended_at < clock_timestamp() - interval '10 minutes', false),
         ARRAY(SELECT (a.details ->> 'process')::integer FROM yellow_access.audit a
               WHERE a.request = s.request AND a.subject = s.id AND a.action = 'access.statement' AND a.details ->> 'kind' = 'server')
  FROM yellow_access.session s JOIN yellow_access.request r ON r.id = s.request WHERE s.ended_at IS NULL ORDER BY s.began_at
$function$;

-- ---- Evidence: the files of a session, and who has read them. They are kept for a time; their digests stay in the audit log.

ALTER TABLE yellow_access.session ADD COLUMN statements_bytes bigint, ADD COLUMN statements_sha256 text, ADD COLUMN evidence_deleted_at timestamptz;

-- The sealed file of what was asked of the database in a session, before its end is recorded.
CREATE FUNCTION yellow_access.statements_kept(session_id text, size bigint, digest text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  UPDATE yellow_access.session SET statements_bytes = size, statements_sha256 = digest WHERE id = session_id AND ended_at IS NULL
$function$;

CREATE FUNCTION yellow_access.statements_of(recording text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $function$
  SELECT replace(recording, '.cast.', '.statements.')
$function$;

-- Without a digest there is no recording: it never began, or lies on another machine.
CREATE OR REPLACE FUNCTION yellow_access.session_ended(session_id text, why text, size bigint, digest text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.session;
BEGIN
  UPDATE yellow_access.session SET ended_at = clock_timestamp(), end_reason = why, bytes = size, sha256 = digest
  WHERE id = session_id AND ended_at IS NULL RETURNING * INTO one;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM yellow_access.audit_add((SELECT person FROM yellow_access.request WHERE id = one.request), 'access.session_end', session_id, one.request,
    jsonb_build_object('reason', why) ||
    CASE WHEN digest = '' THEN '{}' ELSE jsonb_build_object('recording', jsonb_build_object('file', one.recording, 'bytes', size, 'sha256', digest)) END ||
    CASE WHEN coalesce(one.statements_sha256, '') = '' THEN '{}' ELSE jsonb_build_object('statements', jsonb_build_object(
      'file', yellow_access.statements_of(one.recording), 'bytes', one.statements_bytes, 'sha256', one.statements_sha256)) END);
END
$function$;

-- What the audit log binds of the sessions of a request, in order.
CREATE FUNCTION yellow_access.evidence(request_id text)
RETURNS TABLE (session text, what text, file text, bytes bigint, sha256 text, deleted_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT a.subject, w.what, a.details -> w.what ->> 'file', (a.details -> w.what ->> 'bytes')::bigint, a.details -> w.what ->> 'sha256', s.evidence_deleted_at
  FROM yellow_access.audit a JOIN yellow_access.session s ON s.id = a.subject CROSS JOIN (VALUES (1, 'recording'), (2, 'statements')) w (place, what)
  WHERE a.request = request_id AND a.action = 'access.session_end' AND a.details ? w.what ORDER BY a.id, w.place
$function$;

-- Before somebody is given such a file; whoever calls, never the person whose session it was.
CREATE FUNCTION yellow_access.evidence_read(who text, request_id text, session_id text, which text, digest text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.person = who THEN RAISE EXCEPTION 'nobody reads the recording of a session of their own' USING ERRCODE = 'insufficient_privilege'; END IF;
  IF NOT EXISTS (SELECT FROM yellow_access.evidence(request_id) e
                 WHERE e.session = session_id AND e.what = which AND e.sha256 = digest AND e.deleted_at IS NULL) THEN
    RAISE EXCEPTION 'there is no such recording' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM yellow_access.audit_add(who, 'access.read', session_id, request_id, jsonb_build_object('what', which, 'sha256', digest));
END
$function$;

-- What has been kept for so many seconds since its session and its review ended. `may_go`: its end is recorded in the chain, for long
-- enough that nobody who reads the chain now misses the file.
CREATE FUNCTION yellow_access.evidence_due(kept_for bigint) RETURNS TABLE (session text, recording text, statements text, may_go boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT s.id, s.recording, yellow_access.statements_of(s.recording), s.evidence_deleted_at IS NOT NULL
  FROM yellow_access.session s JOIN yellow_access.request r ON r.id = s.request JOIN yellow_access.review v ON v.request = s.request
  WHERE r.state IN ('accepted', 'escalated') AND CASE WHEN s.evidence_deleted_at IS NULL
    THEN greatest(s.ended_at, v.at) < clock_timestamp() - make_interval(secs => kept_for)
    ELSE s.evidence_deleted_at < clock_timestamp() - interval '1 minute' AND EXISTS (
      SELECT FROM yellow_access.audit a
      WHERE a.request = s.request AND a.action = 'access.evidence_deleted' AND a.subject = s.id AND a.sequence IS NOT NULL) END
  ORDER BY s.began_at, s.id
$function$;

-- Its files are to go; what they were stays. Never before the review is over, whoever calls.
CREATE FUNCTION yellow_access.evidence_delete(session_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.session;
BEGIN
  UPDATE yellow_access.session s SET evidence_deleted_at = clock_timestamp() FROM yellow_access.request r
  WHERE s.id = session_id AND r.id = s.request AND r.state IN ('accepted', 'escalated') AND s.ended_at IS NOT NULL AND s.evidence_deleted_at IS NULL
  RETURNING s.* INTO one;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the recordings of session % are still needed, or gone', session_id USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM yellow_access.audit_add('yellow', 'access.evidence_deleted', session_id, one.request, jsonb_build_object('files', coalesce(
    (SELECT jsonb_agg(jsonb_build_object('file', e.file, 'bytes', e.bytes, 'sha256', e.sha256)) FROM yellow_access.evidence(one.request) e
     WHERE e.session = session_id), '[]')));
END
$function$;

-- ---- The rights of Yellow's own logins, with those on the audit log.
CREATE OR REPLACE FUNCTION yellow_access.grant_rights() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  prefix text := regexp_replace(current_user, '_owner$', '');
  called text;
BEGIN
  PERFORM yellow_access.grant_audit_rights();
  FOREACH called IN ARRAY ARRAY[
    'ask(text, text, text, integer, text, text, text[], text, integer, integer, text, jsonb, text)',
    'edit(text, text, integer, text, text, text, jsonb, text)',
    'vote(text, text, text, boolean, text)', 'withdraw(text, text)', 'lapse(text)', 'activate(text, text, text, text[])',
    'finish(text, text, text, text)', 'disabled(text, integer)', 'dropped(text, integer)', 'judge(text, text, boolean, text)',
    'session_began(text, text, text, text)', 'session_ended(text, text, bigint, text)', 'stated(text, jsonb)',
    'requests()', 'votes()', 'sessions()', 'open_sessions()', 'reviews()', 'statements(text)', 'flags(text)', 'statement_counts(text)', 'due()',
    'operations()',
    'server_lines(text, bigint, bigint, jsonb)', 'server_log_positions()', 'server_log_gone(text)', 'server_gaps(integer)',
    'statements_kept(text, bigint, text)', 'evidence(text)', 'evidence_read(text, text, text, text, text)', 'evidence_due(bigint)', 'evidence_delete(text)']
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.%s TO %I', called, prefix || '_access');
  END LOOP;
  -- Who tells people.
  EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.alarms() TO %I', prefix || '_engine');
  -- Who does what was approved.
  FOREACH called IN ARRAY ARRAY['operations_open()', 'operation_begin(text, text, text)', 'operation_renew(text, text)',
                            'operation_end(text, text, boolean, jsonb)', 'space_owe(text, text, text[])', 'space_owed()'] LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.%s TO %I, %I', called, prefix || '_engine', prefix || '_ingest_out');
  END LOOP;
  -- Whoever makes logins looks for itself whether there is an active request.
  EXECUTE format('GRANT USAGE ON SCHEMA yellow_access TO %I', prefix || '_roles');
  EXECUTE format('GRANT SELECT (id, state, expires_at, grants) ON yellow_access.request TO %I', prefix || '_roles');
  -- And whether there is a run that is to begin.
  EXECUTE format('GRANT SELECT (id, transformer, state) ON yellow.run TO %I', prefix || '_roles');
  EXECUTE format('GRANT SELECT (key, workspace) ON yellow.transformer TO %I', prefix || '_roles');
  EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.run_opened(text, text, text, text, text[], timestamptz) TO %I', prefix || '_roles');
END
$function$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA yellow_access FROM PUBLIC;
SELECT yellow_access.grant_rights();
