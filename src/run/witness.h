#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/context.h"
#include "run/tick.h"

namespace yellow::run {

/// What a machine has seen of a merge database, kept outside it: the newest batch of each stream. A database that was
/// restored from a backup cannot know by itself what is gone.
struct Seen {
  std::string installation;            ///< when the database was set up; another one has other batches
  std::map<std::string, int> batches;  ///< by key of the stream
  bool operator==(const Seen&) const = default;
};

/// One line a fact. Nothing when a text is no such file.
std::string ToText(const Seen& seen);
std::optional<Seen> SeenOf(std::string_view text);

/// A stream whose newest batches are gone.
struct Backward {
  std::string stream;
  int seen = 0, newest = 0;
  bool operator==(const Backward&) const = default;
};
/// In the order of the view.
std::vector<Backward> WentBack(const Seen& seen, const View& view);

/// Finds out that a merge database has gone back in time, and makes up for it: the numbers of batches that are gone are
/// not given again, since consumers may remember them, and what was lost is read again at once. Not thread-safe.
class Witness {
 public:
  Witness(const Effects& effects, const std::string& container, const std::string& data_folder);
  ~Witness();  ///< writes what it has seen, if it can
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  /// Looks at the streams of a view. True when they had gone back, and the view is to be read again.
  bool Look(ports::Session& engine, const Actor& actor, const View& view);

 private:
  bool MakeUpFor(ports::Session& engine, const Actor& actor, const std::vector<Backward>& gone);
  void Remember(const View& view);
  void Write();

  const Effects& effects_;
  const std::string container_, path_;
  Seen seen_;
  bool unwritten_ = false;
  ports::TimePoint written_at_{};
};

}  // namespace yellow::run
