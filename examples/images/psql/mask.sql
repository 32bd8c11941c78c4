-- Initials instead of names, the year instead of the day of birth; contacts and streets are left out. On the run's snapshot, where there is one (not when Airflow takes the
-- steps), and both tables as of one moment in any case.
BEGIN ISOLATION LEVEL REPEATABLE READ;
\if :{?snapshot}
  \set ON_ERROR_STOP 0
  SET TRANSACTION SNAPSHOT :'snapshot';
  \if :ERROR
    \! touch /tmp/snapshot_is_gone
  \endif
  \set ON_ERROR_STOP 1
\endif
INSERT INTO :masked_customers (id, firstname, lastname, dob)
SELECT id, left(firstname, 1) || '.', left(lastname, 1) || '.', date_trunc('year', dob)::date FROM :customers;
\echo :ROW_COUNT 'customers are masked'
INSERT INTO :masked_addresses (id, customer_id, city, country)
SELECT id, customer_id, city, country FROM :addresses;
COMMIT;
