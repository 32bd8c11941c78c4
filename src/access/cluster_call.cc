#include "access/cluster_call.h"

namespace yellow::access {
namespace {

constexpr std::string_view kTokenInProtocol = "bearer.authorization.k8s.io";

std::string InSmallLetters(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return small;
}

int ValueOfDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> DecodedStrictly(std::string_view part) {
  std::string decoded;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      decoded += part[i];
      continue;
    }
    const bool has_digits = i + 2 < part.size();
    const int high = has_digits ? ValueOfDigit(part[i + 1]) : -1, low = has_digits ? ValueOfDigit(part[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

}  // namespace

std::optional<std::vector<std::string>> CallPathOf(std::string_view target) {
  std::vector<std::string> parts;
  std::string_view path = target.substr(0, target.find('?'));
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const auto part = DecodedStrictly(path.substr(0, slash));
    if (!part || *part == "." || *part == ".." || part->find('/') != std::string::npos) return std::nullopt;
    if (!part->empty()) parts.push_back(*part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string WhyNotPassedOn(const ClusterCall& call) {
  const auto path = CallPathOf(call.target);
  if (!path) return "the path is ambiguous";
  for (size_t i = 0; i + 2 < path->size(); ++i)
    if ((*path)[i] == "serviceaccounts" && (*path)[i + 2] == "token") return "no token may leave the cluster";
  const std::string upgrade = InSmallLetters(call.upgrade);
  if (!upgrade.empty() && upgrade != "websocket" && upgrade != "spdy/3.1") return "this protocol is not passed on";
  for (const auto& [name, value] : call.fields) {
    const std::string small = InSmallLetters(name);
    if (small.starts_with("impersonate-")) return "nobody is impersonated";
    if (small == "sec-websocket-protocol" && InSmallLetters(value).find(kTokenInProtocol) != std::string::npos)
      return "no other credential is passed on";
  }
  return "";
}

}  // namespace yellow::access
