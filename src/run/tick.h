#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "ports/clock.h"

namespace yellow::run {

/// The world at one instant, read in one transaction; what Tick decides on. Reasons are for sentences only.
struct StreamView {
  std::string key;
  model::Priority priority = model::Priority::kLowest;
  std::optional<model::Schedule> schedule;
  bool paused = false;
  bool busy = false;                               ///< somebody holds its lease
  std::string holder;                              ///< `host:pid:start`, when busy
  std::optional<ports::TimePoint> last_opened_at;  ///< none: no batch yet
  std::optional<ports::TimePoint> requested_at;
  enum class UnderWay { kNone, kOpen, kStaged, kHeld } under_way = UnderWay::kNone;
  bool released = false;    ///< a held batch that a person released
  bool releasable = false;  ///< a held batch that a person may release
  int last_committed = 0;
  int newest = 0;  ///< the highest number, whatever its state; the one under way, if there is one
  bool newest_failed = false;
  std::string reason_code, reason;               ///< of the newest batch: why it is held or has failed
  std::optional<ports::TimePoint> last_read_at;  ///< when the source was as the last committed batch shows it
  std::optional<ports::TimePoint> resumed_at;    ///< after its last pause
};

struct InputView {
  std::string input;  ///< Store.dataset
  bool reference = false;
  bool own_output = false;
  int cursor = 0;
  int last_committed = 0;  ///< 0: none yet
  bool changed = false;    ///< some counter of (cursor, last_committed] is not zero
  std::string stream;      ///< name of the stream that feeds it
};

/// A run as sentences speak of it.
struct RunView {
  std::string id;
  std::string state;
  std::string workspace;
  ports::TimePoint opened_at;
  std::optional<ports::TimePoint> deadline;
  std::string reason;            ///< why it failed
  std::string reason_code = {};  ///< of that
};

struct TransformerView {
  std::string key;
  model::Priority priority = model::Priority::kLowest;
  model::Trigger trigger;
  bool deterministic = false;
  bool definition_changed = false;  ///< also true before the first committed run
  bool paused = false;              ///< its output stream is
  bool gave_up = false;             ///< final failure on these very inputs and definition
  bool requested = false;
  bool left_open = false;  ///< its last run is open, and nobody works on it
  int failures = 0;        ///< since the last committed run
  int retries = 0;         ///< that the model allows
  std::optional<RunView> open_run;
  std::optional<RunView> failed_run;  ///< the last run, when it failed
  std::optional<ports::TimePoint> retry_at;
  std::optional<ports::TimePoint> last_run_at;  ///< opened; for cron
  std::string output;                           ///< store that it writes
  std::vector<InputView> inputs;
};

/// Access that people are told of until it is reviewed: an emergency, or a review that is overdue.
struct AccessView {
  std::string key;   ///< Access/<request>, or Review/<request>
  std::string code;  ///< break_glass, review_overdue
  std::string reason;
};

struct View {
  ports::TimePoint now;
  std::vector<StreamView> streams;
  std::vector<StreamView> outputs;  ///< streams that transformers write: nothing is decided on them
  std::vector<TransformerView> transformers;
  std::vector<AccessView> access;  ///< read only when somebody is told of it
  int run_limit = 1;               ///< limits.runs
  std::vector<RunView> open_runs;  ///< what counts against it
};

enum class Action { kIngest, kTransform, kConsume, kWait };

/// Batches that a verdict is about: those after `after`, up to `upto`, of an input (`Store.dataset`) or of the stream
/// itself (its name).
struct BatchRange {
  std::string name;
  int after = 0;
  int upto = 0;
  auto operator<=>(const BatchRange&) const = default;
};

/// One verdict per node, whatever it is. kConsume: cursors move without a run (deterministic, nothing changed).
/// `code` is stable (tests, verdict table); `sentence` is for people, names batches and says what helps; `cause` is the
/// part of it that a run records as its reason; `wake_at`: when to look again.
struct Decision {
  std::string node;
  Action action = Action::kWait;
  model::Priority priority = model::Priority::kLowest;
  std::string code;
  std::string sentence;
  std::string cause;
  std::vector<BatchRange> batches;
  std::optional<ports::TimePoint> wake_at;
};

/// Pure. Every node gets exactly one decision; those to act on come first, most urgent first, then in key order.
std::vector<Decision> Tick(const View& view);

/// `Ingest/Main/Shop` is called Shop, `Transform/Main/MaskShop` MaskShop, `Ingest/Main/Shop/a` Shop.a.
std::string NameOfNode(const std::string& key);

}  // namespace yellow::run
