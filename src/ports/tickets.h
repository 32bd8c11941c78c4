#pragma once

#include <optional>
#include <string>

#include "model/environment.h"

namespace yellow::ports {

/// What a ticket system says of a ticket.
struct Ticket {
  bool open = false;
  std::string owner;  ///< as the system calls the person
};

/// The ticket system of an environment. Thread-safe.
class Tickets {
 public:
  virtual ~Tickets() = default;
  /// Nothing when the system knows no such ticket. Throws base::Error code "tickets" when it cannot be asked or its
  /// answer not be understood: then nobody is let in.
  virtual std::optional<Ticket> Find(const model::Environment& environment, const std::string& ticket) = 0;
};

}  // namespace yellow::ports
