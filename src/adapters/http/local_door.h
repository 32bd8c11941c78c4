#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ports/door.h"

namespace yellow::adapters::http {

/// cpp-httplib parses and answers; who calls is read from the socket (SO_PEERCRED, socket(7)).
std::unique_ptr<ports::Door> MakeDoor();

/// Why nobody answers there, with what to do about it.
base::Error NoService(const std::string& socket, const std::string& why);

ports::DoorAnswer CallDoor(const std::string& socket, const std::string& method, const std::string& path,
                           const std::string& body);

/// Without `to` the file is one without a name in the folder for temporary files, which goes with the process; with it
/// one beside it, until it is whole.
ports::FetchedFile FetchFile(const std::string& socket, const std::string& path, const std::string& to);

ports::DoorAnswer CallStream(const std::string& socket, const std::string& path,
                             const std::function<bool(std::string_view)>& take);

/// Calls with POST and asks for the connection: it is `connection`, the caller's own, when the answer is 101.
ports::DoorAnswer TakeConnection(const std::string& socket, const std::string& path, const std::string& body,
                                 int& connection);

}  // namespace yellow::adapters::http
