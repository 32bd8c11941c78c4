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
