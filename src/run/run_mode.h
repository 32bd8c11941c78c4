#pragma once

#include <string>

#include "run/context.h"

namespace yellow::run {

/// How a run works, and why an incremental transformer runs in full mode this time.
struct RunMode {
  bool incremental = false;
  std::string why_full;  ///< a clause; empty when the run is incremental, or never can be

  const char* word() const { return incremental ? "incremental" : "full"; }
};

/// Full on a first run, when a rebuild was asked for, after a changed definition, and when the changes of an input do
/// not reach back to its cursor. In the transaction that writes the run's row, before its keeper's snapshot: the rows
/// of yellow.change_log stay locked until it is committed, and from then on the open run keeps what it reads from being
/// cleaned away. Its cursors do not move while it is open.
RunMode DecideMode(ports::Session& engine, const model::DataTransformer& declared,
                   const plan::Transformer& transformer);

}  // namespace yellow::run
