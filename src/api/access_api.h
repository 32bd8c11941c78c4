#pragma once

#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "access/audit_desk.h"
#include "access/desk.h"
#include "access/session_host.h"
#include "ports/door.h"

namespace yellow::api {

/// Access over HTTP, all of it JSON; who calls is `DoorCall::identity`:
///   GET  /v1/access/requests                  all of them, the newest first
///   GET  /v1/access/requests/ID
///   GET  /v1/access/requests/ID/statements    what was asked of the database under it
///   GET  /v1/access/requests/ID/evidence      the sealed files of its sessions, with their digests
///   GET  /v1/access/requests/ID/sessions/ID/recording    one of them; and statements. The answer is its bytes
///   GET  /v1/access/scopes                    what the caller may ask for
///   GET  /v1/access/report?from=DAY&to=DAY    what was asked for on these days and what has become of it
///   POST /v1/access/requests                  {"scope", "seconds", "ticket", "why"}; "kind": "break_glass"
///   POST /v1/access/requests/ID/edit          the same without the kind, each optional
///   POST /v1/access/requests/ID/approve       {"content", "note"}; and deny
///   POST /v1/access/requests/ID/withdraw      {}; and activate, release
///   POST /v1/access/requests/ID/revoke        {"why"}
///   POST /v1/access/requests/ID/accept        {"sentence"}; and escalate
///   POST /v1/access/requests/ID/session       {"program", "term", "columns", "rows", "piped"}; the connection is then
///   the terminal of that program, "sql" (which it is if nothing is said) or "shell"
/// and /v1/audit/…, as AnswerAudit. Each returns the request. A refusal is a 400, 403, 404, 409 or 503 with `{"error":
/// {"code", "text", "remedy"}}`. Thread-safe; throws nothing.
ports::DoorAnswer AnswerAccess(access::Desk& desk, access::AuditDesk& audit, access::SessionHost& host,
                               const ports::DoorCall& call);

/// Who shows this token, `oidc:<address>`, or why nobody does. Throws base::Error when it cannot be found out.
using TokenReader = std::function<tl::expected<std::string, std::string>(const std::string& token)>;

/// The same for calls over TCP; who calls is what `who` makes of `DoorCall::token`: without a good token it is a 401.
/// There are no sessions and no recordings: their recorder is on the machine of the service, and so is its terminal.
ports::DoorAnswer AnswerAccessByToken(access::Desk& desk, access::AuditDesk& audit, const TokenReader& who,
                                      ports::DoorCall call);

}  // namespace yellow::api
