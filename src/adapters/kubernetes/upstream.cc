#include "adapters/kubernetes/upstream.h"

#include <curl/curl.h>

#include "adapters/kubernetes/curl_server.h"
#include "adapters/kubernetes/reply.h"

namespace yellow::adapters::kubernetes {
namespace {

ApiError Broken(CURLcode code) {
  ApiError error(std::string("the API server: ") + curl_easy_strerror(code), 0);
  error.Retryable();
  return error;
}

Access WithoutIdentity(const Access& access) {
  Access bare;
  bare.server = access.server, bare.authority = access.authority;
  return bare;
}

}  // namespace

Upstream::Upstream(const Access& access) : curl_(curl_easy_init()) {
  if (curl_ == nullptr) throw base::Error("kubernetes", "out of memory").Retryable();
  const Access bare = WithoutIdentity(access);
  SetServer(curl_, bare);
  curl_easy_setopt(curl_, CURLOPT_URL, bare.server.c_str());
  curl_easy_setopt(curl_, CURLOPT_CONNECT_ONLY, 1L);
  const CURLcode done = curl_easy_perform(curl_);
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (done == CURLE_OK) curl_easy_getinfo(curl_, CURLINFO_ACTIVESOCKET, &socket);
  if (done == CURLE_OK && socket != CURL_SOCKET_BAD) {
    descriptor_ = socket;
    return;
  }
  curl_easy_cleanup(curl_);
  throw Broken(done == CURLE_OK ? CURLE_COULDNT_CONNECT : done);
}

Upstream::~Upstream() { curl_easy_cleanup(curl_); }

size_t Upstream::Write(std::string_view bytes) {
  size_t sent = 0;
  const CURLcode done = curl_easy_send(curl_, bytes.data(), bytes.size(), &sent);
  if (done != CURLE_OK && done != CURLE_AGAIN) throw Broken(done);
  return sent;
}

std::optional<size_t> Upstream::Read(std::span<char> into) {
  size_t got = 0;
  const CURLcode done = curl_easy_recv(curl_, into.data(), into.size(), &got);
  if (done == CURLE_AGAIN) return std::nullopt;
  if (done != CURLE_OK) throw Broken(done);
  return got;
}

}  // namespace yellow::adapters::kubernetes
