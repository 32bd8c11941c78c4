SELECT id, name FROM Shop.customers
