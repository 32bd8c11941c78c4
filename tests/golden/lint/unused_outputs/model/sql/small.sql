SELECT id FROM Shop.orders
