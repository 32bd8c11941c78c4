#include "adapters/http/mail_client.h"

#include <algorithm>
#include <cstring>

#include "adapters/http/curl_answer.h"
#include "base/error.h"
#include "model/webhook.h"

namespace yellow::adapters::http {
namespace {

constexpr long kSecondsToServer = 5;
constexpr long kSecondsToAnswer = 8;  // of the goodbye, too, which the limit of the whole does not hold for
constexpr int kTaken = 250, kFirstRefusal = 400;

using Addresses = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

struct Unsent {
  std::string_view text;
};

size_t GivePart(char* to, size_t size, size_t count, void* from) {
  std::string_view& rest = static_cast<Unsent*>(from)->text;
  const size_t length = std::min(size * count, rest.size());
  std::memcpy(to, rest.data(), length);
  rest.remove_prefix(length);
  return length;
}

int GoesOn(void* go_on, curl_off_t /*down*/, curl_off_t /*down_now*/, curl_off_t /*up*/, curl_off_t /*up_now*/) {
  return (*static_cast<const std::function<bool()>*>(go_on))() ? 0 : 1;
}

/// What libcurl says is said without the host; what it says unclearly is said here.
std::string WhyNot(CURLcode done) {
  if (done == CURLE_USE_SSL_FAILED) return "the server offers no STARTTLS, and nothing is sent in clear";
  if (done == CURLE_LOGIN_DENIED) return "the server offers no way to log in that there is a secret for";
  return curl_easy_strerror(done);
}

void Secure(CURL* curl, const ports::MailMessage& message) {
  const bool in_clear = message.ca.empty() && model::IsOnThisMachine(message.server);
  curl_easy_setopt(curl, CURLOPT_USE_SSL, in_clear ? CURLUSESSL_NONE : CURLUSESSL_ALL);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!message.ca.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, message.ca.c_str());
  if (!message.login) return;
  curl_easy_setopt(curl, CURLOPT_USERNAME, message.login->user.c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, message.login->password.Reveal().c_str());
}

class CurlMailer : public ports::Mailer {
 public:
  CurlMailer() { curl_global_init(CURL_GLOBAL_DEFAULT); }

  int Send(const ports::MailMessage& message, const std::function<bool()>& go_on) override {
    const CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
    const Addresses to(curl_slist_append(nullptr, ("<" + message.to + ">").c_str()), &curl_slist_free_all);
    if (handle == nullptr || to == nullptr) throw base::Error("mail", "out of memory").Retryable();
    CURL* curl = handle.get();
    Unsent unsent{message.text};
    curl_easy_setopt(curl, CURLOPT_URL, message.server.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + message.from + ">").c_str());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to.get());
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message.text.size()));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &GivePart);
    curl_easy_setopt(curl, CURLOPT_READDATA, &unsent);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kSecondsToServer);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, kSecondsToAnswer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(ports::kMailLimitSeconds));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &GoesOn);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &go_on);
    Secure(curl, message);
    const CURLcode done = curl_easy_perform(curl);
    if (done == CURLE_OK) return kTaken;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= kFirstRefusal) return static_cast<int>(status);
    throw base::Error("mail", WhyNot(done)).Retryable();
  }
};

}  // namespace

std::unique_ptr<ports::Mailer> MakeMailer() { return std::make_unique<CurlMailer>(); }

}  // namespace yellow::adapters::http
