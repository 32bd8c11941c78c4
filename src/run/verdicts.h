#pragma once

#include <string>
#include <vector>

#include "ports/database.h"
#include "run/tick.h"

/// Verdicts as they were decided, for `explain`: yellow.verdict.
namespace yellow::run {

struct RecordedVerdict {
  std::string code;
  std::string sentence;
  std::string at;       ///< RFC 3339, UTC
  std::string batches;  ///< JSON: {"Shop.customers": [7, 9]}: after batch 7, up to batch 9
};

/// Stores each verdict that differs from the newest of its node, and drops those that are far behind it.
void Record(ports::Session& engine, const std::vector<Decision>& decisions);

/// The newest verdicts of a node, newest first.
std::vector<RecordedVerdict> ReadVerdicts(ports::Session& engine, const std::string& node, int limit);

/// The newest verdicts of a node that were about one batch of an input (or of the stream itself), oldest first.
std::vector<RecordedVerdict> ReadVerdictsAbout(ports::Session& engine, const std::string& node, const std::string& name,
                                               int batch, int limit);

/// `{"Shop.customers": [7, 9]}`.
std::string BatchesJson(const std::vector<BatchRange>& batches);

}  // namespace yellow::run
