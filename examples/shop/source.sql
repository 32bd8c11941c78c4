-- The shop's own database: 3,000 customers and their addresses, the same on every machine.
-- pick(list, i, salt) chooses by a hash of a row number, so no random generator and no clock is involved.

CREATE FUNCTION pg_temp.pick(list text[], i bigint, salt bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT list[(1 + (hashint8extended(i, salt) & 2147483647) % cardinality(list))::int] $$;

CREATE FUNCTION pg_temp.number(i bigint, salt bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(i, salt) & 2147483647) % below $$;

CREATE TABLE customers (
  id        varchar(20) PRIMARY KEY,
  firstname varchar(100) NOT NULL,
  lastname  varchar(100) NOT NULL,
  email     varchar(100),
  phone     varchar(40),
  dob       date
);

CREATE TABLE addresses (
  id          varchar(20) PRIMARY KEY,
  customer_id varchar(20) NOT NULL REFERENCES customers ON DELETE CASCADE,
  street      varchar(200),
  city        varchar(100),
  country     char(2)
);

INSERT INTO customers
SELECT 'C' || lpad(i::text, 5, '0'), f.name, l.name,
       CASE WHEN pg_temp.number(i, 3, 20) = 0 THEN NULL
            ELSE lower(f.name) || '.' || lower(l.name) || i || '@example.com' END,
       CASE WHEN pg_temp.number(i, 4, 10) = 0 THEN NULL
            ELSE '+1-555-' || lpad(pg_temp.number(i, 5, 1000)::text, 3, '0') || '-'
                           || lpad(pg_temp.number(i, 6, 10000)::text, 4, '0') END,
       date '1940-01-01' + pg_temp.number(i, 7, 24000)::int
FROM generate_series(1, 3000) AS i,
     LATERAL (SELECT pg_temp.pick(ARRAY['Amelia', 'Anouk', 'Benedikt', 'Carmen', 'Daniela', 'Edmund', 'Farida', 'Giovanni',
       'Henrike', 'Ibrahim', 'Joanna', 'Katarzyna', 'Leopold', 'Margaux', 'Nikolai', 'Olivia', 'Priyanka', 'Quentin',
       'Rosalind', 'Sebastian', 'Takeshi', 'Ursula', 'Valentina', 'Wilhelm', 'Ximena', 'Yasmin', 'Zoltan', 'Zoë',
       'Søren', 'Łucja'], i, 1) AS name) AS f,
     LATERAL (SELECT pg_temp.pick(ARRAY['Abernathy', 'Bianchi', 'Chowdhury', 'Dubois', 'Eriksson', 'Fernandez', 'Grabowski',
       'Haraldsson', 'Ivanova', 'Jankowski', 'Kowalczyk', 'Lindqvist', 'Moreau', 'Nakamura', 'O''Sullivan', 'Petrov',
       'Quispe', 'Rousseau', 'Schneider', 'Takahashi', 'Ueda', 'Villanueva', 'Weißmüller', 'Yamamoto', 'Zimmermann',
       'Ångström'], i, 2) AS name) AS l;

INSERT INTO addresses
SELECT 'A' || lpad(i::text, 5, '0'),
       'C' || lpad((1 + pg_temp.number(i, 11, 3000))::text, 5, '0'),
       (1 + pg_temp.number(i, 12, 300)) || ' ' || pg_temp.pick(ARRAY['Acacia Avenue', 'Birchwood Lane', 'Chestnut Street',
         'Dovecote Road', 'Elmfield Terrace', 'Foxglove Crescent', 'Granary Wharf', 'Hawthorn Close', 'Ivybridge Mews',
         'Juniper Drive', 'Kestrel Way', 'Lavender Hill'], i, 13),
       p.place[1], p.place[2]
FROM generate_series(1, 4000) AS i,
     LATERAL (SELECT string_to_array(pg_temp.pick(ARRAY['Lisbon:PT', 'Porto:PT', 'Lyon:FR', 'Nantes:FR', 'Leeds:GB', 'Cardiff:GB',
       'Bremen:DE', 'Dresden:DE', 'Turin:IT', 'Bologna:IT', 'Gdynia:PL', 'Malmö:SE', 'Aarhus:DK', 'Boston:US'],
       i, 14), ':') AS place) AS p;
