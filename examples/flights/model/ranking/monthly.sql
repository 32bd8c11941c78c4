-- Who is late the least: the carriers of each airport, month by month. Who brought no flight to its end is last.
SELECT m.month, m.origin, m.carrier,
       rank() OVER (PARTITION BY m.month, m.origin ORDER BY m.mean_arrival_delay NULLS LAST) AS rank,
       a.name AS airline, m.flights, m.cancelled, m.mean_arrival_delay
FROM (SELECT date_trunc('month', day)::date AS month, origin, carrier,
             sum(flights)::bigint AS flights,
             sum(cancelled)::bigint AS cancelled,
             round(sum(arrival_delay_minutes) / nullif(sum(arrived), 0), 2) AS mean_arrival_delay
      FROM Delays.daily
      GROUP BY 1, 2, 3) AS m
JOIN Flights.airlines AS a ON a.carrier = m.carrier
