-- Yellow's own state, from version 6 to version 7: who has asked for access, who has approved it, and what has become of it. Only the
-- functions below change it; each checks what must hold whoever calls, moves by compare-and-set and writes its audit record in the same
-- transaction. Who is a person, who is senior and what a scope is worth stands in the model, so their caller checks that.

CREATE TABLE yellow_access.request (
  id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
  kind text NOT NULL CHECK (kind IN ('regular', 'break_glass')),
  person text NOT NULL CHECK (person <> ''),
  scope text NOT NULL CHECK (scope <> ''),
  seconds integer NOT NULL CHECK (seconds > 0),
  ticket text NOT NULL CHECK (ticket <> ''),
  reason text NOT NULL CHECK (reason <> ''),
  grants text[] NOT NULL CHECK (cardinality(grants) > 0),   -- groups that its login is to be a member of
  content_hash text NOT NULL,                                -- of all that is above
  approvers integer NOT NULL CHECK (approvers > 0),
  state text NOT NULL DEFAULT 'pending',
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  lapses_at timestamptz NOT NULL,                            -- if it is not active by then
  activated_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  end_reason text NOT NULL DEFAULT '',
  revoked boolean NOT NULL DEFAULT false,                    -- it was ended by a senior
  review_due_at timestamptz,
  CONSTRAINT break_glass_is_short CHECK (kind <> 'break_glass' OR seconds <= 1800),
  CONSTRAINT break_glass_takes_two CHECK (kind <> 'break_glass' OR approvers >= 2)
);
CREATE INDEX ON yellow_access.request (ticket);
CREATE INDEX ON yellow_access.request (state);

CREATE TABLE yellow_access.vote (
  request text NOT NULL REFERENCES yellow_access.request,
  person text NOT NULL CHECK (person <> ''),
  content_hash text NOT NULL,      -- of exactly what was approved
  approves boolean NOT NULL,
  note text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (request, person)
);

-- A terminal session under a request. sha256 and bytes are of its recording.
CREATE TABLE yellow_access.session (
  id text PRIMARY KEY,
  request text NOT NULL REFERENCES yellow_access.request,
  began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  recording text NOT NULL,         -- its file, in the data folder of the service
  holder text NOT NULL,            -- the service's process, host:pid:start
  ended_at timestamptz,
  end_reason text NOT NULL DEFAULT '',
  bytes bigint,
  sha256 text
);
CREATE INDEX ON yellow_access.session (request);

