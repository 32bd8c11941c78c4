-- A day of one carrier at one airport. The sum stands beside the means because sums of days add up to a month's, and means do not.
SELECT make_date(year, month, day) AS day, carrier, origin,
       count(*) AS flights,
       count(*) - count(dep_time) AS cancelled,
       count(arr_delay) AS arrived,
       sum(arr_delay) AS arrival_delay_minutes,
       round(avg(dep_delay), 2) AS mean_departure_delay,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY dep_delay))::numeric, 1) AS median_departure_delay,
       round(avg(arr_delay), 2) AS mean_arrival_delay,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY arr_delay))::numeric, 1) AS median_arrival_delay
FROM Flights.flights
GROUP BY year, month, day, carrier, origin
