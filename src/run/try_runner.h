#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "merge/merge.h"
#include "run/context.h"
#include "run/execute_code.h"

namespace yellow::run {

struct TriedDataset {
  std::string dataset;
  int batch = 0;  ///< the committed one that it was compared with; 0: none
  merge::Counters counters;
  std::optional<merge::GuardBreach> breach;  ///< the output would be held
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  ///< the first: a mark (`+ ~ -` or a blank), then values
};

struct TryReport {
  CodeResult code;
  std::map<std::string, int> inputs;   ///< Store.dataset -> batch that was read
  std::vector<TriedDataset> datasets;  ///< when the code finished
};

/// Runs one transformer as a run does, by a login of its own on a snapshot of today's committed inputs, in a schema
/// that goes with it; its output is compared with what is committed, and never merged. `candidate` is laid out from
/// plan::AloneWithReader and need not be applied. What a crash leaves behind goes with DropAbandonedTries. REQUIRES:
/// the container is in the private cluster. Throws base::Error code "not_applied" when the inputs are not there as the
/// candidate wants them.
TryReport Try(const Effects& effects, const Actor& actor, const Applied& candidate, const Applied& applied,
              size_t rows);

/// Ends the tries of processes that have ended: their logins, schemas and folders. Returns how many.
int DropAbandonedTries(const Effects& effects, ports::Session& engine, const std::string& container,
                       const Applied& applied);

}  // namespace yellow::run
