#pragma once

#include "access/desk.h"
#include "access/session_host.h"
#include "ports/door.h"

namespace yellow::api {

/// Access over HTTP, all of it JSON; who calls is `DoorCall::identity`:
///   GET  /v1/access/requests                  all of them, the newest first
///   GET  /v1/access/requests/ID
///   GET  /v1/access/requests/ID/statements    what was asked of the database under it
///   GET  /v1/access/scopes                    what the caller may ask for
///   GET  /v1/access/report?from=DAY&to=DAY    what was asked for on these days and what has become of it
///   POST /v1/access/requests                  {"scope", "seconds", "ticket", "why"}; "kind": "break_glass"
///   POST /v1/access/requests/ID/edit          the same without the kind, each optional
///   POST /v1/access/requests/ID/approve       {"content", "note"}; and deny
///   POST /v1/access/requests/ID/withdraw      {}; and activate, release
///   POST /v1/access/requests/ID/revoke        {"why"}
///   POST /v1/access/requests/ID/accept        {"sentence"}; and escalate
///   POST /v1/access/requests/ID/session       {"term", "columns", "rows"}; the connection is then the session's
///   terminal
/// Each returns the request. A refusal is a 400, 403, 404, 409 or 503 with `{"error": {"code", "text", "remedy"}}`.
/// Thread-safe; throws nothing.
ports::DoorAnswer AnswerAccess(access::Desk& desk, access::SessionHost& host, const ports::DoorCall& call);

}  // namespace yellow::api
