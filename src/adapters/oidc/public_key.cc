#include "adapters/oidc/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <set>

#include "access/base64.h"
#include "access/json_value.h"

namespace yellow::adapters::oidc {
namespace {

using access::JsonValue;

constexpr int kFewestBits = 2048, kMostBits = 8192;
constexpr size_t kCoordinate = 32;  // bytes of a number of P-256

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Pair = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Number NumberOf(std::string_view bytes) {
  return Number(BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

Key KeyOf(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return Key(key);
}

std::optional<std::string> BytesIn(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.Find(name);
  return found == nullptr || found->Text() == nullptr ? std::nullopt : access::BytesOfBase64Url(*found->Text());
}

/// RFC 7518, section 6.3.1.
Key RsaKeyOf(const JsonValue& key) {
  const auto modulus = BytesIn(key, "n"), exponent = BytesIn(key, "e");
  if (!modulus || !exponent || modulus->size() > kMostBits / 8 || exponent->size() > 8) return nullptr;
  const Number n = NumberOf(*modulus), e = NumberOf(*exponent);
  const Builder builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr || BN_num_bits(n.get()) < kFewestBits ||
      BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) == 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return nullptr;
  return KeyOf("RSA", builder.get());
}

/// RFC 7518, section 6.2.1; a point that is not on the curve makes no key.
Key CurveKeyOf(const JsonValue& key) {
  const JsonValue* curve = key.Find("crv");
  const auto x = BytesIn(key, "x"), y = BytesIn(key, "y");
  if (curve == nullptr || curve->Text() == nullptr || *curve->Text() != "P-256" || !x || !y ||
      x->size() != kCoordinate || y->size() != kCoordinate)
    return nullptr;
  const std::string point = "\x04" + *x + *y;
  const Builder builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return nullptr;
  return KeyOf("EC", builder.get());
}

/// The two numbers of a signature (RFC 7518, section 3.4) as libcrypto takes them; empty when they are none.
std::string EncodedPair(std::string_view bytes) {
  if (bytes.size() != 2 * kCoordinate) return "";
  Number r = NumberOf(bytes.substr(0, kCoordinate)), s = NumberOf(bytes.substr(kCoordinate));
  const Pair pair(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || pair == nullptr) return "";
  // The pair owns them from here on.
  if (ECDSA_SIG_set0(pair.get(), r.release(), s.release()) != 1) return "";
  unsigned char* encoded = nullptr;
  const int length = i2d_ECDSA_SIG(pair.get(), &encoded);
  if (length <= 0) return "";
  std::string text(reinterpret_cast<const char*>(encoded), static_cast<size_t>(length));
  OPENSSL_free(encoded);
  return text;
}

class LibcryptoKey : public PublicKey {
 public:
  LibcryptoKey(Key key, ports::TokenAlgorithm algorithm) : key_(std::move(key)), algorithm_(algorithm) {}

  bool HasSigned(const ports::TokenSignature& signature) const override {
    // Else whoever signs chooses how the key is read.
    if (signature.algorithm != algorithm_) return false;
    const bool curve = algorithm_ == ports::TokenAlgorithm::kEs256;
    const std::string bytes = curve ? EncodedPair(signature.bytes) : signature.bytes;
    const Digest digest(EVP_MD_CTX_new());
    return !bytes.empty() && digest != nullptr &&
           EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(digest.get(), Bytes(bytes), bytes.size(), Bytes(signature.text), signature.text.size()) ==
               1;
  }

 private:
  const Key key_;
  const ports::TokenAlgorithm algorithm_;
};

/// Whether a field is the text that is expected, or not there.
bool Allows(const JsonValue& key, std::string_view name, std::string_view expected) {
  const JsonValue* found = key.Find(name);
  return found == nullptr || (found->Text() != nullptr && *found->Text() == expected);
}

std::shared_ptr<const PublicKey> PublicKeyOf(const JsonValue& key) {
  const JsonValue* type = key.Find("kty");
  if (type == nullptr || type->Text() == nullptr || !Allows(key, "use", "sig")) return nullptr;
  Key made;
  ports::TokenAlgorithm algorithm = ports::TokenAlgorithm::kRs256;
  if (*type->Text() == "RSA" && Allows(key, "alg", "RS256")) {
    made = RsaKeyOf(key);
  } else if (*type->Text() == "EC" && Allows(key, "alg", "ES256")) {
    made = CurveKeyOf(key);
    algorithm = ports::TokenAlgorithm::kEs256;
  }
  return made == nullptr ? nullptr : std::make_shared<LibcryptoKey>(std::move(made), algorithm);
}

}  // namespace

std::optional<PublicKeys> KeysOfSet(std::string_view json) {
  const auto set = access::ParseJson(json);
  const JsonValue* list = set ? set->Find("keys") : nullptr;
  const auto* all = list == nullptr ? nullptr : std::get_if<JsonValue::List>(&list->value);
  if (all == nullptr) return std::nullopt;
  PublicKeys keys;
  std::set<std::string> names;
  for (const JsonValue& one : *all) {
    const JsonValue* name = one.Find("kid");
    if (name == nullptr || name->Text() == nullptr) continue;
    auto key = PublicKeyOf(one);
    if (key == nullptr) continue;
    if (names.insert(*name->Text()).second)
      keys[*name->Text()] = std::move(key);
    else
      keys.erase(*name->Text());
  }
  return keys;
}

}  // namespace yellow::adapters::oidc
