#pragma once

#include <string>
#include <string_view>

namespace yellow::ports {

/// How a token may be signed (RFC 7518, section 3.1): with RSA and SHA-256, or with P-256 and SHA-256.
enum class TokenAlgorithm { kRs256, kEs256 };

/// A signature over a text, and what it says of itself.
struct TokenSignature {
  TokenAlgorithm algorithm = TokenAlgorithm::kRs256;
  std::string key;  ///< `kid`
  std::string_view text;
  std::string bytes;
};

enum class SignatureFinding { kGood, kBad, kNoSuchKey };

/// The public keys of OpenID Connect issuers. Thread-safe.
class TokenKeys {
 public:
  virtual ~TokenKeys() = default;
  /// Whether the issuer's key of that name, made for that algorithm, has signed it. Throws base::Error code "issuer"
  /// when its keys cannot be had: then nobody is let in.
  virtual SignatureFinding Verify(const std::string& issuer, const TokenSignature& signature) = 0;
};

}  // namespace yellow::ports
