CREATE TABLE customers (id integer PRIMARY KEY, name text, born date);
CREATE TABLE addresses (customer integer, nr integer, city text, PRIMARY KEY (customer, nr));
INSERT INTO customers SELECT i, chr(65 + i % 26) || md5(i::text), date '1950-01-01' + i * 101 FROM generate_series(1, 60) i;
INSERT INTO addresses SELECT i, n, 'city ' || (i * 7 + n) % 9 FROM generate_series(1, 60) i, generate_series(1, 1 + i % 2) n;
