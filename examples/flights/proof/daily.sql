-- Delays.daily, asked of the source itself and written in another way.
SELECT (year || '-' || month || '-' || day)::date AS day, carrier, origin,
       count(*) AS flights,
       count(*) FILTER (WHERE dep_time IS NULL) AS cancelled,
       count(*) FILTER (WHERE arr_delay IS NOT NULL) AS arrived,
       sum(arr_delay) AS arrival_delay_minutes,
       round(sum(dep_delay)::numeric / nullif(count(dep_delay), 0), 2) AS mean_departure_delay,
       round(((array_agg(dep_delay ORDER BY dep_delay))[(count(dep_delay) + 1) / 2]
            + (array_agg(dep_delay ORDER BY dep_delay))[(count(dep_delay) + 2) / 2])::numeric / 2, 1) AS median_departure_delay,
       round(sum(arr_delay)::numeric / nullif(count(arr_delay), 0), 2) AS mean_arrival_delay,
       round(((array_agg(arr_delay ORDER BY arr_delay))[(count(arr_delay) + 1) / 2]
            + (array_agg(arr_delay ORDER BY arr_delay))[(count(arr_delay) + 2) / 2])::numeric / 2, 1) AS median_arrival_delay
FROM public.flights
GROUP BY year, month, day, carrier, origin
ORDER BY 1, 2, 3
