#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ports/secrets.h"

namespace yellow::adapters::http {

/// The value of an environment variable; nothing when it is not set.
using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads a credential from the key-value store of a HashiCorp Vault, or of an OpenBao, over its HTTP API: `path` is
/// what stands behind /v1/, as `secret/data/shop-reader` of a store of version 2. Where it is and who asks is said by
/// VAULT_ADDR, VAULT_TOKEN or VAULT_TOKEN_FILE (read anew each time, as an agent renews it), VAULT_NAMESPACE and
/// VAULT_CACERT. The secret's fields are `username` and `password`, or `token`. Redirections are not followed. Throws
/// base::Error code "secret", retryable when the vault does not answer; it names the path, never a value.
ports::CredentialValue ReadVault(const std::string& credential, const std::string& path, const ReadVariable& variable);

}  // namespace yellow::adapters::http
