#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ports/recorder.h"

namespace yellow::ports {

/// A call that has come in.
struct DoorCall {
  std::string method;                             ///< GET, POST
  std::string path;                               ///< /v1/access/requests
  std::string body;                               ///< JSON, or empty
  std::multimap<std::string, std::string> query;  ///< what follows the path: ?from=2026-01-01
  /// Who calls: os:alice on a local socket, as its kernel says. Never from the call itself. Empty over TCP.
  std::string identity;
  std::string token;  ///< over TCP, what stands behind `Authorization: Bearer` (RFC 6750); else empty
};

/// Of an answer that comes in pieces: nobody knows before how many.
inline constexpr int64_t kSizeNotKnown = -1;

struct DoorAnswer {
  int status = 200;
  std::string body = {};  ///< JSON
  /// With status 101 (Switching Protocols): told the socket, open and the caller's own from now on, once the answer is
  /// sent. It is closed when this returns.
  std::function<void(int socket)> then = {};
  /// Instead of a body: bytes that are asked for piece by piece, `size` in all or as many as come (kSizeNotKnown); an
  /// empty one is the end. Nothing: they cannot be had, and the caller's connection is broken off.
  std::function<std::optional<std::string>()> next_piece = {};
  int64_t size = 0;
};

using DoorHandler = std::function<DoorAnswer(const DoorCall&)>;

/// Where people and their programs call a service of Yellow: HTTP/1.1 on a unix socket of this machine, or over TCP.
class Door {
 public:
  virtual ~Door() = default;
  /// Answers at `address` until this object goes, with threads of its own: the path of a socket, to which everybody on
  /// the machine may connect and which is replaced when nobody listens on it; or host:port. Throws base::Error code
  /// "listen".
  virtual void Listen(const std::string& address, DoorHandler handler) = 0;
};

/// Calls such a service; the path may be followed by a query. Throws base::Error code "no_service" when nobody listens
/// there.
using DoorClient = std::function<DoorAnswer(const std::string& socket, const std::string& method,
                                            const std::string& path, const std::string& body)>;

/// A file that such a service has given.
struct FetchedFile {
  DoorAnswer answer;   ///< with another status than 200 there is no file
  std::string path;    ///< where it can be read as long as `kept` lives; it has no name that others know
  int64_t bytes = 0;   ///< its size
  std::string sha256;  ///< of all of it, hexadecimal
  std::shared_ptr<void> kept;
};

/// Calls such a service, with GET, for a file. `to`: where it is to stay, for its owner alone and never in the place of
/// another; empty: nowhere. Throws as DoorClient; base::Error, retryable, when the file did not come whole, and then
/// there is none; base::Error code "file" when it cannot be kept there.
using FileClient =
    std::function<FetchedFile(const std::string& socket, const std::string& path, const std::string& to)>;

/// Calls such a service, with GET, for what comes in pieces; `take` is told each part of it as it comes and says
/// whether it wants more. Nothing is told of an answer with another status than 200. Throws as DoorClient, and
/// base::Error, retryable, when it did not come whole.
using StreamClient = std::function<DoorAnswer(const std::string& socket, const std::string& path,
                                              const std::function<bool(std::string_view)>& take)>;

/// How a terminal session with such a service went.
struct TerminalOutcome {
  DoorAnswer answer;                ///< with another status than 101 there was none
  std::optional<RecordingEnd> end;  ///< nothing: the connection was lost
  int status = 0;                   ///< exit status of what ran in it
  std::string why;
};

/// What a terminal says of itself when a session begins.
struct TerminalFacts {
  int columns = 80, rows = 24;
  bool piped = false;  ///< nobody types: the program gets what comes as it is
};

/// Calls such a service, with POST, for a session with this process's terminal, whose program reads `text`, or this
/// process's standard input where there is none. Throws as DoorClient, and when standard input cannot be read or
/// standard output not written any more; the session is over then.
using TerminalClient = std::function<TerminalOutcome(const std::string& socket, const std::string& path,
                                                     const std::optional<std::string>& text,
                                                     const std::function<std::string(const TerminalFacts&)>& body)>;

}  // namespace yellow::ports
