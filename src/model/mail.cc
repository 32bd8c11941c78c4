#include "model/mail.h"

#include <algorithm>

namespace yellow::model {
namespace {

constexpr size_t kLongestLocalPart = 64, kLongestDomain = 255, kLongestPort = 5;
constexpr int kHighestPort = 65535;

bool IsLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Words between dots, each of letters, digits and `marks`.
bool IsDotted(std::string_view text, std::string_view marks) {
  const auto fits = [&](char c) { return IsLetterOrDigit(c) || c == '.' || marks.find(c) != std::string_view::npos; };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits) && !text.starts_with('.') &&
         !text.ends_with('.') && text.find("..") == std::string_view::npos;
}

bool IsHost(std::string_view host) {
  if (!host.starts_with('[')) return host.size() <= kLongestDomain && IsDotted(host, "-_");
  constexpr std::string_view kOfAddress = "0123456789abcdefABCDEF:.";
  return host.size() > 2 && host.ends_with(']') &&
         host.substr(1, host.size() - 2).find_first_not_of(kOfAddress) == std::string_view::npos;
}

bool IsPort(std::string_view port) {
  if (port.empty() || port.size() > kLongestPort || port.find_first_not_of("0123456789") != std::string_view::npos)
    return false;
  const int number = std::stoi(std::string(port));
  return number >= 1 && number <= kHighestPort;
}

}  // namespace

bool IsMailAddress(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return false;
  const std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  return local.size() <= kLongestLocalPart && IsDotted(local, "!#$%&'*+-/=?^_`{|}~") &&
         domain.size() <= kLongestDomain && IsDotted(domain, "-");
}

std::optional<std::string> WhyNotMailServer(std::string_view url) {
  const bool clear = url.starts_with("smtp://");
  if (!clear && !url.starts_with("smtps://")) return "it does not begin with smtp:// or smtps://";
  const std::string_view authority = url.substr(url.find("://") + 3);
  const size_t colon = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  if (!IsHost(authority.substr(0, colon))) return "it names no host";
  if (colon == std::string_view::npos) {
    if (clear) return "it names no port";
  } else if (!IsPort(authority.substr(colon + 1))) {
    return "its port is no number from 1 to 65535";
  }
  return std::nullopt;
}

std::string_view DomainOf(std::string_view address) { return address.substr(address.rfind('@') + 1); }

}  // namespace yellow::model
