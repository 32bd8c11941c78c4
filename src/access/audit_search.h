#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/audit_store.h"
#include "access/decide.h"

namespace yellow::access {

/// What is looked for; what is empty fits everything.
struct AuditQuery {
  std::string person, action, subject, request;  ///< `action` may end in `.*`
  std::string since, until;                      ///< RFC 3339, UTC with Z: from that instant on, and before it
  std::string text;                              ///< stands in any field, whatever its case
  int64_t reading = 0;                           ///< the record of this very search, which is left out
};

/// Whether a text is an instant as 2026-01-31T06:00:00Z is, on a day that there is.
bool IsInstant(const std::string& text);

/// Why nothing can be looked for in this way. REQUIRES: IsInstant of the times that are not empty.
std::optional<Refusal> WhatIsWrongWith(const AuditQuery& query);

/// What is looked for, as it is recorded.
JsonValue::Object WordsOf(const AuditQuery& query);

bool Fits(const AuditRecord& record, const AuditQuery& query);

/// The records of the files, in order, and those that wait in the database. Lines that are none are left out: `audit
/// verify` says of them.
std::vector<StoredRecord> FindRecords(const std::string& log, std::vector<StoredRecord> waiting,
                                      const AuditQuery& query);

}  // namespace yellow::access
