#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ports/secrets.h"

namespace yellow::ports {

struct MailMessage {
  std::string server;  ///< as model::WhyNotMailServer has it
  std::string ca;      ///< path of a CA file; empty: those of the system
  std::optional<CredentialValue> login;
  std::string from, to;  ///< addresses
  std::string text;      ///< as RFC 5322 has it: headers and body, each line ended by CRLF
};

/// Hands mail to a server. Thread-safe.
class Mailer {
 public:
  virtual ~Mailer() = default;
  /// Sends once and returns 250 when the server has taken it, or the status with which it has refused it. The way there
  /// is encrypted and the server known by its certificate, but on this machine when no CA is named: else nothing of the
  /// message, and no password, is sent. Hardly longer than kMailLimitSeconds, or than `go_on` holds. Throws base::Error
  /// code "mail" when there was no answer: the message may have arrived all the same. Neither says where it was sent.
  virtual int Send(const MailMessage& message, const std::function<bool()>& go_on) = 0;
};

inline constexpr int kMailLimitSeconds = 10;

}  // namespace yellow::ports
