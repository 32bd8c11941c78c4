-- Yellow's own state, from version 2 to version 3. The installation's schema_version is set by apply.

-- What people are told, and who has been: one row a message and receiver. A cause (held, failed, stale) is told once; its row says until when it
-- lasted, and a second one, 'over', that it is over. Written with what causes it, and delivered later.
CREATE TABLE yellow.notice (
  id           text PRIMARY KEY DEFAULT gen_random_uuid()::text,   -- the receiver knows by it a message that comes twice
  number       bigint GENERATED ALWAYS AS IDENTITY,                -- in the order in which they were written
  receiver     text NOT NULL,                                      -- its name in the environment
  node         text NOT NULL,
  event        text NOT NULL CHECK (event IN ('held', 'failed', 'stale', 'over')),
  cause        text,                                               -- of 'over': the id of what is over
  batch        integer,
  run_id       text,
  reason_code  text NOT NULL,
  reason       text NOT NULL,                                      -- without values of rows
  since        timestamptz NOT NULL DEFAULT clock_timestamp(),
  over_at      timestamptz,
  attempts     integer NOT NULL DEFAULT 0,
  due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),     -- when to try next
  delivered_at timestamptz,
  gave_up_at   timestamptz,
  error        text                                                -- of the last attempt
);
-- What lasts is told once, whoever finds it.
CREATE UNIQUE INDEX notice_lasting ON yellow.notice (receiver, node, event) WHERE over_at IS NULL;
CREATE INDEX notice_due ON yellow.notice (receiver, due_at) WHERE delivered_at IS NULL AND gave_up_at IS NULL;

-- A stream that was paused is as old as it is on purpose.
ALTER TABLE yellow.stream ADD COLUMN resumed_at timestamptz;
