#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ports/clock.h"
#include "ports/database.h"
#include "ports/server_log.h"

namespace yellow::access {

struct WitnessEffects {
  ports::Connector& connector;
  ports::Endpoints& endpoints;
  ports::Clock& clock;
  ports::ServerLog& log;
};

/// The JSON log of one database server, and the merge databases in it.
struct WitnessPlace {
  std::string folder;
  /// Where lines go that are not of temporary logins, before a file that the server has left is removed; empty: the
  /// server is not Yellow's own, and its files are left alone.
  std::string kept_lines;
  std::vector<std::string> containers;
};

/// The second witness of what temporary logins ask (SECURITY 4): reads the server's own log into the audit log, and has
/// the database compare it with what the wire has. How far it has read is written down with what was read, so nothing
/// is lost or doubled by a crash. A line that cannot be read, or is longer than 64 MiB, is missed by its number. One
/// thread at a time; several processes may read one log.
class LogWitness {
 public:
  LogWitness(const WitnessEffects& effects, const std::string& role_prefix, std::vector<WitnessPlace> places);

  /// Reads what is new, as far as it goes. What cannot be read now is read by a later call. Returns what is in the way,
  /// a line each.
  std::vector<std::string> Look();

 private:
  /// A file as it was when it had been read to its end.
  struct Seen {
    int64_t size = -1, changed = 0;
    std::string head;
  };
  /// What is known of one merge database.
  struct Watched {
    std::unique_ptr<ports::Session> session;
    bool tells_ends = false;  ///< the server logs the end of each session
    std::map<std::string, int64_t> positions;
    std::map<std::string, Seen> seen;
    ports::TimePoint look_for_gaps_at{};
  };

  Watched& Open(const std::string& container);
  void CatchUp(Watched& watched, const std::vector<ports::ServerLogFile>& files);
  void ReadOn(Watched& watched, const ports::ServerLogFile& file);
  std::string PieceOf(const ports::ServerLogFile& file, int64_t from) const;
  std::string FactsOfLines(std::string_view lines) const;
  void PutAway(const WitnessPlace& place, const ports::ServerLogFile& file);

  const WitnessEffects effects_;
  const std::string login_;  ///< what temporary logins begin with
  const std::vector<WitnessPlace> places_;
  std::map<std::string, Watched> watched_;  // by container
};

}  // namespace yellow::access
