#include <sodium.h>

#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "adapters/postgres/session.h"

// RFC 5802 (SCRAM) with SHA-256 (RFC 7677), stored as PostgreSQL does:
// SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>. Passwords here are ASCII, so SASLprep changes nothing.
namespace yellow::adapters::postgres {
namespace {

constexpr std::string_view kMethod = "SCRAM-SHA-256$";
constexpr int kIterations = 4096;  // PostgreSQL's own default
constexpr size_t kSaltBytes = 16;
using Hash = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

Hash Hmac(const unsigned char* key, size_t key_length, const unsigned char* text, size_t text_length) {
  Hash hash;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, key_length);
  crypto_auth_hmacsha256_update(&state, text, text_length);
  crypto_auth_hmacsha256_final(&state, hash.data());
  return hash;
}

Hash HmacOf(const Hash& key, std::string_view text) {
  return Hmac(key.data(), key.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

std::string Base64(const unsigned char* bytes, size_t length) {
  std::string text(sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, length, sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.find('\0'));
  return text;
}

}  // namespace

std::string MakeScramVerifier(const base::Secret& password) {
  std::array<unsigned char, kSaltBytes + 4> salt_and_block{};
  randombytes_buf(salt_and_block.data(), kSaltBytes);
  salt_and_block[kSaltBytes + 3] = 1;
  const auto* secret = reinterpret_cast<const unsigned char*>(password.Reveal().data());
  const size_t length = password.Reveal().size();
  Hash round = Hmac(secret, length, salt_and_block.data(), salt_and_block.size());
  Hash salted = round;
  for (int i = 1; i < kIterations; ++i) {
    round = Hmac(secret, length, round.data(), round.size());
    for (size_t byte = 0; byte < salted.size(); ++byte)
      salted[byte] = static_cast<unsigned char>(salted[byte] ^ round[byte]);
  }
  const Hash client_key = HmacOf(salted, "Client Key");
  const Hash server_key = HmacOf(salted, "Server Key");
  Hash stored_key;
  crypto_hash_sha256(stored_key.data(), client_key.data(), client_key.size());
  sodium_memzero(salted.data(), salted.size());
  return std::string(kMethod) + std::to_string(kIterations) + ":" + Base64(salt_and_block.data(), kSaltBytes) + "$" +
         Base64(stored_key.data(), stored_key.size()) + ":" + Base64(server_key.data(), server_key.size());
}

std::string WithoutVerifiers(std::string message) {
  constexpr std::string_view kMarks = "+/=:$";
  for (size_t at = message.find(kMethod); at != std::string::npos; at = message.find(kMethod, at)) {
    at += kMethod.size();
    size_t end = at;
    while (end < message.size() && (std::isalnum(static_cast<unsigned char>(message[end])) != 0 ||
                                    kMarks.find(message[end]) != std::string_view::npos))
      ++end;
    message.replace(at, end - at, "***");
  }
  return message;
}

}  // namespace yellow::adapters::postgres
