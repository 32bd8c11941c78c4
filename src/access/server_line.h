#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Lines of the JSON log of a PostgreSQL server, which tell independently of the wire what a login has asked.
/// https://www.postgresql.org/docs/15/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-JSONLOG
namespace yellow::access {

struct ServerLine {
  enum class Kind {
    kQuery,     ///< a simple query, before it is executed
    kExecute,   ///< a statement that was prepared, each time that it goes on
    kFunction,  ///< a function that was called by its number
    kRefused,   ///< the server said no; with what was asked when there was something
    kLogin,     ///< nobody was let in
    kEnd,       ///< of the session
    kOther
  };
  std::string user;
  std::string session;  ///< 65f1c2a0.3e8: when it began, and its process
  int64_t process = 0;
  int64_t began = 0;          ///< seconds since 1970
  int64_t number = 0;         ///< counts the lines of a session from 1, without gaps
  std::optional<int64_t> at;  ///< milliseconds since 1970; nothing when the clock was put forward or back meanwhile
  Kind kind = Kind::kOther;
  std::string severity, sqlstate;
  std::optional<std::string> text;  ///< what was asked
  std::string function;             ///< its number, of kFunction
  std::string message;              ///< whole; it may hold values
  bool operator==(const ServerLine&) const = default;
};

/// A line without its end. Nothing when it is none, or of no session of a login. The text of a prepared statement
/// follows its name and a colon in the message; a name that holds a colon and a space itself makes a longer text of
/// it, which is like nothing that was ever sent, and never a shorter one. application_name is not looked at.
std::optional<ServerLine> ReadServerLine(std::string_view line);

/// What the database gets of a line of a request's login, as a JSON object: what the audit log keeps (kinds, names,
/// sizes, digests, codes; no text, no value, no message), and by what the line is found.
std::string FactOf(const ServerLine& line, const std::string& request);

/// The line for a log that people read: time, process, severity, message. Empty for an end of a session.
std::string PlainLine(std::string_view line);

}  // namespace yellow::access
