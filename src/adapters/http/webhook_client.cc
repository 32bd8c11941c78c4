#include "adapters/http/webhook_client.h"

#include <curl/curl.h>

#include "base/error.h"
#include "model/webhook.h"

namespace yellow::adapters::http {
namespace {

constexpr long kConnectSeconds = 5;
constexpr size_t kMostOfAnswer = 65536;  // more is no answer of a webhook

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

/// The answer is not looked at; one that does not end is broken off.
size_t Discard(char* /*data*/, size_t size, size_t count, void* read) {
  auto& sum = *static_cast<size_t*>(read);
  sum += size * count;
  return sum > kMostOfAnswer ? 0 : size * count;
}

int Progress(void* go_on, curl_off_t /*down*/, curl_off_t /*down_now*/, curl_off_t /*up*/, curl_off_t /*up_now*/) {
  return (*static_cast<const std::function<bool()>*>(go_on))() ? 0 : 1;
}

HeaderList HeadersOf(const ports::WebhookMessage& message) {
  HeaderList headers(nullptr, &curl_slist_free_all);
  for (const std::string& line : {std::string("Content-Type: application/json"), "Idempotency-Key: " + message.id,
                                  std::string("User-Agent: yellow"), std::string("Expect:")}) {
    curl_slist* const head = curl_slist_append(headers.get(), line.c_str());
    if (head == nullptr) throw base::Error("webhook", "out of memory").Retryable();
    if (headers == nullptr) headers.reset(head);
  }
  return headers;
}

class CurlWebhook : public ports::Webhook {
 public:
  CurlWebhook() { curl_global_init(CURL_GLOBAL_DEFAULT); }

  int Post(const ports::WebhookMessage& message, const std::function<bool()>& go_on) override {
    const Handle handle(curl_easy_init(), &curl_easy_cleanup);
    if (handle == nullptr) throw base::Error("webhook", "out of memory").Retryable();
    const HeaderList headers = HeadersOf(message);
    size_t read = 0;
    CURL* curl = handle.get();
    curl_easy_setopt(curl, CURLOPT_URL, message.url.Reveal().c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(message.json.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, message.json.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(ports::kWebhookLimitSeconds));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Discard);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &read);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &go_on);
    if (model::IsOnThisMachine(message.url.Reveal())) curl_easy_setopt(curl, CURLOPT_PROXY, "");
    const CURLcode done = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    // libcurl's longer messages name the host.
    if (done == CURLE_OK || (done == CURLE_WRITE_ERROR && status > 0)) return static_cast<int>(status);
    throw base::Error("webhook", curl_easy_strerror(done)).Retryable();
  }
};

}  // namespace

std::unique_ptr<ports::Webhook> MakeWebhook() { return std::make_unique<CurlWebhook>(); }

}  // namespace yellow::adapters::http
