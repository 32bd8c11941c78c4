#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ports/database.h"

namespace yellow::ports {

/// A text or value that went over the wire, as its bytes were: they need not be UTF-8. Of a long one only the first
/// part is kept, with the digest of all of it.
struct WireText {
  std::string text;
  int64_t size = 0;    ///< bytes of all of it
  std::string sha256;  ///< of all of it, where `text` is only the beginning; else empty
  bool operator==(const WireText&) const = default;
};

struct WireParameter {
  bool null = false;
  bool binary = false;  ///< then the text is hexadecimal; size and digest are of the bytes
  WireText value;
  bool operator==(const WireParameter&) const = default;
};

/// What went from one side to the other in a COPY; the data itself is not kept.
struct WireCopy {
  int64_t bytes = 0;
  std::string sha256;
  bool operator==(const WireCopy&) const = default;
};

struct WireConnected {
  int64_t process = 0;  ///< of the client, as the kernel says
  bool operator==(const WireConnected&) const = default;
};
/// The client has logged in to the server, whose process it is there from now on.
struct WireServer {
  int64_t process = 0;
  bool operator==(const WireServer&) const = default;
};
/// A simple query: one or several statements. `plain_reading` does not hold for a text that a reader of UTF-8 and of
/// standard_conforming_strings would take for something else than the server does.
struct WireQuery {
  WireText text;
  bool plain_reading = true;
  bool operator==(const WireQuery&) const = default;
};
struct WireParse {
  WireText name, text;
  std::vector<uint32_t> parameter_types;  ///< OIDs; 0 where the server infers it
  bool plain_reading = true;
  bool operator==(const WireParse&) const = default;
};
struct WireBind {
  WireText portal, statement;
  int64_t parse = 0;  ///< the number of the event that prepared the statement; 0: PREPARE did, or nothing
  std::vector<WireParameter> parameters;
  bool operator==(const WireBind&) const = default;
};
struct WireExecute {
  WireText portal;
  int64_t bind = 0;       ///< the number of the event that made the portal; 0: DECLARE did, or nothing
  int64_t most_rows = 0;  ///< 0: all
  bool operator==(const WireExecute&) const = default;
};
struct WireFunctionCall {
  uint32_t function = 0;  ///< OID
  std::vector<WireParameter> arguments;
  bool operator==(const WireFunctionCall&) const = default;
};
/// The client's data of a COPY, recorded before the server is told that they are all.
struct WireCopyIn {
  int64_t of = 0;
  WireCopy data;
  bool given_up = false;  ///< by the client, or because the server refused it
  bool operator==(const WireCopyIn&) const = default;
};
enum class WireEnd {
  kComplete,
  kEmpty,      ///< there was no statement in the text
  kSuspended,  ///< the portal has more rows
  kRefused,
  kSkipped,  ///< one before it in the pipeline was refused
};
/// What became of the event with number `of`: of a simple query one for each of its statements. 0: of the session, or
/// of the transaction when it was committed by the pipeline's end.
struct WireOutcome {
  int64_t of = 0;
  WireEnd end = WireEnd::kComplete;
  std::string tag;                          ///< as `INSERT 0 5`
  int64_t rows = 0, bytes = 0;              ///< sent out to the client; of a portal since it last went on
  int64_t portal_rows = 0;                  ///< of a portal in all
  std::optional<WireCopy> copied_out;       ///< bytes of COPY TO
  std::string severity, sqlstate, message;  ///< of kRefused
  bool operator==(const WireOutcome&) const = default;
};
/// The server reports that a setting has changed which is told to clients, as session_authorization.
struct WireSetting {
  std::string name, value;
  bool operator==(const WireSetting&) const = default;
};
/// A connection that asks to cancel what another one is running.
struct WireCancel {
  int64_t client = 0;  ///< 0: it does not know the key of any
  bool operator==(const WireCancel&) const = default;
};
struct WireTerminate {
  bool operator==(const WireTerminate&) const = default;
};
/// A connection that is over. One that was turned away, or asked for a cancel only, has never been WireConnected.
struct WireGone {
  std::string reason;
  bool server_ended = true;  ///< false: the server had not ended its side five seconds later
  bool operator==(const WireGone&) const = default;
};

struct WireEvent {
  int64_t client = 0;  ///< counts the connections of a proxy from 1
  int64_t number = 0;  ///< counts the events of a client from 1
  std::variant<WireConnected, WireServer, WireQuery, WireParse, WireBind, WireExecute, WireFunctionCall, WireCopyIn,
               WireOutcome, WireSetting, WireCancel, WireTerminate, WireGone>
      what;
  bool operator==(const WireEvent&) const = default;
};

/// Where a session's events are recorded.
class WireSink {
 public:
  virtual ~WireSink() = default;
  /// True when it is recorded: only then what the event is about goes on. False ends the session. Called by one thread
  /// at a time, but not always the same. Must not throw.
  virtual bool Take(const WireEvent& event) = 0;
};

struct ProxySpec {
  /// The server, and the login with its password and application_name. TCP with or without TLS, or a unix socket.
  ConnectionTarget target;
  std::string folder;        ///< made if it is not there; clients name it as their host
  unsigned allowed_uid = 0;  ///< whose processes may connect
  std::chrono::milliseconds duration{};
};

/// One temporary session, as a PostgreSQL server on a unix socket of its own: its clients log in to the real one
/// through it, without ever knowing the password, and each of their messages is recorded before it goes on.
class SessionProxy {
 public:
  virtual ~SessionProxy() = default;
  /// Tells the clients the reason, cancels what they are running, closes all connections, and returns when that is
  /// done, some seconds later at most. Does nothing when it has ended.
  virtual void End(const std::string& reason) = 0;
  /// Why it has ended; nothing while it goes on. By itself it ends when its duration is over, counted from its start by
  /// a clock that nobody sets, and when the sink refuses an event.
  virtual std::optional<std::string> Ended() = 0;
};

/// Thread-safe.
class SessionProxies {
 public:
  virtual ~SessionProxies() = default;
  /// Listens when it returns. `sink` must live as long as what is returned. Throws base::Error when it cannot listen.
  virtual std::unique_ptr<SessionProxy> Start(const ProxySpec& spec, WireSink& sink) = 0;
};

}  // namespace yellow::ports
