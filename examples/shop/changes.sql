-- A minute in the life of the shop: new customers, changed ones, one that leaves.
INSERT INTO customers VALUES
  ('C90001', 'Theodora', 'Papadopoulos', 'theodora.papadopoulos@example.com', '+30-21-555-0101', '1984-03-17'),
  ('C90002', 'Ruaridh', 'Macpherson', NULL, '+44-131-555-0102', '1999-12-31');
INSERT INTO addresses VALUES ('A90001', 'C90001', '12 Lavender Hill', 'Porto', 'PT');
UPDATE customers SET lastname = 'Featherstone' WHERE id = 'C00001';
UPDATE customers SET dob = '1961-07-04' WHERE id = 'C00002';
DELETE FROM customers WHERE id = 'C00003';
