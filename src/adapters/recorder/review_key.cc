#include "adapters/recorder/review_key.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "adapters/recorder/failure.h"
#include "base/error.h"

namespace yellow::adapters::recorder {
namespace {

constexpr std::string_view kPublic = "yellow-review-1:";
constexpr std::string_view kPrivate = "yellow-review-key-1:";
constexpr size_t kBytes = crypto_box_PUBLICKEYBYTES;
static_assert(kBytes == sizeof(PublicKey) && kBytes == crypto_box_SECRETKEYBYTES);
constexpr size_t kDigits = sodium_base64_ENCODED_LEN(kBytes, sodium_base64_VARIANT_ORIGINAL);

/// Fills `key`; false when the text is not one key of this kind.
bool Parse(std::string_view text, std::string_view kind, unsigned char* key) {
  if (!text.starts_with(kind) || text.size() != kind.size() + kDigits - 1) return false;
  size_t length = 0;
  return sodium_base642bin(key, kBytes, text.data() + kind.size(), kDigits - 1, nullptr, &length, nullptr,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         length == kBytes;
}

}  // namespace

std::optional<PublicKey> ParsePublicKey(const std::string& text) {
  PublicKey key{};
  return Parse(text, kPublic, key.data()) ? std::optional(key) : std::nullopt;
}

std::string MakeKeyFile(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) throw Failure("cannot make " + path);
  unsigned char public_key[kBytes], private_key[kBytes];
  char digits[kDigits];
  crypto_box_keypair(public_key, private_key);
  sodium_bin2base64(digits, sizeof digits, private_key, sizeof private_key, sodium_base64_VARIANT_ORIGINAL);
  const base::Secret line(std::string(kPrivate) + digits + "\n");
  sodium_memzero(private_key, sizeof private_key);
  const bool written =
      write(file, line.Reveal().data(), line.Reveal().size()) == static_cast<ssize_t>(line.Reveal().size()) &&
      fsync(file) == 0;
  const base::Error failure = Failure("cannot write " + path);
  close(file);
  if (!written) {
    unlink(path.c_str());
    throw failure;
  }
  sodium_bin2base64(digits, sizeof digits, public_key, sizeof public_key, sodium_base64_VARIANT_ORIGINAL);
  return std::string(kPublic) + digits;
}

base::Secret ReadKeyFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Failure("cannot read the key " + path);
  char text[kPrivate.size() + kDigits + 1];
  const ssize_t length = read(file, text, sizeof text);
  close(file);
  unsigned char key[kBytes];
  std::string_view line(text, length > 0 ? static_cast<size_t>(length) : 0);
  if (line.ends_with('\n')) line.remove_suffix(1);
  const bool is_key = Parse(line, kPrivate, key);
  const base::Secret secret(is_key ? std::string(reinterpret_cast<const char*>(key), sizeof key) : "");
  sodium_memzero(text, sizeof text);
  sodium_memzero(key, sizeof key);
  if (!is_key)
    throw base::Error("recorder", path + " holds no private key of a reviewer")
        .Remedy("yellow access keygen FILE makes one; --key takes that file, not the public key that it prints");
  return secret;
}

}  // namespace yellow::adapters::recorder
