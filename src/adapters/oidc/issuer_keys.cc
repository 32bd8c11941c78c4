#include "adapters/oidc/issuer_keys.h"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "access/json_value.h"
#include "adapters/http/curl_answer.h"
#include "adapters/oidc/public_key.h"
#include "base/error.h"
#include "model/webhook.h"

namespace yellow::adapters::oidc {
namespace {

constexpr long kSecondsToConnect = 5, kSeconds = 10;
constexpr size_t kMost = 1 << 20;
constexpr std::chrono::hours kKept{1};
constexpr std::chrono::minutes kUnknownKey{1};
constexpr std::chrono::seconds kFailure{5};

base::Error CannotBeHad(const std::string& why) {
  return base::Error("issuer", "the keys of the issuer cannot be had: " + why).Retryable();
}

std::string Get(const std::string& url) {
  const http::CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle == nullptr) throw CannotBeHad("out of memory");
  CURL* curl = handle.get();
  const bool here = model::IsOnThisMachine(url);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, here ? "http,https" : "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kSecondsToConnect);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "yellow");
  if (here) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  http::CurlBody body{"", kMost};
  http::CollectInto(curl, body);
  const CURLcode done = curl_easy_perform(curl);
  if (done == CURLE_WRITE_ERROR) throw CannotBeHad("its answer is longer than a MiB");
  if (done != CURLE_OK) throw CannotBeHad(curl_easy_strerror(done));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) throw CannotBeHad("it has answered with status " + std::to_string(status));
  return std::move(body.text);
}

PublicKeys Fetch(const std::string& issuer) {
  const std::string base = issuer.ends_with('/') ? issuer.substr(0, issuer.size() - 1) : issuer;
  const auto configuration = access::ParseJson(Get(base + "/.well-known/openid-configuration"));
  const auto text = [&](const char* name) {
    const access::JsonValue* found = configuration ? configuration->Find(name) : nullptr;
    return found == nullptr || found->Text() == nullptr ? std::string() : *found->Text();
  };
  // A configuration of somebody else, which a mistaken server hands out (Discovery, section 4.3).
  if (text("issuer") != issuer) throw CannotBeHad("its configuration is not one of this issuer");
  const std::string where = text("jwks_uri");
  if (const auto why = model::WhyNotWebhook(where)) throw CannotBeHad("its jwks_uri is not good: " + *why);
  auto keys = KeysOfSet(Get(where));
  if (!keys) throw CannotBeHad("what is at its jwks_uri is no set of keys");
  return std::move(*keys);
}

/// Keys of one issuer, and when they were asked for.
class IssuerKeys {
 public:
  /// Nothing when the issuer has none of that name.
  std::shared_ptr<const PublicKey> Find(const std::string& issuer, const std::string& name, ports::TimePoint now) {
    const std::lock_guard lock(mutex_);
    if (!keys_ || !Within(fetched_, kKept, now)) {
      if (Within(asked_, kFailure, now)) throw CannotBeHad("it has just not answered well");
      Renew(issuer, now);
    } else if (keys_->count(name) == 0 && !Within(asked_for_unknown_, kUnknownKey, now)) {
      asked_for_unknown_ = now;
      Renew(issuer, now);
    }
    const auto found = keys_->find(name);
    return found == keys_->end() ? nullptr : found->second;
  }

 private:
  using Past = std::optional<ports::TimePoint>;

  /// A time that seems to come is that of a clock which was put back.
  static bool Within(const Past& past, std::chrono::seconds span, ports::TimePoint now) {
    return past && now >= *past && now - *past < span;
  }

  void Renew(const std::string& issuer, ports::TimePoint now) {
    asked_ = now;
    keys_ = Fetch(issuer);
    fetched_ = now;
  }

  std::mutex mutex_;
  std::optional<PublicKeys> keys_;
  Past fetched_, asked_, asked_for_unknown_;
};

class CachedKeys : public ports::TokenKeys {
 public:
  explicit CachedKeys(ports::Clock& clock) : clock_(clock) { curl_global_init(CURL_GLOBAL_DEFAULT); }

  ports::SignatureFinding Verify(const std::string& issuer, const ports::TokenSignature& signature) override {
    const auto key = Of(issuer).Find(issuer, signature.key, clock_.Now());
    if (key == nullptr) return ports::SignatureFinding::kNoSuchKey;
    return key->HasSigned(signature) ? ports::SignatureFinding::kGood : ports::SignatureFinding::kBad;
  }

 private:
  IssuerKeys& Of(const std::string& issuer) {
    const std::lock_guard lock(mutex_);
    return issuers_[issuer];
  }

  ports::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, IssuerKeys> issuers_;
};

}  // namespace

std::unique_ptr<ports::TokenKeys> MakeTokenKeys(ports::Clock& clock) { return std::make_unique<CachedKeys>(clock); }

}  // namespace yellow::adapters::oidc
