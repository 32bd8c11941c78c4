-- Initials instead of names, the year instead of the day of birth, no contacts.
select id, left(firstname, 1) || '.' as firstname, left(lastname, 1) || '.' as lastname, date_trunc('year', dob)::date as dob
from {{ yellow_input('Original.Shop.customers') }}
