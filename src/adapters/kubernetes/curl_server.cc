#include "adapters/kubernetes/curl_server.h"

#include <curl/curl.h>

#include "model/webhook.h"

namespace yellow::adapters::kubernetes {
namespace {

constexpr long kConnectSeconds = 5;
constexpr long kKeepAliveSeconds = 30;

curl_blob BlobOf(const std::string& text) {
  // Not copied: what it points to lives as long as the handle connects.
  return {const_cast<char*>(text.data()), text.size(),
          CURL_BLOB_NOCOPY};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

}  // namespace

void SetServer(void* handle, const Access& access) {
  CURL* const curl = handle;
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, kKeepAliveSeconds);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, kKeepAliveSeconds / 3);
  if (!access.authority.empty()) {
    // Nobody else vouches for this server: the system's certificates are left out.
    curl_easy_setopt(curl, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    curl_blob authority = BlobOf(access.authority);
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authority);
  }
  if (!access.certificate.empty()) {
    curl_blob certificate = BlobOf(access.certificate);
    curl_blob key = BlobOf(access.key.Reveal());
    curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
  }
  if (model::IsOnThisMachine(access.server)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

}  // namespace yellow::adapters::kubernetes
