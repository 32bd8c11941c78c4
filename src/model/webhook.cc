#include "model/webhook.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace yellow::model {
namespace {

constexpr size_t kLongestUrl = 2000;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// `user@host:port`, or empty.
std::string_view AuthorityOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const std::string_view rest = url.substr(scheme + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

std::string HostOf(std::string_view url) {
  std::string_view host = AuthorityOf(url);
  if (const size_t user = host.rfind('@'); user != std::string_view::npos) host.remove_prefix(user + 1);
  if (host.starts_with('[')) return LowerCase(host.substr(1, host.find(']') - 1));
  return LowerCase(host.substr(0, host.find(':')));
}

bool IsLoopbackAddress(std::string_view host) {
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

}  // namespace

bool IsOnThisMachine(std::string_view url) {
  const std::string host = HostOf(url);
  return host == "localhost" || host == "::1" || IsLoopbackAddress(host);
}

std::optional<std::string> WhyNotWebhook(std::string_view url) {
  const auto printable = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; };
  if (url.empty()) return "it is empty";
  if (url.size() > kLongestUrl) return "it is longer than " + std::to_string(kLongestUrl) + " characters";
  if (!std::all_of(url.begin(), url.end(), printable)) return "it holds a character that no URL has";
  const std::string scheme = LowerCase(url.substr(0, url.find("://")));
  if ((scheme != "https" && scheme != "http") || HostOf(url).empty()) return "it does not begin with https://<host>";
  if (AuthorityOf(url).find('@') != std::string_view::npos) return "it names a user";
  if (scheme == "http" && !IsOnThisMachine(url)) return "http is for this machine alone";
  return std::nullopt;
}

bool IsSecretUrl(std::string_view url) {
  // Services whose webhooks ask for nothing but the URL.
  static constexpr std::array<std::string_view, 8> kHosts{
      "hooks.slack.com",     "hooks.slack-gov.com", "discord.com",     "discordapp.com",
      "chat.googleapis.com", "webhook.office.com",  "logic.azure.com", "api.telegram.org"};
  const std::string host = HostOf(url);
  for (const std::string_view known : kHosts) {
    if (host == known || host.ends_with("." + std::string(known))) return true;
  }
  const size_t query = url.find('?');
  if (query == std::string_view::npos) return false;
  const std::string lower = LowerCase(url.substr(query));
  for (const std::string_view word : {"key=", "token=", "secret=", "sig=", "signature=", "password="}) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace yellow::model
