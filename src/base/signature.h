#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

/// Ed25519 (RFC 8032). Keys and signatures are lower-case hexadecimal text: 64 digits for a key, 128 for a signature.
/// The secret half is the seed.
namespace yellow::base {

/// REQUIRES: `seed` has 64 digits.
std::string PublicKeyOf(const Secret& seed);
/// REQUIRES: `seed` has 64 digits.
std::string Sign(const Secret& seed, std::string_view message);
/// False too for what is no key or no signature.
bool IsSignatureOf(std::string_view public_key, std::string_view message, std::string_view signature);

/// True for so many lower-case hexadecimal digits and nothing else.
bool IsHex(std::string_view text, size_t digits);

}  // namespace yellow::base
