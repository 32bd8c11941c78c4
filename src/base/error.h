#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace yellow::base {

/// A failed effect: the database, a file, a process. Its properties, not its type, say what may be done:
/// `retryable`: the same call may succeed later without anyone's help;
/// `outcome_unknown`: the effect may have happened (a connection that died inside COMMIT): look it up, never repeat
/// blindly. Messages never hold a secret. Caught in four places only: command loop, tick loop, HTTP handler, main.
struct Error : std::runtime_error {
  Error(std::string code_, const std::string& message) : std::runtime_error(message), code(std::move(code_)) {}

  Error& Retryable(bool value = true) {
    retryable = value;
    return *this;
  }
  Error& OutcomeUnknown(bool value = true) {
    outcome_unknown = value;
    return *this;
  }
  Error& SqlState(std::string value) {
    sqlstate = std::move(value);
    return *this;
  }
  Error& Remedy(std::string value) {
    remedy = std::move(value);
    return *this;
  }
  /// What was being done, outermost last: "while staging Shop.customers".
  Error& Context(std::string line) {
    context.push_back(std::move(line));
    return *this;
  }

  std::string code;      ///< stable word, e.g. "connect", "fenced", "stale_plan"
  std::string sqlstate;  ///< five characters, or empty
  std::string remedy;
  bool retryable = false;
  bool outcome_unknown = false;
  std::vector<std::string> context;
};

/// What was told to the user in the command line's own terms: exit status 2.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error("usage", message) {}
  /// As of Error, and thrown as what it is.
  UsageError& Remedy(std::string value) {
    remedy = std::move(value);
    return *this;
  }
};

/// The message, the context lines and the remedy, one a line.
std::string Describe(const Error& error);

}  // namespace yellow::base
