SELECT customer, nr, city FROM Shop.addresses
