#pragma once

#include <httplib.h>

#include <string_view>

namespace yellow::adapters::http {

/// Refuses a call that asks for a part of an answer (`Range`, RFC 9110, 14.2): what comes in pieces is given whole or
/// not at all, and cpp-httplib would cut out of it what it has not. True: `response` is filled.
inline bool RefuseRange(const httplib::Request& request, httplib::Response& response) {
  if (!request.has_header("Range")) return false;
  response.status = 400;
  // In chunks, as cpp-httplib cuts any other answer, this one too.
  response.set_chunked_content_provider("application/json", [](size_t, httplib::DataSink& sink) {
    constexpr std::string_view kText =
        R"({"error": {"code": "call", "text": "no answer is given in part", "remedy": "leave the header Range out"}})"
        "\n";
    const bool sent = sink.write(kText.data(), kText.size());
    sink.done();
    return sent;
  });
  return true;
}

}  // namespace yellow::adapters::http
