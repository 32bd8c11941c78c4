#include "load/secrets.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace yellow::load {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// `scheme://user:secret@host`; a `$` says that the secret is put in later.
bool HasPasswordInUrl(std::string_view text) {
  for (size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const std::string_view rest = text.substr(at + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/ ?#"));
    const size_t host = authority.rfind('@');
    if (host == std::string_view::npos) continue;
    const size_t colon = authority.substr(0, host).find(':');
    if (colon != std::string_view::npos && colon + 1 < host && authority[colon + 1] != '$') return true;
  }
  return false;
}

/// `password=secret`, as in libpq's connection strings and in the options of programs.
bool HasPasswordSetting(std::string_view text) {
  const std::string lower = Lower(text);
  for (const std::string_view word : {"password=", "passwd=", "pwd="}) {
    const size_t at = lower.find(word);
    if (at == std::string::npos || at + word.size() == lower.size()) continue;
    const char next = lower[at + word.size()];
    if (next != ' ' && next != '$' && next != '<' && next != '{') return true;
  }
  return false;
}

bool IsPrivateKey(std::string_view text) {
  return text.find("-----BEGIN ") != std::string_view::npos && text.find("PRIVATE KEY") != std::string_view::npos;
}

}  // namespace

bool IsSecretWord(std::string_view key) {
  static constexpr std::string_view kWords[] = {"password", "passwd",  "pwd",        "passphrase", "secret",
                                                "token",    "api_key", "access_key", "secret_key", "private_key"};
  return std::find(std::begin(kWords), std::end(kWords), Lower(key)) != std::end(kWords);
}

void RefuseSecret(const base::SourceRange& where, base::Diagnostics& diagnostics) {
  diagnostics.Secret(
      "Y423", where, "a secret stands here, and neither model nor environment holds one",
      "change the secret, because files are copied; then name where it is: credentials: {<name>: {env: PREFIX}}");
}

void CheckNoSecrets(const Node& node, base::Diagnostics& diagnostics) {
  if (node.kind == Node::Kind::kScalar &&
      (HasPasswordInUrl(node.text) || HasPasswordSetting(node.text) || IsPrivateKey(node.text)))
    RefuseSecret(node.where, diagnostics);
  for (const Node& item : node.items) CheckNoSecrets(item, diagnostics);
  for (const auto& [key, value] : node.entries) CheckNoSecrets(value, diagnostics);
}

}  // namespace yellow::load
