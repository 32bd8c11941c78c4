#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/batches.h"
#include "run/context.h"
#include "run/verdicts.h"

/// Why a node did what it did, and what it waits for: from what was recorded when it was decided, not from a guess of
/// today.
namespace yellow::run {

struct Consumed {
  std::string input;  ///< Store.dataset
  int batch = 0;
};

/// Of one node of the graph. Views and triggers decide nothing: `follows` names the stream or transformer that does.
struct Explanation {
  std::string node;
  std::string follows;                    ///< key, or empty
  std::string decider;                    ///< key of the stream or transformer whose verdicts these are
  std::optional<BatchInfo> last_batch;    ///< of a stream
  std::optional<RunInfo> last_run;        ///< of a transformer
  bool last_run_abandoned = false;        ///< open, and nobody works on it any more
  std::vector<Consumed> consumed;         ///< by a transformer
  std::vector<RecordedVerdict> verdicts;  ///< newest first
  std::optional<Decision> now;            ///< what would be decided now: when it is not the newest verdict, or to act
  std::vector<RecordedVerdict> feeders;   ///< newest verdicts on what a waiting transformer waits for
};

/// REQUIRES: `node` is a key of the applied graph, and its stream or transformer lies in this engine's database.
Explanation Explain(ports::Session& engine, const Applied& applied, const Actor& actor,
                    ports::ProcessLauncher& processes, const std::string& node);

/// What became of one batch at one transformer.
struct BatchFate {
  enum class State {
    kCounted,       ///< in a committed run, the last of `runs`
    kInOpenRun,     ///< claimed by a run that is open, the last of `runs`
    kWithoutRun,    ///< consumed without one, because no row changed
    kWaiting,       ///< committed, and not consumed yet
    kNotCommitted,  ///< consumers do not see it
  };
  std::string transformer;            ///< key
  std::vector<std::string> datasets;  ///< of the batch, that it uses and that have this fate
  State state = State::kWaiting;
  std::string at;                         ///< RFC 3339: when it was consumed without a run
  std::vector<RunInfo> runs;              ///< every run that claimed it, oldest first
  std::vector<RecordedVerdict> verdicts;  ///< what was decided about it, oldest first
};
std::string_view Word(BatchFate::State state);

struct BatchExplanation {
  std::string stream;
  BatchInfo batch;
  std::vector<RecordedVerdict> verdicts;  ///< on the stream about it, oldest first
  std::vector<BatchFate> fates;           ///< by transformer
};

/// `only`: key of one transformer, or empty for all. Throws UsageError when there is no such batch.
BatchExplanation ExplainBatch(ports::Session& engine, const Applied& applied, const std::string& stream, int batch,
                              const std::string& only);

}  // namespace yellow::run
