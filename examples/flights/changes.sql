-- What happens at the source after the first run: JetBlue's flights from JFK on 31 December arrive half an hour later than was said, and American's
-- flights from LaGuardia of that day are taken out.
UPDATE flights SET dep_delay = dep_delay + 30, arr_delay = arr_delay + 30
WHERE month = 12 AND day = 31 AND carrier = 'B6' AND origin = 'JFK';
DELETE FROM flights WHERE month = 12 AND day = 31 AND carrier = 'AA' AND origin = 'LGA';
