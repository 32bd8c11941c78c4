SELECT id,
       name,
FROM G.Shop.customers
