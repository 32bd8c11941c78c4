#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What an address and a server of mail must be, wherever they stand.
namespace yellow::model {

/// True for `local@domain` of plain letters (RFC 5321, 4.1.2, without quoted local parts and address literals): nothing
/// in it ends a header or a command.
bool IsMailAddress(std::string_view text);

/// Why no mail can be handed to this server, or none. `smtp://` begins in clear and turns to TLS (STARTTLS, RFC 3207),
/// `smtps://` is TLS from its first byte (RFC 8314).
std::optional<std::string> WhyNotMailServer(std::string_view url);

/// What stands behind the @ of an address.
std::string_view DomainOf(std::string_view address);

}  // namespace yellow::model
