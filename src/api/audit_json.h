#pragma once

#include <string>

#include "access/audit_verify.h"
#include "api/record.h"

/// The audit log as programs read it, over HTTP and from the command line.
namespace yellow::api {

/// One record.
const Record<access::StoredRecord>& AuditRecordRecord();

/// What a verification of one log has found.
const Record<access::Verified>& VerifiedRecord();

/// `good`, or the word of the first finding.
std::string StateOf(const access::Verified& verified);

}  // namespace yellow::api
