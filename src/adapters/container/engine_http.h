#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

namespace yellow::adapters::container {

struct Request {
  std::string method = "GET";
  std::string path;             ///< from the first slash on, with the query
  std::string body;             ///< JSON
  std::string headers;          ///< one line, or empty
  long limit_seconds = 60;      ///< 0: none
  int look_milliseconds = 100;  ///< how often `go_on` is asked at least
  /// Gets the answer's body as it comes where its status is 200; else it is kept in Answer::body. False breaks off.
  std::function<bool(std::string_view)> receive;
  std::function<bool()> go_on;  ///< false breaks off
};

struct Answer {
  long status = 0;
  std::string body;
};

/// Requests to one unix socket, a connection each: engines are asked seldom, and some requests stay open for an hour.
/// Thread-safe.
class EngineHttp {
 public:
  explicit EngineHttp(std::string socket);
  /// Throws base::Error code "engine", retryable, when there is no whole answer.
  Answer Call(const Request& request) const;
  const std::string& socket() const { return socket_; }

 private:
  const std::string socket_;
};

/// Percent-encoded, for a query.
std::string Encoded(std::string_view text);

}  // namespace yellow::adapters::container
