#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/views/record.h"
#include "plan/downstream.h"
#include "run/batches.h"
#include "run/jobs.h"

/// Batches and runs as programs read them.
namespace yellow::cli {

/// A batch of `batches list`: what is true of it whole.
const Record<run::BatchInfo>& BatchRecord();

/// `batches show`: with its datasets and what it has set aside.
struct ShownBatch {
  run::BatchInfo batch;
  std::vector<run::RejectedRows> rejected;
};
const Record<ShownBatch>& ShownBatchRecord();

/// A run of `runs list`.
const Record<run::RunInfo>& RunRecord();
/// `runs show`: with its claims.
const Record<run::RunInfo>& ShownRunRecord();

struct ShownLog {
  run::RunInfo run;
  std::string log;
};
const Record<ShownLog>& ShownLogRecord();

/// What came of a `job`.
struct ShownJob {
  std::string key;
  run::JobReport report;
};
const Record<ShownJob>& JobRecord();

/// What is due, and what was ended because nobody went on with it (`job due`).
struct DueNode {
  std::string key, name, code, sentence;
};
struct WhatIsDue {
  std::vector<DueNode> due;  ///< the most urgent first
  std::vector<std::string> closed;
};
const Record<WhatIsDue>& WhatIsDueRecord();

/// What was done to one thing: `down`, and repairs by hand.
struct Done {
  std::string key;
  std::string state;
  std::optional<int> batch = {};
  std::string run = {};
  bool done = true;  ///< false: --dry-run
  plan::Downstream downstream = {};
};
/// `down`.
const Record<Done>& DoneRecord();
/// `streams pause`, `batches release`, `runs retry` and the like: without a number, with that of a batch, with the id
/// of a run.
const Record<Done>& RepairRecord();
const Record<Done>& RepairedBatchRecord();
const Record<Done>& RepairedRunRecord();

}  // namespace yellow::cli
