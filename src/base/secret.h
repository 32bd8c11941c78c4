#pragma once

#include <string>
#include <utility>

namespace yellow::base {

/// A value that cannot be printed, compared or logged by accident, and is wiped when it goes.
/// `Reveal` is for the one place that hands it to a library or to a child's environment.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      Wipe();
      value_ = other.value_;
    }
    return *this;
  }
  /// A short text lies inside the object, so a move would leave a copy behind: take a copy and wipe the origin.
  Secret(Secret&& other) noexcept : value_(other.value_) { other.Wipe(); }  // NOLINT(performance-move-constructor-init)
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      Wipe();
      value_ = other.value_;
      other.Wipe();
    }
    return *this;
  }
  ~Secret() { Wipe(); }

  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void Wipe() noexcept;
  std::string value_;
};

}  // namespace yellow::base
