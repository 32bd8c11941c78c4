#pragma once

#include <memory>

#include "ports/mail.h"

namespace yellow::adapters::http {

/// SMTP through libcurl, by no proxy. A server on this machine is spoken to in clear unless a CA is named.
std::unique_ptr<ports::Mailer> MakeMailer();

}  // namespace yellow::adapters::http
