DELETE FROM G.Shop.customers
