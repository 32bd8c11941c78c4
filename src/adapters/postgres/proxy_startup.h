#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// The messages that come before and after a login, of the side of the server. Pure.
/// https://www.postgresql.org/docs/15/protocol-message-formats.html
namespace yellow::adapters::postgres {

/// SSLRequest or GSSENCRequest: the client asks before it says who it is.
struct EncryptionRequest {};

struct CancelKey {
  uint32_t process = 0, secret = 0;
  auto operator<=>(const CancelKey&) const = default;
};

struct Startup {
  bool negotiate = false;  ///< it knows more than protocol 3.0, and must be told that this is 3.0
  std::vector<std::string> unknown_extensions;
  std::map<std::string, std::string> parameters;
};

/// A code and why a session cannot be had.
struct StartupRefusal {
  std::string sqlstate, message;
};

inline constexpr uint32_t kLongestStartup = 10000;  // the server's own limit

/// Reads the first packet of a connection without its length.
std::variant<EncryptionRequest, CancelKey, Startup, StartupRefusal> ReadStartup(std::string_view body);

/// The parameters that are passed on, as the server's command-line options: how values look, and nothing else.
std::string SafeOptions(const std::map<std::string, std::string>& parameters);

/// ErrorResponse of severity FATAL.
std::string FatalMessage(std::string_view sqlstate, std::string_view message);

/// NegotiateProtocolVersion if need be, AuthenticationOk, ParameterStatus, BackendKeyData and ReadyForQuery.
std::string Welcome(const Startup& startup, const std::vector<std::pair<std::string, std::string>>& settings,
                    const CancelKey& key);

}  // namespace yellow::adapters::postgres
