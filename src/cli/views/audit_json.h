#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "access/audit_writer.h"
#include "api/audit_json.h"
#include "cli/views/record.h"

/// The audit log as programs read it.
namespace yellow::cli {

using api::AuditRecordRecord;
using api::VerifiedRecord;

/// `audit chain`: one merge database.
struct ShownChain {
  std::string container;
  access::Chained chained;            ///< `records`: of all passes
  std::vector<std::string> failures;  ///< of anchors
};
const Record<ShownChain>& ChainedRecordRecord();

/// `audit export`.
struct ExportedLog {
  std::string container, file, sha256;
  int64_t bytes = 0;
  std::optional<int64_t> lines;  ///< of what the service has given nobody counts them
};
const Record<ExportedLog>& ExportedLogRecord();

}  // namespace yellow::cli
