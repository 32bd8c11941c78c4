-- Yellow's own state: one schema `yellow` per merge database. Version 1; what later versions change stands in files of their own.
-- Times are the database's clock_timestamp(). Words of states are those of docs/state-machines.md.

CREATE TABLE yellow.installation (
  only_one       boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  schema_version integer NOT NULL,
  role_prefix    text NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The compiled models that were applied: the files as they were, which the program reads again.
CREATE TABLE yellow.model (
  version     integer PRIMARY KEY,
  environment text NOT NULL,
  files       jsonb NOT NULL,                     -- path -> text
  digest      text NOT NULL,
  applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  applied_by  text NOT NULL,
  program     text NOT NULL                       -- version of yellow that applied it
);

-- One row per ingestion unit; its key is the key of the Ingest node. The lease and its fence are here.
CREATE TABLE yellow.stream (
  key            text PRIMARY KEY,
  platform       text NOT NULL,
  store          text NOT NULL,
  dataset        text,                            -- only for a single-dataset store
  epoch          bigint NOT NULL DEFAULT 0,
  holder         text,                            -- host:pid:start of the process that has the lease
  backends       integer[] NOT NULL DEFAULT '{}', -- server processes of the holder, ended by who takes over
  lease_until    timestamptz NOT NULL DEFAULT '-infinity',
  paused         boolean NOT NULL DEFAULT false,
  requested_at   timestamptz,                     -- somebody asked for a batch
  last_opened_at timestamptz,                     -- when a batch was last opened; the schedule counts from here
  retired        boolean NOT NULL DEFAULT false   -- not in the newest model
);

CREATE TABLE yellow.batch (
  stream         text NOT NULL REFERENCES yellow.stream,
  batch          integer NOT NULL CHECK (batch BETWEEN 1 AND 2147483646),
  state          text NOT NULL CHECK (state IN ('open', 'staged', 'committed', 'held', 'rejected', 'failed')),
  attempt        text NOT NULL,                   -- one attempt reads one source snapshot
  model_version  integer NOT NULL REFERENCES yellow.model,
  opened_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  source_read_at timestamptz,
  staged_at      timestamptz,
  committed_at   timestamptz,
  released       boolean NOT NULL DEFAULT false,  -- a person accepted the guarded case, once
  released_by    text,
  reason_code    text,
  reason         text,
  run_id         text,                            -- for the output of a DataTransformer
  PRIMARY KEY (stream, batch)
);
-- At most one batch of a stream is under way.
CREATE UNIQUE INDEX batch_under_way ON yellow.batch (stream) WHERE state IN ('open', 'staged', 'held');
CREATE INDEX batch_committed ON yellow.batch (stream, batch DESC) WHERE state = 'committed';

-- inserted + updated + unchanged = staged
CREATE TABLE yellow.batch_dataset (
  stream    text NOT NULL,
  batch     integer NOT NULL,
  dataset   text NOT NULL,
  staged    bigint NOT NULL,
  inserted  bigint NOT NULL,
  updated   bigint NOT NULL,
  deleted   bigint NOT NULL,
  unchanged bigint NOT NULL,
  rejected  bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (stream, batch, dataset),
  FOREIGN KEY (stream, batch) REFERENCES yellow.batch ON DELETE CASCADE,
  CHECK (inserted + updated + unchanged = staged)
);

-- Which datasets an attempt has staged. Unlogged like the staging tables: a crash that empties one empties the other.
CREATE UNLOGGED TABLE yellow.mark (
  stream  text NOT NULL,
  batch   integer NOT NULL,
  attempt text NOT NULL,
  dataset text NOT NULL,
  rows    bigint NOT NULL,
  PRIMARY KEY (stream, dataset)
);

-- What is known of a DataTransformer between its runs; its key is the key of the Transform node.
CREATE TABLE yellow.transformer (
  key          text PRIMARY KEY,
  platform     text NOT NULL,
  workspace    text NOT NULL,
  definition   text,                              -- of the last committed run
  failures     integer NOT NULL DEFAULT 0,        -- since the last committed run
  failed_definition text,                         -- gave up on this definition …
  retry_at     timestamptz,                       -- back-off: not before
  requested_at timestamptz,                       -- runs retry, yellow run <node>
  retired      boolean NOT NULL DEFAULT false
);

CREATE TABLE yellow.run (
  id            text PRIMARY KEY,
  transformer   text NOT NULL REFERENCES yellow.transformer,
  state         text NOT NULL CHECK (state IN ('preparing', 'launched', 'finished', 'ingesting', 'committed',
                                               'failed', 'timed_out', 'lost', 'cancelled')),
  mode          text NOT NULL CHECK (mode IN ('full', 'incremental')),
  definition    text NOT NULL,
  model_version integer NOT NULL REFERENCES yellow.model,
  cause         text NOT NULL,                    -- why it was due
  holder        text NOT NULL,
  login         text,                             -- until it is dropped
  job           text,
  keeper_pid    integer,
  opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  launched_at   timestamptz,
  deadline      timestamptz,
  finished_at   timestamptz,
  closed_at     timestamptz,
  exit_status   integer,
  reason_code   text,
  reason        text,
  output_batch  integer,
  log           text                              -- the last MiB
);
CREATE UNIQUE INDEX run_open ON yellow.run (transformer)
  WHERE state IN ('preparing', 'launched', 'finished', 'ingesting');
CREATE INDEX run_by_time ON yellow.run (transformer, opened_at DESC);

-- The batches (from_batch, to_batch] of an input that a run counts. `input` is Store.dataset.
CREATE TABLE yellow.claim (
  run_id     text NOT NULL REFERENCES yellow.run ON DELETE CASCADE,
  input      text NOT NULL,
  from_batch integer NOT NULL,
  to_batch   integer NOT NULL CHECK (to_batch >= from_batch),
  PRIMARY KEY (run_id, input)
);

-- The last batch of an input that a consumer (a Transform node's key, an Export node's key) has consumed.
CREATE TABLE yellow.cursor (
  consumer text NOT NULL,
  input    text NOT NULL,
  batch    integer NOT NULL,
  PRIMARY KEY (consumer, input)
);

-- The last verdict on a node, written when it differs from the one before; events keep the history.
CREATE TABLE yellow.verdict (
  node       text PRIMARY KEY,
  code       text NOT NULL,
  sentence   text NOT NULL,
  decided_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE yellow.event (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind    text NOT NULL,
  node    text,
  batch   integer,
  run_id  text,
  actor   text NOT NULL,
  detail  text NOT NULL
);
CREATE INDEX event_by_node ON yellow.event (node, id DESC);

-- The objects Yellow made, so that it alone changes and never guesses at them.
CREATE TABLE yellow.managed_object (
  kind       text NOT NULL,                       -- schema, table, view, role, membership
  name       text NOT NULL,
  definition text NOT NULL,                       -- digest of what was made
  version    integer NOT NULL,
  PRIMARY KEY (kind, name)
);
