#pragma once

#include <memory>

#include "ports/door.h"

namespace yellow::adapters::http {

/// cpp-httplib parses and answers; who calls is read from the socket (SO_PEERCRED, socket(7)).
std::unique_ptr<ports::Door> MakeDoor();

ports::DoorAnswer CallDoor(const std::string& socket, const std::string& method, const std::string& path,
                           const std::string& body);

/// Calls with POST and asks for the connection: it is `connection`, the caller's own, when the answer is 101.
ports::DoorAnswer TakeConnection(const std::string& socket, const std::string& path, const std::string& body,
                                 int& connection);

}  // namespace yellow::adapters::http
