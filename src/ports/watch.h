#pragma once

#include <map>
#include <string>

namespace yellow::ports {

/// What a long-running process shows of itself to who watches it over HTTP: /healthz, /readyz, /metrics (Prometheus).
/// Thread-safe. Labels must be few and bounded; no secret may be in them.
class Watch {
 public:
  using Labels = std::map<std::string, std::string>;
  virtual ~Watch() = default;
  /// Begins to answer at `address`, `host:port`, port 0 for any; returns the address in use. Throws base::Error.
  virtual std::string Listen(const std::string& address) = 0;
  /// A part of the process has gone round once more: it is ready, and alive for a minute from now on.
  virtual void Beat(const std::string& part) = 0;
  /// A part is alive, but cannot do its work at present.
  virtual void NotReady(const std::string& part) = 0;
  virtual void Add(const std::string& counter, const Labels& labels, double amount) = 0;
  virtual void Set(const std::string& gauge, const Labels& labels, double value) = 0;
};

}  // namespace yellow::ports
