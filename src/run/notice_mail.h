#pragma once

#include <string>

#include "model/environment.h"
#include "run/notices.h"

/// A message as a mail has it. Pure.
namespace yellow::run {

/// Headers and body (RFC 5322), the same however often it is sent: Message-ID is the message's id at the sender's
/// domain, Date is when it was written, and what says that something is over answers the mail about it, so that mail
/// programs show the two together. Whatever names and reasons hold, each header stays one: what is not plain is encoded
/// (RFC 2047, and the body in Base64), and control characters are left out. REQUIRES: `mail` has addresses as
/// model::IsMailAddress has them.
std::string NoticeMail(const Notice& notice, const model::Mail& mail);

}  // namespace yellow::run
