#include "base/digest.h"

#include <sodium.h>

namespace yellow::base {
namespace {

std::string HexOfHash(const unsigned char (&hash)[crypto_hash_sha256_BYTES]) {
  std::string hex(2 * sizeof hash + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), hash, sizeof hash);
  hex.pop_back();
  return hex;
}

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, Bytes(bytes), bytes.size());
  return HexOfHash(hash);
}

std::string HmacSha256Hex(std::string_view key, std::string_view bytes) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  static_assert(sizeof hash == crypto_auth_hmacsha256_BYTES);
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, Bytes(key), key.size());
  crypto_auth_hmacsha256_update(&state, Bytes(bytes), bytes.size());
  crypto_auth_hmacsha256_final(&state, hash);
  sodium_memzero(&state, sizeof state);
  return HexOfHash(hash);
}

struct Sha256::State {
  crypto_hash_sha256_state hash;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->hash); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Add(std::string_view bytes) { crypto_hash_sha256_update(&state_->hash, Bytes(bytes), bytes.size()); }

std::string Sha256::Hex() {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(&state_->hash, hash);
  return HexOfHash(hash);
}

}  // namespace yellow::base
