#pragma once

#include <string>
#include <vector>

#include "cli/engine.h"
#include "cli/views/record.h"
#include "run/notice_store.h"

namespace yellow::cli {

/// One row of `yellow status`.
struct StatusRow {
  std::string key;
  std::string name;
  std::string state;  ///< new, ok, running, held, failed, paused
  int batch = 0;      ///< the newest; 0 when there is none
  std::string batch_state;
  int64_t inserted = 0, updated = 0, deleted = 0, rejected = 0;  ///< of the newest committed batch
  std::optional<double> lag_seconds;  ///< age of the source state that the committed batch shows
  std::string reason_code, reason;
  std::string verdict_code, verdict;
  std::string next;     ///< RFC 3339, `now`, or empty
  std::string explain;  ///< the name whose explanation says more
  bool output = false;
  std::string container;
  int model_version = 0;
};

struct StatusOfEngine {
  std::string container;
  int version = 0;
  size_t transformers = 0;
  std::vector<StatusRow> streams;
  std::vector<run::Undelivered> undelivered;  ///< messages to receivers of the model
};

StatusOfEngine ReadStatus(const Program& program, Engine& engine);

std::string StatusText(const Project& project, const std::vector<StatusOfEngine>& engines, bool files_are_newer);

/// `yellow status` as programs read it.
struct StatusDocument {
  std::string environment;
  bool files_are_newer = false;
  std::vector<ports::ConnectionInfo> containers;
  std::vector<StatusRow> streams;
  std::vector<run::Undelivered> undelivered;
};
const Record<StatusDocument>& StatusRecord();
/// A row of `streams list`.
const Record<StatusRow>& StreamRecord();

/// `12:35:00`, of an RFC 3339 time.
std::string ClockTime(const std::string& rfc3339);
/// RFC 3339 in UTC with whole seconds.
std::string Rfc3339(ports::TimePoint time);
/// `41 s`, `5 min`, `2 h`, `3 d`.
std::string Ago(double seconds);

}  // namespace yellow::cli
