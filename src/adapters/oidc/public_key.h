#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ports/token_keys.h"

namespace yellow::adapters::oidc {

/// A public key for one algorithm; libcrypto checks with it.
class PublicKey {
 public:
  virtual ~PublicKey() = default;
  /// Thread-safe.
  virtual bool HasSigned(const ports::TokenSignature& signature) const = 0;
};

using PublicKeys = std::map<std::string, std::shared_ptr<const PublicKey>, std::less<>>;

/// The keys of a JSON Web Key Set (RFC 7517) by their `kid`, those that check signatures: RSA of 2048 to 8192 bits for
/// RS256, and P-256 for ES256. Others are left out, and so is a `kid` that stands twice. Nothing when it is no such
/// set.
std::optional<PublicKeys> KeysOfSet(std::string_view json);

}  // namespace yellow::adapters::oidc
