-- A source database as one finds them: thirty tables and more that grew over twenty years, several languages, nothing tidy.
CREATE SCHEMA crm;
SET search_path = crm;

CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped, partly', 'gone');
CREATE TYPE geo AS (lat double precision, lon double precision);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN short_code AS varchar(8);
CREATE DOMAIN strict_positive AS positive NOT NULL;

-- 1: an ordinary table, comments, a guess for nearly every column
CREATE TABLE customers (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        varchar(200) NOT NULL,
  "firstName" varchar(100),
  email       text,
  email_verified boolean NOT NULL DEFAULT false,
  contact_info text,
  date_of_birth date,
  tax_id      char(11),
  phone       bigint,
  created_at  timestamptz NOT NULL DEFAULT '2020-01-01'
);
COMMENT ON TABLE customers IS 'Everyone who ever bought something.
The second line is not for the model: # "quotes" and \backslashes';
COMMENT ON COLUMN customers.contact_info IS 'Telephone or e-mail, as the customer likes';
INSERT INTO customers (name, "firstName", email, date_of_birth, tax_id, phone, contact_info)
SELECT 'Customer ' || i, nullif('F' || i % 7, 'F3'), CASE WHEN i % 5 = 0 THEN '' WHEN i % 5 = 1 THEN NULL ELSE 'c' || i || '@example.com' END,
       date '1950-01-01' + i, lpad(i::text, 11, '0'), 49301000000 + i, 'call ' || i FROM generate_series(1, 50) i;

-- 2: composite key, numeric, enum, domain
CREATE TABLE order_lines (
  order_id integer, line_no smallint, status order_status NOT NULL DEFAULT 'new', quantity positive, code short_code, strict strict_positive,
  price numeric(12,3), discount numeric, rounded numeric(3,-1), PRIMARY KEY (order_id, line_no)
);
INSERT INTO order_lines SELECT i / 3, i % 3, 'shipped, partly', 1 + i, 'c' || i, 1, i * 1.001, i / 7.0, i * 10 FROM generate_series(1, 30) i;

-- 3: names with blanks, reserved words, mixed case
CREATE TABLE "Order Items" ("Order Id" integer NOT NULL, "select" text, "from" text, "Unit Price ($)" numeric(10,2), "User" text, "user" text,
  "null" text, "1st" integer, "__proto__" text, yellow_mark text, "a.b" text, "say ""hi""" text, CONSTRAINT "PK Order Items" PRIMARY KEY ("Order Id"));
INSERT INTO "Order Items" SELECT i, 's', 'f', i, 'U', 'u', NULL, i, 'p', 'y', 'ab', 'hi' FROM generate_series(1, 9) i;
CREATE TABLE "CamelCase" ("Id" integer PRIMARY KEY, "someValue" text);
INSERT INTO "CamelCase" VALUES (1, 'x');
CREATE TABLE camelcase ("Id" integer PRIMARY KEY);
CREATE TABLE "select" ("table" integer PRIMARY KEY, "order" text, "group" text);
INSERT INTO "select" VALUES (1, 'a', 'b');
CREATE TABLE "2020_sales" (id integer PRIMARY KEY, amount money);
INSERT INTO "2020_sales" VALUES (1, 12.5);
CREATE TABLE "_internal__" (id integer PRIMARY KEY, "value_" text);
CREATE TABLE "Größe & Straße" ("Größe" text, "straße" text, "Ваза" text, "年" integer PRIMARY KEY);
INSERT INTO "Größe & Straße" VALUES ('groß', 'Hauptstraße 1', 'ваза', 1);
CREATE TABLE "顧客" (id integer PRIMARY KEY);
CREATE TABLE a_table_whose_name_is_as_long_as_postgres_lets_a_name_become_63 (
  a_column_whose_name_is_as_long_as_postgres_lets_a_name_become_1 integer PRIMARY KEY,
  a_column_whose_name_is_as_long_as_postgres_lets_a_name_become_2 text);
CREATE TABLE "with,comma" (id integer PRIMARY KEY, "x: y # z" text, "{brace}" text[], "[bracket]" varchar(20)[] NOT NULL DEFAULT '{}');
INSERT INTO "with,comma" VALUES (1, 'z', '{a,b}', '{c}');

