#pragma once

#include <string>
#include <vector>

#include "ports/database.h"

namespace yellow::adapters::postgres {

/// What libpq is told of a target: names and values, each with a null pointer at the end. They point into the target,
/// which must live as long, so that there is no copy of its password.
class ConnectionOptions {
 public:
  explicit ConnectionOptions(const ports::ConnectionTarget& target);
  ~ConnectionOptions() = default;
  ConnectionOptions(const ConnectionOptions&) = delete;
  ConnectionOptions& operator=(const ConnectionOptions&) = delete;

  /// Does nothing when the value is empty, as libpq does. REQUIRES: the value lives as long as this.
  void Add(const char* name, const char* value);
  const char* const* names() const { return names_.data(); }
  const char* const* values() const { return values_.data(); }

 private:
  const std::string port_;
  std::vector<const char*> names_{nullptr}, values_{nullptr};
};

}  // namespace yellow::adapters::postgres
