SELECT 'é', c.id FROM G.Shop.custmers c JOIN pg_roles r ON true
