-- Yellow's own state, from version 3 to version 4. The installation's schema_version is set by apply.

-- What a run's code was, where it is an image: the reference, pinned to its digest. yellow.run.job is the name of its container.
ALTER TABLE yellow.run ADD COLUMN image text;

-- Where the source was when a batch was read, so that the next one knows when it has gone back in time.
ALTER TABLE yellow.batch ADD COLUMN source_system text;      -- identifier of the server's data; null where it may not be asked for
ALTER TABLE yellow.batch ADD COLUMN source_position bigint;  -- its next transaction; while a batch waits, the lowest that was seen

-- When the merge database itself has gone back in time: batches up to this one had been committed. Their numbers are not given again.
ALTER TABLE yellow.stream ADD COLUMN numbers_after integer NOT NULL DEFAULT 0;
