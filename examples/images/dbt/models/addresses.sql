select id, customer_id, city, country
from {{ yellow_input('Original.Shop.addresses') }}
