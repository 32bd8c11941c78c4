#pragma once

#include <memory>

#include "ports/files.h"
#include "ports/secrets.h"
#include "ports/tickets.h"

namespace yellow::adapters::http {

/// A file of JSON, `{"OPS-142": {"open": true, "owner": "alice"}}`, or a system that is asked over HTTP with GET and
/// answers in JSON: 404, 410, an empty list where the ticket should stand, or a ticket of another name is one that is
/// not there. Redirections are not followed; an answer that takes longer than ten seconds or has more than a MiB is
/// none.
std::unique_ptr<ports::Tickets> MakeTickets(ports::FileSystem& files, ports::SecretStore& secrets);

}  // namespace yellow::adapters::http
