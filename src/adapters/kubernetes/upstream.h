#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "adapters/kubernetes/access.h"

namespace yellow::adapters::kubernetes {

/// A connection to an API server on which HTTP/1.1 is spoken by the caller, byte by byte. Nothing of `access` but where
/// the server is and who vouches for it is used. Not thread-safe.
class Upstream {
 public:
  /// Connects. Throws ApiError when it cannot.
  explicit Upstream(const Access& access);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  int descriptor() const { return descriptor_; }
  /// Takes what it can now, which may be nothing, and tells how much. Throws ApiError when the connection is broken.
  size_t Write(std::string_view bytes);
  /// How much was read; 0 at the end, nothing when there is nothing now. Throws ApiError when the connection is broken.
  std::optional<size_t> Read(std::span<char> into);

 private:
  void* curl_;
  int descriptor_ = -1;
};

}  // namespace yellow::adapters::kubernetes
