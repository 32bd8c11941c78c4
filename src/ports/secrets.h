#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "model/model.h"

namespace yellow::ports {

struct CredentialValue {
  std::string user;
  base::Secret password;
  base::Secret token;
};

/// Reads a secret where the environment says it is. Throws base::Error code "secret" that names what is missing
/// (the variable, the file), never a value.
class SecretStore {
 public:
  virtual ~SecretStore() = default;
  virtual CredentialValue Read(const std::string& credential, const model::SecretSource& source) = 0;
  /// The URL of a webhook. What is wrong with it is told when it is used.
  virtual base::Secret ReadUrl(const model::WebhookUrl& place) = 0;
};

}  // namespace yellow::ports
