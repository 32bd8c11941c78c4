#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "ports/clock.h"

namespace yellow::run {

/// The world at one instant, read in one transaction; what Tick decides on.
struct StreamView {
  std::string key;
  model::Priority priority = model::Priority::kLowest;
  std::optional<model::Schedule> schedule;
  bool paused = false;
  bool busy = false;                               ///< somebody holds its lease
  std::optional<ports::TimePoint> last_opened_at;  ///< none: no batch yet
  std::optional<ports::TimePoint> requested_at;
  enum class UnderWay { kNone, kOpen, kStaged, kHeld } under_way = UnderWay::kNone;
  bool released = false;  ///< a held batch that a person released
  int last_committed = 0;
};

struct InputView {
  std::string input;  ///< Store.dataset
  bool reference = false;
  bool own_output = false;
  int cursor = 0;
  int last_committed = 0;  ///< 0: none yet
  bool changed = false;    ///< some counter of (cursor, last_committed] is not zero
};

struct TransformerView {
  std::string key;
  model::Priority priority = model::Priority::kLowest;
  model::Trigger trigger;
  bool deterministic = false;
  bool definition_changed = false;  ///< also true before the first committed run
  bool gave_up = false;             ///< final failure on these very inputs and definition
  bool open_run = false;
  bool requested = false;
  std::optional<ports::TimePoint> retry_at;
  std::optional<ports::TimePoint> last_run_at;  ///< opened; for cron
  std::vector<InputView> inputs;
};

struct View {
  ports::TimePoint now;
  std::vector<StreamView> streams;
  std::vector<TransformerView> transformers;
  int free_runs = 1;  ///< limits.runs less open runs
};

enum class Action { kIngest, kTransform, kConsume, kWait };

/// One verdict per node, whatever it is. kConsume: cursors move without a run (deterministic, nothing changed).
/// `code` is stable (tests, verdict table); `sentence` is for people and names batches; `wake_at`: when to look again.
struct Decision {
  std::string node;
  Action action = Action::kWait;
  model::Priority priority = model::Priority::kLowest;
  std::string code;
  std::string sentence;
  std::optional<ports::TimePoint> wake_at;
};

/// Pure. Every node gets exactly one decision; those to act on come first, most urgent first, then in key order.
std::vector<Decision> Tick(const View& view);

}  // namespace yellow::run
