-- Yellow's own state, from version 7 to version 8: requests for what is not a login of the database, as operations that Yellow does itself
-- once they are approved.

ALTER TABLE yellow_access.request
  ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}',  -- of an operation; 'key' says whose row it is, and is forgotten when it is over
  ADD COLUMN salt text NOT NULL DEFAULT '',           -- hashed with them, and forgotten with them
  DROP CONSTRAINT request_grants_check,
  ADD CONSTRAINT request_grants_check CHECK (cardinality(grants) > 0 OR scope ~ '^(op:|kubernetes:|shell$)'),
  ADD CONSTRAINT operation_takes_two CHECK (scope !~ '^op:' OR approvers >= 2);

-- What Yellow has to do under a request: due since its activation, begun by a holder, done or failed. Whoever begins it does it in one
-- transaction, with its end; a holder that is gone has done nothing of it.
CREATE TABLE yellow_access.operation (
  request text PRIMARY KEY REFERENCES yellow_access.request,
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'begun', 'done', 'failed')),
  holder text NOT NULL DEFAULT '',
  began_at timestamptz,
  ended_at timestamptz,
  outcome jsonb NOT NULL DEFAULT '{}'   -- figures, and why it failed; nothing of a row
);

CREATE OR REPLACE FUNCTION yellow_access.move(one yellow_access.request, next_state text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM yellow_access.transition WHERE from_state = one.state AND to_state = next_state) THEN
    RAISE EXCEPTION 'the request is %', one.state USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE yellow_access.request SET state = next_state WHERE id = one.id AND state = one.state;
  IF NOT FOUND THEN RAISE EXCEPTION 'the request has changed meanwhile' USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
  -- Whose row it was is not kept.
  IF next_state IN ('denied', 'withdrawn', 'lapsed', 'dropped') THEN
    UPDATE yellow_access.request SET parameters = parameters - 'key', salt = '' WHERE id = one.id AND parameters ? 'key';
  END IF;
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
CREATE FUNCTION yellow_access.operations_open() RETURNS TABLE (request text, person text, scope text, ticket text, parameters jsonb, holder text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT r.id, r.person, r.scope, r.ticket, r.parameters, o.holder FROM yellow_access.operation o JOIN yellow_access.request r ON r.id = o.request
  WHERE r.state = 'active' AND r.expires_at > clock_timestamp() AND o.state IN ('due', 'begun') ORDER BY r.activated_at, r.id
$function$;

-- One holder takes it, in place of `before`: nobody, or one that is gone. Returns whether it has it.
CREATE FUNCTION yellow_access.operation_begin(request_id text, who text, before text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.state <> 'active' OR one.expires_at <= clock_timestamp() THEN RETURN false; END IF;
  UPDATE yellow_access.operation SET state = 'begun', holder = who, began_at = clock_timestamp()
  WHERE request = request_id AND state IN ('due', 'begun') AND holder = before;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM yellow_access.audit_add(one.person, 'access.operation_begin', one.scope, request_id, jsonb_build_object('ticket', one.ticket));
  RETURN true;
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
  UPDATE yellow_access.request SET ended_at = clock_timestamp(), end_reason = ended WHERE id = request_id;
  PERFORM yellow_access.audit_add(one.person, 'access.operation', one.scope, request_id, jsonb_build_object(
    'succeeded', succeeded, 'outcome', figures, 'ticket', one.ticket, 'parameters', one.parameters - 'key'));
  PERFORM yellow_access.audit_add('yellow', 'access.release', one.scope, request_id, jsonb_build_object('reason', ended, 'for', one.person));
END
$function$;

CREATE FUNCTION yellow_access.operations() RETURNS SETOF yellow_access.operation
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT * FROM yellow_access.operation ORDER BY request
$function$;

-- How many statements were sent, and calls of a cluster made, under each request.
CREATE OR REPLACE FUNCTION yellow_access.statement_counts() RETURNS TABLE (request text, times bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT request, count(*) FROM yellow_access.audit
  WHERE request <> '' AND action = 'access.statement' AND details ->> 'kind' IN ('query', 'parse', 'function', 'call') GROUP BY 1
$function$;

-- The rights of Yellow's own logins, with those on the audit log.
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
    'requests()', 'votes()', 'sessions()', 'open_sessions()', 'reviews()', 'statements(text)', 'flags()', 'statement_counts()', 'due()',
    'operations()']
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.%s TO %I', called, prefix || '_access');
  END LOOP;
  -- Who tells people.
  EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.alarms() TO %I', prefix || '_engine');
  -- Who does what was approved.
  FOREACH called IN ARRAY ARRAY['operations_open()', 'operation_begin(text, text, text)', 'operation_end(text, text, boolean, jsonb)'] LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.%s TO %I, %I', called, prefix || '_engine', prefix || '_ingest_out');
  END LOOP;
  -- Whoever makes logins looks for itself whether there is an active request.
  EXECUTE format('GRANT USAGE ON SCHEMA yellow_access TO %I', prefix || '_roles');
  EXECUTE format('GRANT SELECT (id, state, expires_at, grants) ON yellow_access.request TO %I', prefix || '_roles');
END
$function$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA yellow_access FROM PUBLIC;
SELECT yellow_access.grant_rights();