CREATE TABLE yellow_access.review (
  request text PRIMARY KEY REFERENCES yellow_access.request,
  person text NOT NULL CHECK (person <> ''),
  accepts boolean NOT NULL,
  sentence text NOT NULL CHECK (sentence <> ''),
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Statements are looked up by their request.
CREATE INDEX ON yellow_access.audit (request) WHERE request <> '';

CREATE TABLE yellow_access.transition (from_state text NOT NULL, to_state text NOT NULL, PRIMARY KEY (from_state, to_state));
INSERT INTO yellow_access.transition VALUES
  ('pending', 'approved'), ('pending', 'denied'), ('pending', 'withdrawn'), ('pending', 'lapsed'), ('pending', 'pending'),
  ('approved', 'pending'), ('approved', 'active'), ('approved', 'denied'), ('approved', 'withdrawn'), ('approved', 'lapsed'),
  ('active', 'expired'), ('active', 'revoked'), ('active', 'released'),
  ('expired', 'disabled'), ('revoked', 'disabled'), ('released', 'disabled'),
  ('disabled', 'dropped'), ('dropped', 'in_review'), ('in_review', 'accepted'), ('in_review', 'escalated');

-- ---- What the functions share; nobody else may call it.

CREATE FUNCTION yellow_access.find(request_id text) RETURNS yellow_access.request
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  found_one yellow_access.request;
BEGIN
  SELECT * INTO found_one FROM yellow_access.request WHERE id = request_id FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such request: %', request_id USING ERRCODE = 'no_data_found'; END IF;
  RETURN found_one;
END
$function$;

CREATE FUNCTION yellow_access.move(one yellow_access.request, next_state text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM yellow_access.transition WHERE from_state = one.state AND to_state = next_state) THEN
    RAISE EXCEPTION 'the request is %', one.state USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE yellow_access.request SET state = next_state WHERE id = one.id AND state = one.state;
  IF NOT FOUND THEN RAISE EXCEPTION 'the request has changed meanwhile' USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
END
$function$;

CREATE FUNCTION yellow_access.require_unused(ticket_name text, request_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF EXISTS (SELECT FROM yellow_access.request WHERE ticket = ticket_name AND id <> request_id
             AND state NOT IN ('pending', 'approved', 'active', 'denied', 'withdrawn', 'lapsed')) THEN
    RAISE EXCEPTION 'a request with this ticket was closed already: %', ticket_name USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$function$;

-- ---- A request's life until it is active.

CREATE FUNCTION yellow_access.ask(request_id text, asker text, wanted text, for_seconds integer, ticket_name text, why text, groups text[],
                                  hash text, needed integer, lapses_in integer, which_kind text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  PERFORM yellow_access.require_unused(ticket_name, request_id);
  INSERT INTO yellow_access.request (id, kind, person, scope, seconds, ticket, reason, grants, content_hash, approvers, lapses_at)
  VALUES (request_id, which_kind, asker, wanted, for_seconds, ticket_name, why, groups, hash, needed, clock_timestamp() + make_interval(secs => lapses_in));
  PERFORM yellow_access.audit_add(asker, 'access.request', wanted, request_id, jsonb_build_object(
    'kind', which_kind, 'seconds', for_seconds, 'ticket', ticket_name, 'reason', why, 'grants', groups, 'content', hash, 'approvers', needed));
END
$function$;

-- What was approved is not what is asked for any more, so every vote is void.
CREATE FUNCTION yellow_access.edit(request_id text, editor text, for_seconds integer, ticket_name text, why text, hash text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.person <> editor THEN RAISE EXCEPTION 'only who has asked may change it' USING ERRCODE = 'insufficient_privilege'; END IF;
  PERFORM yellow_access.require_unused(ticket_name, request_id);
  PERFORM yellow_access.move(one, 'pending');
  UPDATE yellow_access.request SET seconds = for_seconds, ticket = ticket_name, reason = why, content_hash = hash WHERE id = request_id;
  DELETE FROM yellow_access.vote WHERE request = request_id;
  PERFORM yellow_access.audit_add(editor, 'access.edit', one.scope, request_id, jsonb_build_object(
    'seconds', for_seconds, 'ticket', ticket_name, 'reason', why, 'content', hash, 'before', one.content_hash));
END
$function$;

CREATE FUNCTION yellow_access.vote(request_id text, voter text, hash text, yes boolean, why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
  next_state text := one.state;
BEGIN
  IF one.person = voter THEN RAISE EXCEPTION 'nobody votes on a request of their own' USING ERRCODE = 'insufficient_privilege'; END IF;
  IF one.state NOT IN ('pending', 'approved') OR (one.state = 'approved' AND yes) OR one.lapses_at <= clock_timestamp() THEN
    RAISE EXCEPTION 'the request is %', CASE WHEN one.lapses_at <= clock_timestamp() THEN 'lapsed' ELSE one.state END
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  IF one.content_hash IS DISTINCT FROM hash THEN
    RAISE EXCEPTION 'the request is not what the vote is for' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  -- Who has approved may still deny; nobody approves twice.
  IF yes AND EXISTS (SELECT FROM yellow_access.vote WHERE request = request_id AND person = voter) THEN
    RAISE EXCEPTION '% has voted already', voter USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO yellow_access.vote (request, person, content_hash, approves, note) VALUES (request_id, voter, hash, yes, why)
  ON CONFLICT (request, person) DO UPDATE SET approves = false, note = excluded.note, at = clock_timestamp();
  IF NOT yes THEN
    next_state := 'denied';
  ELSIF (SELECT count(*) FROM yellow_access.vote WHERE request = request_id AND approves AND content_hash = hash) >= one.approvers THEN
    next_state := 'approved';
  END IF;
  IF next_state <> one.state THEN PERFORM yellow_access.move(one, next_state); END IF;
  PERFORM yellow_access.audit_add(voter, CASE WHEN yes THEN 'access.approve' ELSE 'access.deny' END, one.scope, request_id,
    jsonb_build_object('content', hash, 'note', why, 'state', next_state, 'for', one.person));
  RETURN next_state;
END
$function$;

CREATE FUNCTION yellow_access.withdraw(request_id text, asker text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.person <> asker THEN RAISE EXCEPTION 'only who has asked may withdraw it' USING ERRCODE = 'insufficient_privilege'; END IF;
  PERFORM yellow_access.move(one, 'withdrawn');
  PERFORM yellow_access.audit_add(asker, 'access.withdraw', one.scope, request_id, '{}');
END
$function$;

CREATE FUNCTION yellow_access.lapse(request_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.lapses_at > clock_timestamp() THEN RAISE EXCEPTION 'its time is not over' USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
  PERFORM yellow_access.move(one, 'lapsed');
  PERFORM yellow_access.audit_add('yellow', 'access.lapse', one.scope, request_id, jsonb_build_object('for', one.person));
END
$function$;

-- seniors: who may approve it as the model is now; what others have approved counts no more.
CREATE FUNCTION yellow_access.activate(request_id text, asker text, hash text, seniors text[]) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
  began timestamptz := clock_timestamp();
  good integer;
BEGIN
  IF one.person <> asker THEN RAISE EXCEPTION 'only who has asked may use it' USING ERRCODE = 'insufficient_privilege'; END IF;
  IF one.state = 'approved' AND one.lapses_at <= began THEN
    RAISE EXCEPTION 'the request is lapsed' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  IF one.content_hash IS DISTINCT FROM hash THEN
    RAISE EXCEPTION 'the request has changed meanwhile' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM yellow_access.require_unused(one.ticket, request_id);
  SELECT count(*) INTO good FROM yellow_access.vote
  WHERE request = request_id AND approves AND content_hash = hash AND person <> asker AND person = ANY (seniors);
  IF one.state = 'approved' AND good < one.approvers THEN
    RAISE EXCEPTION 'of % who have to approve it % may do so now', one.approvers, good USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM yellow_access.move(one, 'active');
  UPDATE yellow_access.request SET activated_at = began, expires_at = began + make_interval(secs => seconds) WHERE id = request_id
  RETURNING expires_at INTO one.expires_at;
  PERFORM yellow_access.audit_add(asker, 'access.activate', one.scope, request_id,
    jsonb_build_object('expires_at', one.expires_at, 'ticket', one.ticket, 'content', hash));
  IF one.kind = 'break_glass' THEN
    PERFORM yellow_access.audit_add(asker, 'access.break_glass', one.scope, request_id, jsonb_build_object(
      'ticket', one.ticket, 'reason', one.reason, 'seconds', one.seconds, 'approvers',
      (SELECT jsonb_agg(person ORDER BY person) FROM yellow_access.vote WHERE request = request_id AND approves AND content_hash = hash)));
  END IF;
  RETURN one.expires_at;
END
$function$;

-- ---- Its end.

CREATE FUNCTION yellow_access.finish(request_id text, who text, next_state text, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF next_state NOT IN ('expired', 'revoked', 'released') THEN RAISE EXCEPTION 'not an end: %', next_state; END IF;
  IF next_state = 'released' AND one.person <> who THEN
    RAISE EXCEPTION 'only who has it may give it back' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF next_state = 'expired' AND one.expires_at > clock_timestamp() THEN
    RAISE EXCEPTION 'its time is not over' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM yellow_access.move(one, next_state);
  UPDATE yellow_access.request SET ended_at = clock_timestamp(), end_reason = why, revoked = next_state = 'revoked' WHERE id = request_id;
  PERFORM yellow_access.audit_add(who, CASE next_state WHEN 'expired' THEN 'access.expire' WHEN 'revoked' THEN 'access.revoke' ELSE 'access.release' END,
    one.scope, request_id, jsonb_build_object('reason', why, 'for', one.person));
END
$function$;

-- What was done to its login; only then.
CREATE FUNCTION yellow_access.disabled(request_id text, sessions integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  PERFORM yellow_access.move(one, 'disabled');
  PERFORM yellow_access.audit_add('yellow', 'access.disable', one.scope, request_id, jsonb_build_object('for', one.person, 'sessions_ended', sessions));
END
$function$;

-- A break-glass is reviewed within an hour, whatever the caller says.
CREATE FUNCTION yellow_access.dropped(request_id text, review_within integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  PERFORM yellow_access.move(one, 'dropped');
  one.state := 'dropped';
  PERFORM yellow_access.audit_add('yellow', 'access.drop', one.scope, request_id, jsonb_build_object('for', one.person));
  PERFORM yellow_access.move(one, 'in_review');
  UPDATE yellow_access.request SET review_due_at = clock_timestamp() + make_interval(secs =>
    CASE WHEN one.kind = 'break_glass' THEN least(review_within, 3600) ELSE review_within END) WHERE id = request_id;
END
$function$;

CREATE FUNCTION yellow_access.judge(request_id text, reviewer text, yes boolean, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.person = reviewer THEN RAISE EXCEPTION 'nobody reviews a session of their own' USING ERRCODE = 'insufficient_privilege'; END IF;
  PERFORM yellow_access.move(one, CASE WHEN yes THEN 'accepted' ELSE 'escalated' END);
  INSERT INTO yellow_access.review (request, person, accepts, sentence) VALUES (request_id, reviewer, yes, why);
  PERFORM yellow_access.audit_add(reviewer, CASE WHEN yes THEN 'access.accept' ELSE 'access.escalate' END, one.scope, request_id,
    jsonb_build_object('sentence', why, 'for', one.person, 'late', clock_timestamp() > one.review_due_at));
END
$function$;

-- ---- Sessions.

CREATE FUNCTION yellow_access.session_began(session_id text, request_id text, recording_file text, service text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.request := yellow_access.find(request_id);
BEGIN
  IF one.state <> 'active' OR one.expires_at <= clock_timestamp() THEN
    RAISE EXCEPTION 'the request is %', CASE WHEN one.state = 'active' THEN 'expired' ELSE one.state END USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  INSERT INTO yellow_access.session (id, request, recording, holder) VALUES (session_id, request_id, recording_file, service);
  PERFORM yellow_access.audit_add(one.person, 'access.session', session_id, request_id, jsonb_build_object('file', recording_file));
END
$function$;

-- Without a digest there is no recording: it never began, or lies on another machine.
CREATE FUNCTION yellow_access.session_ended(session_id text, why text, size bigint, digest text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  one yellow_access.session;
BEGIN
  UPDATE yellow_access.session SET ended_at = clock_timestamp(), end_reason = why, bytes = size, sha256 = digest
  WHERE id = session_id AND ended_at IS NULL RETURNING * INTO one;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM yellow_access.audit_add((SELECT person FROM yellow_access.request WHERE id = one.request), 'access.session_end', session_id, one.request,
    jsonb_build_object('reason', why) ||
    CASE WHEN digest = '' THEN '{}' ELSE jsonb_build_object('recording', jsonb_build_object('file', one.recording, 'bytes', size, 'sha256', digest)) END);
END
$function$;

-- A statement that was asked for under a request, with the flags of SECURITY 6.
CREATE FUNCTION yellow_access.stated(session_id text, fact jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT yellow_access.audit_add(r.person, 'access.statement', s.id, r.id, fact)
  FROM yellow_access.session s JOIN yellow_access.request r ON r.id = s.request WHERE s.id = session_id
$function$;

-- ---- What is read.

CREATE FUNCTION yellow_access.requests() RETURNS SETOF yellow_access.request
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT * FROM yellow_access.request ORDER BY requested_at DESC, id
$function$;

CREATE FUNCTION yellow_access.votes() RETURNS SETOF yellow_access.vote
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT * FROM yellow_access.vote ORDER BY at, person
$function$;

CREATE FUNCTION yellow_access.sessions() RETURNS SETOF yellow_access.session
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT * FROM yellow_access.session ORDER BY began_at, id
$function$;

CREATE FUNCTION yellow_access.reviews() RETURNS SETOF yellow_access.review
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT * FROM yellow_access.review ORDER BY at, request
$function$;

-- Those that nobody has ended, and whether they must have: no session outlives its request by more than seconds.
CREATE FUNCTION yellow_access.open_sessions() RETURNS TABLE (id text, recording text, holder text, is_over boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT s.id, s.recording, s.holder, coalesce(r.ended_at < clock_timestamp() - interval '10 minutes', false)
  FROM yellow_access.session s JOIN yellow_access.request r ON r.id = s.request WHERE s.ended_at IS NULL ORDER BY s.began_at
$function$;

-- What was stated under a request, in order; every fact that was recorded of it.
CREATE FUNCTION yellow_access.statements(request_id text) RETURNS TABLE (session text, at timestamptz, fact jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT subject, at, details FROM yellow_access.audit WHERE request = request_id AND action = 'access.statement' ORDER BY id
$function$;

-- How often each flag of SECURITY 6 was set, of each request.
CREATE FUNCTION yellow_access.flags() RETURNS TABLE (request text, flag text, times bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT a.request, f.flag, count(*) FROM yellow_access.audit a, jsonb_array_elements_text(a.details -> 'flags') AS f (flag)
  WHERE a.action = 'access.statement' GROUP BY 1, 2 ORDER BY 1, 2
$function$;

-- How many statements were sent, under each request.
CREATE FUNCTION yellow_access.statement_counts() RETURNS TABLE (request text, times bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT request, count(*) FROM yellow_access.audit
  WHERE request <> '' AND action = 'access.statement' AND details ->> 'kind' IN ('query', 'parse', 'function') GROUP BY 1
$function$;

-- What everybody is to be told of until it is reviewed. The reason that somebody gave is not told: it may hold values of rows.
CREATE FUNCTION yellow_access.alarms() RETURNS TABLE (key text, code text, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT 'Access/' || id, 'break_glass', format('%s has broken the glass: %s, ticket %s', person, scope, ticket)
  FROM yellow_access.request
  WHERE kind = 'break_glass' AND state IN ('active', 'expired', 'revoked', 'released', 'disabled', 'dropped', 'in_review')
  UNION ALL
  SELECT 'Review/' || id, 'review_overdue', format('nobody has reviewed in time what %s did: %s, ticket %s', person, scope, ticket)
  FROM yellow_access.request WHERE state = 'in_review' AND review_due_at < clock_timestamp()
  ORDER BY 1
$function$;
ALTER TABLE yellow.notice DROP CONSTRAINT notice_event_check,
  ADD CONSTRAINT notice_event_check CHECK (event IN ('held', 'failed', 'stale', 'access', 'over'));

-- What the reaper has to do now.
CREATE FUNCTION yellow_access.due() RETURNS TABLE (request text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
  SELECT id, state FROM yellow_access.request
  WHERE state IN ('expired', 'revoked', 'released', 'disabled') OR (state = 'active' AND expires_at <= clock_timestamp())
     OR (state IN ('pending', 'approved') AND lapses_at <= clock_timestamp())
  ORDER BY requested_at
$function$;

-- The rights of Yellow's own logins, with those of the version before.
ALTER FUNCTION yellow_access.grant_rights() RENAME TO grant_audit_rights;
CREATE FUNCTION yellow_access.grant_rights() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  prefix text := regexp_replace(current_user, '_owner$', '');
  called text;
BEGIN
  PERFORM yellow_access.grant_audit_rights();
  FOREACH called IN ARRAY ARRAY[
    'ask(text, text, text, integer, text, text, text[], text, integer, integer, text)', 'edit(text, text, integer, text, text, text)',
    'vote(text, text, text, boolean, text)', 'withdraw(text, text)', 'lapse(text)', 'activate(text, text, text, text[])',
    'finish(text, text, text, text)', 'disabled(text, integer)', 'dropped(text, integer)', 'judge(text, text, boolean, text)',
    'session_began(text, text, text, text)', 'session_ended(text, text, bigint, text)', 'stated(text, jsonb)',
    'requests()', 'votes()', 'sessions()', 'open_sessions()', 'reviews()', 'statements(text)', 'flags()', 'statement_counts()', 'due()']
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.%s TO %I', called, prefix || '_access');
  END LOOP;
  -- Who tells people.
  EXECUTE format('GRANT EXECUTE ON FUNCTION yellow_access.alarms() TO %I', prefix || '_engine');
  -- Whoever makes logins looks for itself whether there is an active request.
  EXECUTE format('GRANT USAGE ON SCHEMA yellow_access TO %I', prefix || '_roles');
  EXECUTE format('GRANT SELECT (id, state, expires_at, grants) ON yellow_access.request TO %I', prefix || '_roles');
END
$function$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA yellow_access FROM PUBLIC;
SELECT yellow_access.grant_rights();
