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
