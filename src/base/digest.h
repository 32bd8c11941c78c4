#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace yellow::base {

/// SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

/// HMAC-SHA-256 (RFC 2104), in the same form.
std::string HmacSha256Hex(std::string_view key, std::string_view bytes);

/// SHA-256 of what comes in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Add(std::string_view bytes);
  /// REQUIRES: called once, and nothing is added after it.
  std::string Hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yellow::base
