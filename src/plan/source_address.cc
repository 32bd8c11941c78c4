#include "plan/source_address.h"

#include <algorithm>
#include <charconv>

namespace yellow::plan {
namespace {

constexpr const char* kPassword = "it holds a password, and no file of a project does";
constexpr int kLastPort = 65535;

/// `%2F` and the like.
std::string Decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Reads part by part; the first thing that is wrong stays.
class Reader {
 public:
  std::variant<SourceAddress, std::string> Read(std::string_view text) {
    const size_t scheme = text.find("://");
    const std::string_view word = text.substr(0, scheme);
    if (scheme == std::string_view::npos || (word != "postgresql" && word != "postgres"))
      return "it does not begin with postgresql://";
    text.remove_prefix(scheme + 3);
    const size_t question = text.find('?');
    if (question != std::string_view::npos) Parameters(text.substr(question + 1));
    text = text.substr(0, question);
    const size_t slash = text.find('/');
    Server(text.substr(0, slash));
    if (slash != std::string_view::npos) address_.database = Decoded(text.substr(slash + 1));
    if (address_.database.empty()) Wrong("it names no database");
    if (address_.host.empty()) Wrong("it names no host");
    if (!wrong_.empty()) return wrong_;
    return address_;
  }

 private:
  void Wrong(const std::string& why) {
    if (wrong_.empty()) wrong_ = why;
  }

  void Parameters(std::string_view text) {
    while (!text.empty()) {
      const std::string_view parameter = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(text.size(), parameter.size() + 1));
      const size_t equals = parameter.find('=');
      const std::string name(parameter.substr(0, equals));
      const std::string value = equals == std::string_view::npos ? "" : Decoded(parameter.substr(equals + 1));
      if (name == "sslmode") {
        address_.sslmode = value;
      } else if (name == "host") {
        address_.host = value;
      } else {
        Wrong(name == "password" ? kPassword : "its parameter " + name + " is not known here");
      }
    }
  }

  void Server(std::string_view text) {
    if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
      if (text.substr(0, at).find(':') != std::string_view::npos) Wrong(kPassword);
      address_.user = Decoded(text.substr(0, at));
      text.remove_prefix(at + 1);
    }
    size_t colon = text.rfind(':');
    if (text.starts_with('[')) {  // an IPv6 address
      const size_t close = text.find(']');
      if (close == std::string_view::npos) return Wrong("a bracket is never closed");
      address_.host = text.substr(1, close - 1);
      if (close + 1 == text.size()) return;
      if (text[close + 1] != ':') return Wrong("a port begins with a colon");
      colon = close + 1;
    } else if (!text.empty()) {
      address_.host = Decoded(text.substr(0, colon));
    }
    if (colon != std::string_view::npos) Port(text.substr(colon + 1));
  }

  void Port(std::string_view text) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, address_.port);
    if (result.ec != std::errc() || result.ptr != end || address_.port < 1 || address_.port > kLastPort)
      Wrong("there is no port " + std::string(text));
  }

  SourceAddress address_;
  std::string wrong_;
};

}  // namespace

std::variant<SourceAddress, std::string> ParseSourceAddress(std::string_view text) { return Reader().Read(text); }

}  // namespace yellow::plan
