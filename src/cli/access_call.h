#pragma once

#include <string>

#include "cli/commands.h"
#include "cli/views/record.h"

/// Calls to the service that answers for access.
namespace yellow::cli {

inline constexpr const char* kRequests = "/v1/access/requests";

/// Where the service answers. `named`: by the command line; may be empty.
std::string SocketOf(const Program& program, const Options& options, const std::string& named);

/// What the service has answered, or why it has refused.
struct Answered {
  Json json;
  int status = 0;  ///< of this program
};

/// Tells why; returns the exit status.
int Refused(const Program& program, const Options& options, const ports::DoorAnswer& answer);

/// `method`: GET or POST. Throws as ports::DoorClient.
Answered Call(const Program& program, const Options& options, const std::string& socket, const std::string& method,
              const std::string& path, const Json& body = Json::object());

/// True for what a request or a session is called.
bool IsAccessId(const std::string& word);

}  // namespace yellow::cli
