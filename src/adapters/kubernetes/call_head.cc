#include "adapters/kubernetes/call_head.h"

#include <algorithm>
#include <array>
#include <optional>

namespace yellow::adapters::kubernetes {
namespace {

constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
/// Of the connection alone, the proxy's to say, or somebody's word for who calls.
constexpr std::array<std::string_view, 9> kDropped{"authorization", "connection",          "forwarded",        "host",
                                                   "keep-alive",    "proxy-authorization", "proxy-connection", "te",
                                                   "upgrade"};
constexpr std::array<std::string_view, 3> kDroppedBeginnings{"impersonate-", "x-remote-", "x-forwarded-"};

std::string Small(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return small;
}

bool IsToken(std::string_view name) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSigns.find(c) != std::string_view::npos;
  });
}

/// Bytes that a line may hold besides what separates its parts.
bool IsPlain(std::string_view text, bool blanks) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return (c > 0x20 && c != 0x7f) || (blanks && (c == ' ' || c == '\t')); });
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

bool IsDropped(std::string_view name) {
  return std::find(kDropped.begin(), kDropped.end(), name) != kDropped.end() ||
         std::any_of(kDroppedBeginnings.begin(), kDroppedBeginnings.end(),
                     [&](std::string_view beginning) { return name.starts_with(beginning); });
}

std::string WrongFraming(const CallHead& head) {
  int lengths = 0, encodings = 0;
  for (const auto& [name, value] : head.fields) {
    lengths += Small(name) == "content-length" ? 1 : 0;
    encodings += Small(name) == "transfer-encoding" ? 1 : 0;
  }
  if (lengths + encodings > 1) return "the length of the body is said more than once";
  if (encodings == 1 && Small(head.Field("transfer-encoding")) != "chunked") return "the body is encoded otherwise";
  return "";
}

}  // namespace

std::string_view CallHead::Field(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return Small(one.first) == name; });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

tl::expected<CallHead, std::string> ReadCallHead(std::string_view text) {
  const auto next_line = [&]() -> std::optional<std::string_view> {
    const size_t end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
  };
  CallHead head;
  const std::string_view first = next_line().value_or("");
  const size_t space = first.find(' '), other = first.rfind(' ');
  if (space == other || first.substr(other + 1) != "HTTP/1.1")
    return tl::unexpected<std::string>("this is not HTTP/1.1");
  head.method = first.substr(0, space);
  head.target = first.substr(space + 1, other - space - 1);
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end())
    return tl::unexpected<std::string>("there is no such method");
  if (!head.target.starts_with('/') || !IsPlain(head.target, false) || head.target.find('#') != std::string::npos)
    return tl::unexpected<std::string>("this is not the path of a call");
  while (const auto line = next_line()) {
    if (line->empty()) {
      if (const std::string wrong = WrongFraming(head); !wrong.empty()) return tl::unexpected<std::string>(wrong);
      return head;
    }
    const size_t colon = line->find(':');
    if (colon == std::string_view::npos || !IsToken(line->substr(0, colon)) || !IsPlain(*line, true))
      return tl::unexpected<std::string>("a header is malformed");
    head.fields.emplace_back(line->substr(0, colon), Trimmed(line->substr(colon + 1)));
  }
  return tl::unexpected<std::string>("the call breaks off");
}

bool AsksForUpgrade(const CallHead& head) {
  return !head.Field("upgrade").empty() && Small(head.Field("connection")).find("upgrade") != std::string::npos;
}

access::ClusterCall CallOf(const CallHead& head) {
  return {head.target, std::string(AsksForUpgrade(head) ? head.Field("upgrade") : ""), head.fields};
}

std::string HeadForServer(const CallHead& head, std::string_view host, std::string_view prefix,
                          std::string_view token) {
  std::string text = head.method + " " + std::string(prefix) + head.target + " HTTP/1.1\r\nHost: " + std::string(host) +
                     "\r\nAuthorization: Bearer " + std::string(token) + "\r\n";
  for (const auto& [name, value] : head.fields)
    if (!IsDropped(Small(name))) text += name + ": " + value + "\r\n";
  if (AsksForUpgrade(head))
    text += "Connection: Upgrade\r\nUpgrade: " + std::string(head.Field("upgrade")) + "\r\n";
  else
    text += "Connection: close\r\n";  // so that nothing follows that is not looked at
  return text + "\r\n";
}

}  // namespace yellow::adapters::kubernetes
