-- The masked customer: initials instead of names, the year instead of the day of birth, no contacts.
SELECT id,
       left(firstname, 1) || '.' AS firstname,
       left(lastname, 1) || '.' AS lastname,
       date_trunc('year', dob)::date AS dob
FROM Shop.customers
