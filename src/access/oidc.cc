#include "access/oidc.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "access/base64.h"
#include "access/json_value.h"

namespace yellow::access {
namespace {

constexpr size_t kLongestToken = 8000, kLongestKey = 200, kLongestAddress = 254;
constexpr int64_t kLeeway = 60;  // seconds that the clocks of two machines may differ by

using Unknown = tl::unexpected<std::string>;

std::optional<JsonValue> ObjectOfPart(std::string_view part) {
  const auto bytes = BytesOfBase64Url(part);
  auto value = bytes ? ParseJson(*bytes) : std::nullopt;
  if (!value || !std::holds_alternative<JsonValue::Object>(value->value)) return std::nullopt;
  return value;
}

std::optional<std::string> TextIn(const JsonValue& object, std::string_view key) {
  const JsonValue* found = object.Find(key);
  const std::string* text = found == nullptr ? nullptr : found->Text();
  return text == nullptr ? std::nullopt : std::optional(*text);
}

/// A token taken apart.
struct Parts {
  ports::TokenSignature signature;
  JsonValue claims;
};

tl::expected<Parts, std::string> PartsOf(std::string_view token) {
  if (token.size() > kLongestToken) return Unknown("the token is longer than 8000 bytes");
  const size_t first = token.find('.');
  const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return Unknown("this is no signed token");
  const auto header = ObjectOfPart(token.substr(0, first));
  auto claims = ObjectOfPart(token.substr(first + 1, second - first - 1));
  auto signature = BytesOfBase64Url(token.substr(second + 1));
  if (!header || !claims || !signature) return Unknown("this is no signed token");
  // What must be understood, and is not, voids it (RFC 7515, section 4.1.11).
  if (header->Find("crit") != nullptr) return Unknown("the token asks for an extension that is not known");
  Parts parts{{}, std::move(*claims)};
  const auto algorithm = TextIn(*header, "alg");
  if (algorithm == "ES256")
    parts.signature.algorithm = ports::TokenAlgorithm::kEs256;
  else if (algorithm != "RS256")
    return Unknown("the token is not signed with RS256 or ES256");
  const auto key = TextIn(*header, "kid");
  if (!key || key->empty() || key->size() > kLongestKey) return Unknown("the token does not name its key");
  parts.signature.key = *key;
  parts.signature.text = token.substr(0, second);
  parts.signature.bytes = std::move(*signature);
  return parts;
}

bool IsFor(const JsonValue& claims, const std::string& audience) {
  const JsonValue* found = claims.Find("aud");
  if (found == nullptr) return false;
  if (const auto* list = std::get_if<JsonValue::List>(&found->value))
    return std::any_of(list->begin(), list->end(),
                       [&](const JsonValue& one) { return one.Text() != nullptr && *one.Text() == audience; });
  return found->Text() != nullptr && *found->Text() == audience;
}

/// Why it is not of this time, or nothing.
std::optional<std::string> WhyNotNow(const JsonValue& claims, int64_t now) {
  const auto seconds = [&](const char* key) {
    const JsonValue* found = claims.Find(key);
    return found == nullptr ? nullptr : found->Integer();
  };
  const int64_t* expires = seconds("exp");
  if (expires == nullptr) return "the token does not say when it ends";
  if (*expires <= now - kLeeway) return "the token has expired";
  for (const char* key : {"nbf", "iat"}) {
    if (claims.Find(key) == nullptr) continue;
    const int64_t* since = seconds(key);
    if (since == nullptr) return "the token does not say since when it is valid";
    if (*since > now + kLeeway) return "the token is not valid yet";
  }
  return std::nullopt;
}

tl::expected<std::string, std::string> AddressIn(const JsonValue& claims, const std::string& claim) {
  const auto address = TextIn(claims, claim);
  const auto printable = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; };
  if (!address || address->empty() || address->size() > kLongestAddress ||
      !std::all_of(address->begin(), address->end(), printable))
    return Unknown("the token holds no address in its claim " + claim);
  const JsonValue* verified = claims.Find("email_verified");
  if (claim != "email" || verified == nullptr) return *address;
  // Some issuers write it as a text.
  const bool* truth = std::get_if<bool>(&verified->value);
  if ((truth != nullptr && *truth) || (verified->Text() != nullptr && *verified->Text() == "true")) return *address;
  return Unknown("the issuer has not verified the address of the token");
}

}  // namespace

tl::expected<std::string, std::string> IdentityOfToken(const model::AccessListener& listener, ports::TokenKeys& keys,
                                                       ports::TimePoint now, std::string_view token) {
  const auto parts = PartsOf(token);
  if (!parts) return Unknown(parts.error());
  switch (keys.Verify(listener.issuer, parts->signature)) {
    case ports::SignatureFinding::kGood:
      break;
    case ports::SignatureFinding::kBad:
      return Unknown("the signature of the token is not good");
    case ports::SignatureFinding::kNoSuchKey:
      return Unknown("the issuer has no such key as the token was signed with");
  }
  const JsonValue& claims = parts->claims;
  if (TextIn(claims, "iss") != listener.issuer) return Unknown("the token is of another issuer");
  if (!IsFor(claims, listener.audience)) return Unknown("the token is for another audience");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (auto why = WhyNotNow(claims, seconds)) return Unknown(std::move(*why));
  const auto address = AddressIn(claims, listener.claim);
  if (!address) return Unknown(address.error());
  return "oidc:" + *address;
}

}  // namespace yellow::access
