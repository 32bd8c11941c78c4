#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

namespace yellow::adapters::http {

using CurlHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

/// The body of an answer as it comes, up to a limit; one that is longer is broken off (CURLE_WRITE_ERROR).
struct CurlBody {
  std::string text;
  size_t most;
};

inline size_t TakePart(char* data, size_t size, size_t count, void* to) {
  auto& body = *static_cast<CurlBody*>(to);
  if (body.text.size() + size * count > body.most) return 0;
  body.text.append(data, size * count);
  return size * count;
}

/// Has the handle's body collected there. REQUIRES: `body` outlives what the handle performs.
inline void CollectInto(CURL* handle, CurlBody& body) {
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &TakePart);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
}

}  // namespace yellow::adapters::http
