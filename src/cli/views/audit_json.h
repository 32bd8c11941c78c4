#pragma once

#include <string>
#include <vector>

#include "access/audit_verify.h"
#include "cli/views/record.h"

/// The audit log as programs read it.
namespace yellow::cli {

/// `audit tail`, `audit search`: one record.
const Record<access::StoredRecord>& AuditRecordRecord();

/// `audit verify`: one merge database.
const Record<access::Verified>& VerifiedRecord();

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
  int64_t bytes = 0, lines = 0;
};
const Record<ExportedLog>& ExportedLogRecord();

/// `good`, or the word of the first finding.
std::string StateOf(const access::Verified& verified);

}  // namespace yellow::cli
