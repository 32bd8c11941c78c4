-- Yellow's own state, from version 1 to version 2. The installation's schema_version is set by apply.

-- Nothing ever read it: what is there is read from the catalogue.
DROP TABLE yellow.managed_object;
