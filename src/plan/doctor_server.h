#pragma once

#include <cstdint>

#include "plan/finding.h"

/// Judgements on a server as such: what it is, its clock, its disk, its connections, what waits in it.
namespace yellow::plan {

struct ServerFacts {
  std::string container;
  bool merge = false;     ///< else a source
  int version = 0;        ///< server_version_num
  std::string shown;      ///< as people write it: 15.14
  std::string encoding;   ///< of the database
  std::string locale;     ///< of the database
  std::string collation;  ///< version of the locale with which the database was made; empty: none is kept
  std::string collation_now;
  std::vector<std::string> unsafe;  ///< settings by which a crash loses what was committed: `fsync = off`
  double clock_ahead = 0;           ///< seconds by which the server's clock is ahead of ours
  double clock_doubt = 0;           ///< seconds by which that may be wrong, as the answer was on its way
};
Findings JudgeServer(const ServerFacts& facts, const Administrator& administrator, const std::string& database);

struct ConnectionFacts {
  std::string container;
  int64_t most = 0;      ///< max_connections without those that are reserved
  int64_t used = 0;      ///< of the whole server
  int64_t own = 0;       ///< of these, by Yellow's logins
  int64_t database = 0;  ///< how many the database may have, -1: no limit
  int64_t login = 0;     ///< how many yellow_engine may have, -1: no limit
  int64_t needed = 0;    ///< limits.connections of the environment
};
Finding JudgeConnections(const ConnectionFacts& facts);

struct DiskFacts {
  std::string name;  ///< the last part of the key
  std::string path;
  uint64_t free = 0, total = 0;  ///< bytes
  int64_t database = 0;          ///< bytes of the database that lies there, 0: none does
  int64_t largest = 0;           ///< bytes of its largest table
};
Finding JudgeDisk(const DiskFacts& facts);

struct SpaceFacts {
  std::string request;  ///< whose operation has removed rows
  std::string since;
  std::string held_back_by;  ///< who may still see them; empty: nobody
  std::string vacuum;        ///< what the owner of the tables does; empty: they are gone
  std::string record;        ///< and says then
};
/// What is owed after rows were removed. `migrator`: the login that `yellow serve` needs for it.
Findings JudgeSpace(const std::string& container, const std::vector<SpaceFacts>& owed, const std::string& migrator,
                    const Administrator& administrator);

/// `12 MB`, with powers of 1000.
std::string Bytes(double bytes);

/// A session as people find it: `pid 4711, analyst (psql)`.
struct SessionName {
  int64_t pid = 0;
  std::string user, application;
};
std::string ToString(const SessionName& session);

struct WaitingLock {
  SessionName session;
  std::string object;
  double seconds = 0;
  std::vector<SessionName> blockers;
};
struct IdleTransaction {
  SessionName session;
  double seconds = 0;       ///< since it began
  bool holds_back = false;  ///< vacuum keeps what it could still see
};
struct PreparedTransaction {
  std::string name, owner;
  double seconds = 0;
};
struct LockFacts {
  std::string container;
  std::vector<WaitingLock> waiting;
  std::string why_no_sessions;  ///< why the states of other sessions cannot be seen; empty: they can
  std::vector<IdleTransaction> idle;
  std::vector<PreparedTransaction> prepared;
};
/// Seconds after which something that waits or holds is told: as long as Yellow itself waits for a lock.
inline constexpr double kPatienceSeconds = 10;
Findings JudgeLocks(const LockFacts& facts, const Administrator& administrator);

}  // namespace yellow::plan
