#pragma once

#include <httplib.h>

namespace yellow::adapters::http {

/// Refuses a call that asks for a part of an answer (`Range`, RFC 9110, 14.2): what comes in pieces is given whole or
/// not at all, and cpp-httplib would cut out of it what it has not. True: `response` is filled.
inline bool RefuseRange(const httplib::Request& request, httplib::Response& response) {
  if (!request.has_header("Range")) return false;
  // cpp-httplib would cut this answer, too; the request is one of its own, and no constant.
  const_cast<httplib::Request&>(request).ranges.clear();
  response.status = 400;
  response.set_content(
      R"({"error": {"code": "call", "text": "no answer is given in part", "remedy": "leave the header Range out"}})"
      "\n",
      "application/json");
  return true;
}

}  // namespace yellow::adapters::http
