#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/physical.h"
#include "ports/database.h"
#include "run/output_batch.h"

namespace yellow::run {

/// Keeps the snapshot of a run open while its code works. The snapshot and the claims agree by construction: the claims
/// are what the keeper saw. One thread.
class Keeper {
 public:
  /// Begins; the server is at work on it until Look. REQUIRES: the run is open already, because the views of changes,
  /// which are read in this snapshot, are of the open run.
  Keeper(std::unique_ptr<ports::Session> session, const plan::Transformer& transformer);

  /// Waits for what it has seen. Call it once, before the others. Throws base::Error.
  void Look();
  const std::string& snapshot() const { return snapshot_; }  ///< for SET TRANSACTION SNAPSHOT
  const Claims& claims() const { return claims_; }           ///< everything past the cursors
  int backend_pid() const { return session_->backend_pid(); }
  /// False when its session has ended, and the snapshot with it.
  bool Lives();

 private:
  std::unique_ptr<ports::Session> session_;
  std::vector<std::string> asked_;  // the inputs, in the order of the questions
  std::unique_ptr<ports::Transaction> transaction_;
  std::string snapshot_;
  Claims claims_;
};

}  // namespace yellow::run
