#pragma once

#include <functional>
#include <string>

#include "base/secret.h"

namespace yellow::ports {

struct WebhookMessage {
  base::Secret url;
  std::string id;    ///< stable, whoever sends it and however often: the header Idempotency-Key
  std::string json;  ///< the body
};

/// Posts messages to receivers on the network. Thread-safe.
class Webhook {
 public:
  virtual ~Webhook() = default;
  /// Posts once and returns the status that the receiver has answered with; it follows no redirection. Never longer
  /// than kWebhookLimitSeconds, and hardly longer than `go_on` holds. Throws base::Error code "webhook" when there was
  /// no answer: the message may have arrived all the same. Neither says where it was sent.
  virtual int Post(const WebhookMessage& message, const std::function<bool()>& go_on) = 0;
};

inline constexpr int kWebhookLimitSeconds = 10;

}  // namespace yellow::ports
