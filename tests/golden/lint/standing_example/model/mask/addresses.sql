-- Where customers live, without the street.
SELECT id, customer_id, city, country
FROM Shop.addresses
