-- What only a superuser can do in the merge database; running it again changes nothing. Without it Yellow works, and this is lost: the code of a
-- transformer could take advisory locks and fill large objects (Yellow itself takes no advisory lock, so nothing of it would wait for them),
-- doctor does not see who is idle in a transaction, and the server's log says nothing of what temporary logins ask.
DO $bootstrap$
DECLARE
  routine record;
BEGIN
  FOR routine IN SELECT p.oid::regprocedure AS signature FROM pg_proc p
                 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND (p.proname LIKE 'pg\_advisory%' OR p.proname LIKE 'pg\_try\_advisory%'
                   OR p.proname LIKE 'lo\_%' OR p.proname IN ('loread', 'lowrite'))
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine.signature);
  END LOOP;
END
$bootstrap$;
-- Through yellow_sec.sessions_idle alone: who is idle in a transaction, and since when.
GRANT pg_read_all_stats TO {prefix}_roles;
-- What the log of the server tells of temporary logins is set when they are made; who holds one cannot change it.
GRANT SET ON PARAMETER log_statement, log_min_messages, log_min_error_statement, log_parameter_max_length, lc_messages TO {prefix}_roles;
