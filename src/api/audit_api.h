#pragma once

#include "access/audit_desk.h"
#include "ports/door.h"

namespace yellow::api {

/// The audit log over HTTP, for who may read it; all of it is GET, and `container=NAME` names one merge database:
///   /v1/audit/records?person=&action=&subject=&request=&since=&until=&text=    what fits, a JSON object a line
///   /v1/audit/newest?lines=20               the newest records in the same way; with follow=true, on the service's
///                                           machine only, also what comes then
///   /v1/audit/verify?key=&from=&to=         a JSON list of what was found, with white space before it while it goes on
///   /v1/audit/log                           the files as they are, one after the other
/// Empty lines between records say that it goes on. What ends before its end is broken off. That somebody reads is
/// recorded before. A refusal is as of AnswerAccess. `here`: the caller is on the service's machine. Throws
/// base::Error.
ports::DoorAnswer AnswerAudit(access::AuditDesk& desk, const ports::DoorCall& call, bool here);

}  // namespace yellow::api
