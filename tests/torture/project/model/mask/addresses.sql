SELECT yellow_op, customer, nr, city FROM Shop.addresses__changes
