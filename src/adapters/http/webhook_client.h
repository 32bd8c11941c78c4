#pragma once

#include <memory>

#include "ports/webhook.h"

namespace yellow::adapters::http {

/// Through libcurl: https with the system's certificates, and http to this machine; proxies as the environment names
/// them, but never for this machine.
std::unique_ptr<ports::Webhook> MakeWebhook();

}  // namespace yellow::adapters::http
