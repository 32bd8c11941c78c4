-- Yellow's own state, from version 4 to version 5. The installation's schema_version is set by apply.

-- The scheduler whose jobs take the run's steps one by one, as it calls itself; null: one process takes them all, under the lease of the output.
ALTER TABLE yellow.run ADD COLUMN handed_to text;

-- The same of a batch: the scheduler's job that opened it.
ALTER TABLE yellow.batch ADD COLUMN opened_by text;
