#include "base/signature.h"

#include <sodium.h>

#include "base/check.h"
#include "base/hex.h"

namespace yellow::base {
namespace {

constexpr size_t kKeyDigits = size_t{2} * crypto_sign_PUBLICKEYBYTES, kSignatureDigits = size_t{2} * crypto_sign_BYTES;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// Both halves; the secret one is wiped when it goes.
class KeyPair {
 public:
  explicit KeyPair(const Secret& seed) {
    YELLOW_CHECK(IsHex(seed.Reveal(), size_t{2} * crypto_sign_SEEDBYTES));
    const Secret bytes(BytesOfHex(seed.Reveal()));
    crypto_sign_seed_keypair(open_, secret_, Bytes(bytes.Reveal()));
  }
  ~KeyPair() { sodium_memzero(secret_, sizeof secret_); }
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;

  std::string Public() const { return HexOf({reinterpret_cast<const char*>(open_), sizeof open_}); }
  std::string Sign(std::string_view message) const {
    unsigned char signature[crypto_sign_BYTES];
    crypto_sign_detached(signature, nullptr, Bytes(message), message.size(), secret_);
    return HexOf({reinterpret_cast<const char*>(signature), sizeof signature});
  }

 private:
  unsigned char open_[crypto_sign_PUBLICKEYBYTES] = {};
  unsigned char secret_[crypto_sign_SECRETKEYBYTES] = {};
};

}  // namespace

std::string PublicKeyOf(const Secret& seed) { return KeyPair(seed).Public(); }

std::string Sign(const Secret& seed, std::string_view message) { return KeyPair(seed).Sign(message); }

bool IsSignatureOf(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (!IsHex(public_key, kKeyDigits) || !IsHex(signature, kSignatureDigits)) return false;
  const std::string key = BytesOfHex(public_key), sign = BytesOfHex(signature);
  return crypto_sign_verify_detached(Bytes(sign), Bytes(message), message.size(), Bytes(key)) == 0;
}

bool IsHex(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace yellow::base