-- keys of every kind
CREATE TABLE no_key (a integer, b text);
INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (NULL, '');
CREATE TABLE unique_not_null (code varchar(10) NOT NULL UNIQUE, label text);
INSERT INTO unique_not_null VALUES ('a', 'A');
CREATE TABLE unique_nullable (code varchar(10) UNIQUE, label text);
INSERT INTO unique_nullable VALUES (NULL, 'none'), (NULL, 'none either');
CREATE TABLE unique_partial (code varchar(10) NOT NULL, gone boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX ON unique_partial (code) WHERE NOT gone;
CREATE TABLE unique_expression (code varchar(10) NOT NULL);
CREATE UNIQUE INDEX ON unique_expression (lower(code));
CREATE TABLE unique_including (code varchar(10) NOT NULL, extra text NOT NULL);
CREATE UNIQUE INDEX ON unique_including (code) INCLUDE (extra);
INSERT INTO unique_including VALUES ('a', 'b');
CREATE TABLE two_uniques (a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, UNIQUE (a, b), UNIQUE (c));
INSERT INTO two_uniques VALUES (1, 1, 1), (1, 2, 2);
CREATE TABLE uuid_key (id uuid PRIMARY KEY, parent uuid REFERENCES uuid_key);
INSERT INTO uuid_key VALUES ('00000000-0000-0000-0000-000000000001', NULL);
CREATE TABLE enum_key (status order_status PRIMARY KEY, label text);
INSERT INTO enum_key VALUES ('new', 'New'), ('shipped, partly', 'Partly');

-- types
CREATE TABLE every_type (
  id serial PRIMARY KEY, a_real real, a_double double precision, a_char char(3), a_bpchar bpchar, a_json json, a_jsonb jsonb, a_bytea bytea,
  a_time time(2), a_timetz timetz, a_timestamp timestamp(3), an_interval interval, an_inet inet, a_cidr cidr, a_macaddr macaddr, an_xml xml, a_bit bit(4),
  a_varbit varbit(8), a_point point, a_range int4range, a_tsvector tsvector, an_enum_array order_status[], a_geo geo, an_oid oid, a_name name,
  an_int_array integer[], a_text_array text[], year_month interval year to month, internal_char "char", generated integer GENERATED ALWAYS AS (1 + 1) STORED);
INSERT INTO every_type VALUES (1, 0.1, 0.1, 'ab', 'ab ', '{"a": 1}', '{"b": [1, null]}', '\x00ff', '12:34:56.78', '12:00+02', '2024-02-29 12:34:56.789', '1 mon 2 days 03:04:05',
  '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '<a/>', B'1010', B'101', '(1,2)', '[1,5)', 'a fat cat', '{new,paid}', '(1,2)', 42, 'pg_name', '{1,NULL,3}', '{a,"b c",NULL}', '1 year 2 mons', 'x');

-- partitions and heirs
CREATE TABLE events (id bigint, at date NOT NULL, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO events VALUES (1, '2023-06-01', 'a'), (2, '2024-06-01', 'b');
CREATE TABLE parent (id integer PRIMARY KEY, what text);
CREATE TABLE heir (more text) INHERITS (parent);
INSERT INTO parent VALUES (1, 'p');
INSERT INTO heir VALUES (2, 'h', 'm');

-- what is no table, or may not be read
CREATE VIEW open_orders AS SELECT order_id, count(*) AS lines FROM order_lines GROUP BY order_id;
CREATE MATERIALIZED VIEW totals AS SELECT order_id, sum(price) AS total FROM order_lines GROUP BY order_id;
CREATE TABLE secrets (id integer PRIMARY KEY, secret text);
CREATE TABLE half_secret (id integer PRIMARY KEY, open text, closed text);
INSERT INTO half_secret VALUES (1, 'open', 'closed');
CREATE TABLE secret_key (id integer PRIMARY KEY, open text);
CREATE TABLE nothing ();
CREATE TABLE guarded (id integer PRIMARY KEY, owner name);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (owner = current_user);
INSERT INTO guarded VALUES (1, 'crm_reader'), (2, 'somebody');
CREATE TABLE mitarbeiter (personalnr integer PRIMARY KEY, vorname text, nachname text, geburtsdatum date, "Straße" text, plz char(5), gehalt numeric(10,2), iban varchar(34));
INSERT INTO mitarbeiter VALUES (1, 'Ada', 'Byron', '1815-12-10', 'Hauptstraße 1', '10115', 1000, 'DE00');
CREATE TABLE products (sku text PRIMARY KEY, name text, description text);
INSERT INTO products VALUES ('s', 'n', 'd');

GRANT USAGE ON SCHEMA crm TO crm_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA crm TO crm_reader;
REVOKE ALL ON secrets, half_secret, secret_key FROM crm_reader;
GRANT SELECT (id, open) ON half_secret TO crm_reader;
GRANT SELECT (open) ON secret_key TO crm_reader;
