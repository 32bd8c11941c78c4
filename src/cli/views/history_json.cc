#include "cli/views/history_json.h"

#include "run/state.h"

namespace yellow::cli {
namespace {

using run::BatchInfo;
using run::RejectedRows;
using run::RunInfo;

std::vector<std::string> BatchStates() {
  std::vector<std::string> words;
  for (const run::BatchState state : {run::BatchState::kOpen, run::BatchState::kStaged, run::BatchState::kCommitted,
                                      run::BatchState::kHeld, run::BatchState::kRejected, run::BatchState::kFailed})
    words.emplace_back(run::Word(state));
  return words;
}

std::vector<std::string> RunStates() {
  std::vector<std::string> words;
  for (const run::RunState state : {run::RunState::kPreparing, run::RunState::kLaunched, run::RunState::kFinished,
                                    run::RunState::kIngesting, run::RunState::kCommitted, run::RunState::kFailed,
                                    run::RunState::kTimedOut, run::RunState::kLost, run::RunState::kCancelled})
    words.emplace_back(run::Word(state));
  return words;
}

const Record<BatchInfo::Counts>& CountsRecord() {
  using Counts = BatchInfo::Counts;
  static const Record<Counts> record =
      Record<Counts>()
          .Field("key", "The dataset's name in its store.", &Counts::dataset)
          .Field("staged", "Rows that were read; inserted + updated + unchanged.", &Counts::staged)
          .Field("inserted", "Keys that are new.", &Counts::inserted)
          .Field("updated", "Keys whose row has changed.", &Counts::updated)
          .Field("deleted", "Keys that are gone.", &Counts::deleted)
          .Field("unchanged", "Rows that are as they were.", &Counts::unchanged)
          .Field("rejected", "Rows that were set aside.", &Counts::rejected);
  return record;
}

const Record<RejectedRows>& RejectedRecord() {
  static const Record<RejectedRows> record =
      Record<RejectedRows>()
          .Field("key", "The dataset's name in its store.", &RejectedRows::dataset)
          .Reason("reason", "The rule that they break.", &RejectedRows::rule, &RejectedRows::reason)
          .Field("rows", "How many.", &RejectedRows::rows)
          .Field("example", "One of them, JSON as text, cut after a thousand characters.", &RejectedRows::example)
          .Field("table", "Where they lie, for Yellow's engine.", &RejectedRows::table);
  return record;
}

const Record<RunInfo::Claim>& ClaimRecord() {
  using Claim = RunInfo::Claim;
  static const Record<Claim> record = Record<Claim>()
                                          .Field("key", "The input: Store.dataset.", &Claim::input)
                                          .Field("from", "It counts the batches after this one,", &Claim::from)
                                          .Field("to", "up to this one.", &Claim::to);
  return record;
}

Record<Done> DoneTo(const std::vector<std::string>& states) {
  return Record<Done>()
      .Field("key", "What it was done to.", &Done::key)
      .Word("state", "What it is now.", states, &Done::state)
      .NoReason();
}

const Record<plan::Downstream>& DownstreamRecord() {
  static const Record<plan::Downstream> record =
      Record<plan::Downstream>()
          .Field("runs", "Workspaces whose transformers become due.", &plan::Downstream::transformers)
          .Field("writes", "Stores that these write.", &plan::Downstream::stores)
          .Field("seen_in", "Other workspaces that show any of it.", &plan::Downstream::readers);
  return record;
}

Record<Done> Repaired(const std::vector<std::string>& states) {
  return DoneTo(states)
      .Field("done", "false: it would be so, and nothing was done (--dry-run).", &Done::done)
      .Object("downstream", "What new rows there lead to.", DownstreamRecord(), &Done::downstream);
}

}  // namespace

const Record<BatchInfo>& BatchRecord() {
  static const Record<BatchInfo> record =
      Record<BatchInfo>()
          .Field("key", "The stream.", &BatchInfo::stream)
          .Field("id", "Its number in the stream, from 1.", &BatchInfo::batch)
          .Word("state", "docs/state-machines.md has what leads where.", BatchStates(), &BatchInfo::state)
          .Reason("reason", "Why it is held, rejected or failed.", &BatchInfo::reason_code, &BatchInfo::reason)
          .Field("model_version", "The applied model that it was opened with.", &BatchInfo::model_version)
          .Time("opened_at", "When it got its number.", &BatchInfo::opened_at)
          .TimeOrNull("committed_at", "When consumers could see it.", &BatchInfo::committed_at)
          .TextOrNull("run", "The run whose output it is.", &BatchInfo::run_id)
          .Field("released", "A person has accepted it once, as it was.", &BatchInfo::released);
  return record;
}

const Record<ShownBatch>& ShownBatchRecord() {
  static const Record<ShownBatch> record =
      Record<ShownBatch>()
          .Include(BatchRecord(), &ShownBatch::batch)
          .List("datasets", "What was merged, by dataset; none before it is committed.", CountsRecord(),
                [](const ShownBatch& it) { return it.batch.counts; })
          .TextOrNull("opened_by", "What another scheduler calls the job that opened it.",
                      [](const ShownBatch& it) { return it.batch.opened_by; })
          .Field("ignored", "dataset.column at the source that the model does not name.",
                 [](const ShownBatch& it) { return it.batch.ignored; })
          .List("rejected", "Rows that were set aside, by dataset and rule.", RejectedRecord(), &ShownBatch::rejected);
  return record;
}

const Record<RunInfo>& RunRecord() {
  static const Record<RunInfo> record =
      Record<RunInfo>()
          .Field("id", "The run's id.", &RunInfo::id)
          .Field("key", "The transformer.", &RunInfo::transformer)
          .Word("state", "docs/state-machines.md has what leads where.", RunStates(), &RunInfo::state)
          .Reason("reason", "Why it ended so.", &RunInfo::reason_code, &RunInfo::reason)
          .Field("cause", "Why it was begun.", &RunInfo::cause)
          .TextOrNull("request", "The request for access of which it was a repair; it had no code then.",
                      &RunInfo::request)
          .Word("mode", "What the code was asked for.", {"full", "incremental"}, &RunInfo::mode)
          .Time("opened_at", "When it began.", &RunInfo::opened_at)
          .TimeOrNull("closed_at", "When it ended.", &RunInfo::closed_at)
          .Field("exit_status", "Of its code, once that has ended; 0 for SQL and masks that did their work.",
                 &RunInfo::exit_status)
          .Field("output_batch", "The batch of its output store that it committed.", &RunInfo::output_batch);
  return record;
}

const Record<RunInfo>& ShownRunRecord() {
  static const Record<RunInfo> record =
      Record<RunInfo>()
          .Include(RunRecord(), [](const RunInfo& it) { return it; })
          .Field("image", "Of its code, with the digest that pins it; empty when its code was no image.",
                 &RunInfo::image)
          .Field("job", "What its code ran as: a container, or a Job and its Secret; empty when it was neither.",
                 &RunInfo::job)
          .TextOrNull("handed_to", "What another scheduler calls the job that opened it and takes its steps.",
                      &RunInfo::handed_to)
          .List("claims", "The batches that it counts, by input.", ClaimRecord(), &RunInfo::claims);
  return record;
}

const Record<ShownLog>& ShownLogRecord() {
  static const Record<ShownLog> record =
      Record<ShownLog>()
          .Include(RunRecord(), &ShownLog::run)
          .Field("log", "What its code printed, the last MiB; empty when it is forgotten (retention.logs).",
                 &ShownLog::log);
  return record;
}

const Record<ShownJob>& JobRecord() {
  static const Record<ShownJob> record =
      Record<ShownJob>()
          .Field("key", "The stream or transformer.", &ShownJob::key)
          .Word("state",
                "What came of it: nothing_due, it is not time, or somebody has done it; busy, somebody is at it; of a "
                "run taken step by step, how far it is.",
                {"committed", "consumed", "held", "failed", "cancelled", "nothing_due", "busy", "opened", "launched",
                 "running", "ended", "finished", "closed"},
                [](const ShownJob& it) { return std::string(run::WordOf(it.report.state)); })
          .Reason(
              "reason", "Why it is held, has failed, or is not due.",
              [](const ShownJob& it) { return it.report.reason_code; },
              [](const ShownJob& it) { return it.report.reason; })
          .Field("run", "The run's id; empty of an ingestion.", [](const ShownJob& it) { return it.report.run_id; })
          .Field("batch", "The batch that was committed or is held; 0 when there is none.",
                 [](const ShownJob& it) { return it.report.batch.batch; });
  return record;
}

const Record<WhatIsDue>& WhatIsDueRecord() {
  static const Record<DueNode> node = Record<DueNode>()
                                          .Field("key", "The stream or transformer.", &DueNode::key)
                                          .Field("node", "What it is called in commands.", &DueNode::name)
                                          .Reason("reason", "Why it is due.", &DueNode::code, &DueNode::sentence);
  static const Record<WhatIsDue> record =
      Record<WhatIsDue>()
          .List("due", "What is to be started now, the most urgent first.", node, &WhatIsDue::due)
          .Field("closed", "Ids of runs that were ended, because nobody went on with them in time.",
                 &WhatIsDue::closed);
  return record;
}

const Record<Done>& DoneRecord() {
  static const Record<Done> record = DoneTo({"stopped", "not_running"});
  return record;
}

const Record<Done>& RepairRecord() {
  static const Record<Done> record = Repaired({"paused", "resumed", "due"});
  return record;
}

const Record<Done>& RepairedBatchRecord() {
  static const Record<Done> record =
      Repaired({"released", "rejected"}).Field("id", "The batch's number.", [](const Done& it) {
        return it.batch.value_or(0);
      });
  return record;
}

const Record<Done>& RepairedRunRecord() {
  static const Record<Done> record = Repaired({"cancelled"}).Field("id", "The run's id.", &Done::run);
  return record;
}

}  // namespace yellow::cli
