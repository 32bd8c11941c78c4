-- Ranking.monthly, from the single flights: no day was added up on the way, and a rank is one more than the number of those who were better.
WITH months AS (
  SELECT make_date(year, month, 1) AS month, origin, carrier,
         count(*) AS flights,
         count(*) FILTER (WHERE dep_time IS NULL) AS cancelled,
         round(avg(arr_delay), 2) AS mean_arrival_delay
  FROM public.flights
  GROUP BY year, flights.month, origin, carrier
)
SELECT m.month, m.origin, m.carrier,
       1 + (SELECT count(*) FROM months AS better
            WHERE better.month = m.month AND better.origin = m.origin
              AND coalesce(better.mean_arrival_delay, 'infinity') < coalesce(m.mean_arrival_delay, 'infinity')) AS rank,
       (SELECT name FROM public.airlines WHERE airlines.carrier = m.carrier) AS airline,
       m.flights, m.cancelled, m.mean_arrival_delay
FROM months AS m
ORDER BY 1, 2, 3
