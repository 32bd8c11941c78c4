#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What the URL of a webhook must be, wherever it stands.
namespace yellow::model {

/// Why messages may not be posted there, or none: https is required, but on this machine. Never repeats the URL.
std::optional<std::string> WhyNotWebhook(std::string_view url);

/// True for what is a secret by itself: who knows the URL of a chat service's webhook can write there, and who knows a
/// key in its query too.
bool IsSecretUrl(std::string_view url);

/// `127.0.0.1`, `::1`, `localhost`: the host of a URL is this machine.
bool IsOnThisMachine(std::string_view url);

}  // namespace yellow::model
