SELECT yellow_op, id, left(name, 1) AS name, date_trunc('year', born)::date AS born FROM Shop.customers__changes
