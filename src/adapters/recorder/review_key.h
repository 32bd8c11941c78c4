#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/secret.h"

/// Keys of reviewers: X25519 pairs, as texts. What is sealed to a public key, `yellow-review-1:BASE64`, is read with
/// the private one, `yellow-review-key-1:BASE64`.
namespace yellow::adapters::recorder {

using PublicKey = std::array<unsigned char, 32>;

/// Nothing when the text is no public key.
std::optional<PublicKey> ParsePublicKey(const std::string& text);

/// Writes a new private key into a new file that only its owner may read; returns the public key. Throws base::Error,
/// also when something is there already.
std::string MakeKeyFile(const std::string& path);

/// The private key in a file, as its 32 bytes. Throws base::Error.
base::Secret ReadKeyFile(const std::string& path);

}  // namespace yellow::adapters::recorder
