#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ports/container.h"

/// The texts of the Docker API: what is sent and what comes back, without a socket.
namespace yellow::adapters::container {

/// The body of `POST /containers/create`. `image_user`: the user that the image names, which counts when it is a number
/// other than 0; else a number that no account has.
std::string CreateBody(const ports::ContainerSpec& spec, const std::string& image_user);

/// The value of the header X-Registry-Auth.
std::string RegistryLogin(const ports::CredentialValue& login, std::string_view image);

/// What an answer of `GET /containers/<name>/json` says.
ports::ContainerState StateOf(const std::string& json);

/// The environment that it was given, from the same answer; its image's own is in it.
std::map<std::string, std::string> EnvironmentOf(const std::string& json);

/// The number of its first process on the engine's machine, from the same answer; 0 when it has none.
int ProcessOf(const std::string& json);

/// The message in the body of a refusal; the body itself when it is none.
std::string MessageOf(const std::string& body);

/// Takes the stream of `GET /containers/<name>/logs` apart: blocks of eight bytes (stream, three zeros, length) and
/// what was printed.
class LogStream {
 public:
  /// The next bytes of the stream; returns what was printed in them.
  std::string Take(std::string_view bytes);

 private:
  std::string header_;
  size_t left_ = 0;  // of the block that has begun
};

}  // namespace yellow::adapters::container
