-- Yellow's own state, from version 1 to version 2. The installation's schema_version is set by apply.

-- Nothing ever read it: what is there is read from the catalogue.
DROP TABLE yellow.managed_object;

-- Every verdict that differed from the one before it, so that `explain` can say what was decided about a batch and when;
-- the newest of a node is its verdict. Old ones go (see run/verdicts.cc). Events no longer repeat them.
ALTER TABLE yellow.verdict DROP CONSTRAINT verdict_pkey;
ALTER TABLE yellow.verdict ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
ALTER TABLE yellow.verdict ADD COLUMN batches jsonb NOT NULL DEFAULT '{}';  -- input or store -> [after batch, up to batch]
CREATE INDEX verdict_by_node ON yellow.verdict (node, id DESC);
DELETE FROM yellow.event WHERE kind = 'verdict';

ALTER TABLE yellow.event ADD COLUMN batches jsonb;                          -- as in yellow.verdict, where it is about some
-- How many rows the table holds after the batch: guards and merges of changes look at it instead of counting. All batches so far were snapshots.
ALTER TABLE yellow.batch_dataset ADD COLUMN live_rows bigint;
UPDATE yellow.batch_dataset SET live_rows = staged;
ALTER TABLE yellow.batch_dataset ALTER COLUMN live_rows SET NOT NULL;

-- The datasets whose changes are followed, and from where on: the changes of every batch after kept_since are there. Entries of a change log up
-- to it are cleaned away. Whoever merges checks that it follows the same datasets; apply changes them and takes the stream's epoch.
CREATE TABLE yellow.change_log (
  stream     text NOT NULL,
  dataset    text NOT NULL,
  kept_since integer NOT NULL,
  PRIMARY KEY (stream, dataset)
);

COMMENT ON COLUMN yellow.run.deadline IS 'when the step that the run is in must be done: preparing (start_limit), the code (timeout), its output (timeout again)';

-- Columns that a source table has and the model does not name: they are not read, and shown.
ALTER TABLE yellow.mark ADD COLUMN ignored text[] NOT NULL DEFAULT '{}';
ALTER TABLE yellow.batch_dataset ADD COLUMN ignored text[] NOT NULL DEFAULT '{}';
