-- Yellow's own state, from version 3 to version 4. The installation's schema_version is set by apply.

-- What a run's code was, where it is an image: the reference, pinned to its digest. yellow.run.job is the name of its container.
ALTER TABLE yellow.run ADD COLUMN image text;
