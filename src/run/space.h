#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "plan/finding.h"
#include "run/context.h"
#include "run/doctor.h"

/// Rows that an operation has removed lie in the pages and indexes of their tables until these are vacuumed, and values
/// of them in the statistics. That is owed from the operation's transaction on (yellow_access.operation), whoever is
/// killed, until it is done and recorded. VACUUM leaves what an older snapshot may still see, and says nothing of it:
/// while there is one, nothing is done, and it stays owed.
namespace yellow::run {

struct OwedSpace {
  std::string request;       ///< whose operation has removed the rows
  std::string scope;         ///< of the request
  std::string tables;        ///< as VACUUM takes them, without those that are gone
  std::string since;         ///< as the database writes a time in UTC
  std::string held_back_by;  ///< who may still see the rows: `process 4711, replication slot backup`; empty: nobody
};

/// The oldest first. `session`: of any login of Yellow's that does operations, or of the owner.
std::vector<OwedSpace> FindOwedSpace(ports::Session& session);

/// What clears the pages, indexes and statistics of all of `tables`; by their owner, outside a transaction.
std::string VacuumOf(const std::string& tables);

/// Does what is owed in one merge database.
class SpaceKeeper {
 public:
  /// Returns whether nothing is owed any more. What is in the way is said once for each reason, never thrown. One
  /// thread at a time.
  bool GiveBack(const Effects& effects, const std::string& container, const std::string& prefix);
  /// Ends what is at work and begins nothing more: what is left stays owed. From any thread.
  void Stop();

 private:
  bool GiveBackAll(const Effects& effects, ports::Session& owner);
  void Say(const Effects& effects, const std::string& line);
  bool Stopped();
  void WorkOn(ports::Session* session);

  std::set<std::string> said_;
  std::mutex mutex_;
  ports::Session* at_work_ = nullptr;
  bool stopped_ = false;
};

/// What is owed, for `yellow doctor`.
plan::Findings ExamineSpace(ports::Session& session, const MergePlace& place);

}  // namespace yellow::run
