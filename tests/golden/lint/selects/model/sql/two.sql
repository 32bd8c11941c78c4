SELECT id, name FROM G.Shop.customers; SELECT 1
