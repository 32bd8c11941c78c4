#pragma once

#include <set>
#include <string>

#include "access/flags.h"
#include "ports/session_proxy.h"

/// What is written down of a session's events: all of it for reviewers, sealed; and for the audit log what nobody's
/// data is in.
namespace yellow::access {

/// The event whole, as JSON in one line. Bytes that are not UTF-8 stand as U+FFFD; their digest is of what they were.
std::string LineOf(const ports::WireEvent& event);

/// What the audit log keeps of it, as a JSON object: kinds, names, sizes, digests, counts, flags; neither texts nor
/// values nor messages. Empty when it keeps nothing: a Bind, an Execute, what went well and sent no rows.
std::string FactOf(const ports::WireEvent& event, const FlagRules& rules);

}  // namespace yellow::access
