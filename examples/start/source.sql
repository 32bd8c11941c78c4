CREATE TABLE people (
  id     integer PRIMARY KEY,
  name   text NOT NULL,
  email  text,
  joined date NOT NULL
);
INSERT INTO people VALUES
  (1, 'Ada Byron', 'ada@example.com', '2024-01-15'),
  (2, 'Grace Hopper', NULL, '2024-02-03'),
  (3, 'Rózsa Péter', 'rozsa@example.com', '2024-02-17'),
  (4, 'Sofya Kovalevskaya', 'sofya@example.com', '2024-03-08'),
  (5, 'Emmy Noether', '', '2024-03-23');
