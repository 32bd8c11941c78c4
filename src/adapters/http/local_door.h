#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "ports/door.h"

namespace yellow::adapters::http {

/// cpp-httplib parses and answers; who calls is read from the socket (SO_PEERCRED, socket(7)).
std::unique_ptr<ports::Door> MakeDoor();

/// Why nobody answers there, with what to do about it.
base::Error NoService(const std::string& socket, const std::string& why);

ports::DoorAnswer CallDoor(const std::string& socket, const std::string& method, const std::string& path,
                           const std::string& body);

/// The file is one without a name in the folder for temporary files, which goes with the process.
ports::FetchedFile FetchFile(const std::string& socket, const std::string& path);

/// Calls with POST and asks for the connection: it is `connection`, the caller's own, when the answer is 101.
ports::DoorAnswer TakeConnection(const std::string& socket, const std::string& path, const std::string& body,
                                 int& connection);

}  // namespace yellow::adapters::http
