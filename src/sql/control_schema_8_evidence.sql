-- Of version 8, too: what is known of a session besides what it was sent, and the rights of all of it.

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
