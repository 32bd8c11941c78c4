#include "adapters/http/vault_client.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "adapters/http/curl_answer.h"
#include "base/error.h"
#include "model/webhook.h"

namespace yellow::adapters::http {
namespace {

constexpr long kLimitSeconds = 10;
constexpr size_t kMostOfSecret = 1 << 20;

base::Error Unread(const std::string& credential, const std::string& path, const std::string& why) {
  return base::Error("secret",
                     "the secret of credential " + credential + " cannot be read from the vault, " + path + ": " + why);
}

/// Where an agent of the vault keeps it, or as it is given.
base::Secret TokenOf(const std::string& credential, const std::string& path, const ReadVariable& variable) {
  if (const auto file = variable("VAULT_TOKEN_FILE"); file && !file->empty()) {
    std::string line;
    std::ifstream in(*file);
    if (!std::getline(in, line) || line.empty()) throw Unread(credential, path, "no token stands in " + *file);
    return base::Secret(std::move(line));
  }
  auto token = variable("VAULT_TOKEN");
  if (!token || token->empty())
    throw Unread(credential, path, "neither VAULT_TOKEN nor VAULT_TOKEN_FILE is set")
        .Remedy("set VAULT_TOKEN_FILE to where an agent of the vault keeps a token");
  return base::Secret(std::move(*token));
}

std::string AddressOf(const std::string& credential, const std::string& path, const ReadVariable& variable) {
  std::string address = variable("VAULT_ADDR").value_or("");
  while (address.ends_with('/')) address.pop_back();
  if (address.empty())
    throw Unread(credential, path, "VAULT_ADDR is not set").Remedy("set VAULT_ADDR=https://vault.example.com:8200");
  if (!address.starts_with("https://") && !model::IsOnThisMachine(address))
    throw Unread(credential, path, "VAULT_ADDR is not https://, so the secret could be read on its way");
  return address;
}

std::string TextIn(const nlohmann::json& fields, const char* name) {
  const auto found = fields.find(name);
  return found != fields.end() && found->is_string() ? found->get<std::string>() : "";
}

class Headers {
 public:
  void Add(const std::string& line) {
    curl_slist* const longer = curl_slist_append(list_, line.c_str());
    if (longer == nullptr) throw base::Error("secret", "out of memory").Retryable();
    list_ = longer;
  }
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  ~Headers() { curl_slist_free_all(list_); }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

}  // namespace

ports::CredentialValue ReadVault(const std::string& credential, const std::string& path, const ReadVariable& variable) {
  const std::string url = AddressOf(credential, path, variable) + "/v1/" + path;
  const base::Secret token = TokenOf(credential, path, variable);
  Headers headers;
  headers.Add("X-Vault-Token: " + token.Reveal());
  headers.Add("X-Vault-Request: true");
  if (const auto space = variable("VAULT_NAMESPACE"); space && !space->empty())
    headers.Add("X-Vault-Namespace: " + *space);
  const CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle == nullptr) throw Unread(credential, path, "out of memory").Retryable();
  CURL* curl = handle.get();
  CurlBody body{"", kMostOfSecret};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kLimitSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (const auto ca = variable("VAULT_CACERT"); ca && !ca->empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca->c_str());
  if (model::IsOnThisMachine(url)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  CollectInto(curl, body);
  const CURLcode done = curl_easy_perform(curl);
  if (done != CURLE_OK) throw Unread(credential, path, curl_easy_strerror(done)).Retryable();
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  const nlohmann::json answer = nlohmann::json::parse(body.text, nullptr, false);
  const nlohmann::json outer =
      answer.is_object() ? answer.value("data", nlohmann::json::object()) : nlohmann::json::object();
  // A store of version 2 has the fields one level further in, with what it knows of their version beside.
  const bool versioned = outer.is_object() && outer.contains("data") && outer.contains("metadata");
  if (status == 404 && versioned) throw Unread(credential, path, "its newest version was deleted");
  if (status == 404)
    throw Unread(credential, path, "it is not there")
        .Remedy("of a store of version 2 the path has data/ in it: secret/data/shop-reader");
  if (status == 403) throw Unread(credential, path, "the token may not read it");
  if (status != 200)
    throw Unread(credential, path, "it has answered with status " + std::to_string(status))
        .Retryable(status == 429 || status >= 500);
  const nlohmann::json fields = versioned ? outer.at("data") : outer;
  if (!fields.is_object()) throw Unread(credential, path, "its newest version was deleted");
  ports::CredentialValue value{TextIn(fields, "username"), base::Secret(TextIn(fields, "password")),
                               base::Secret(TextIn(fields, "token"))};
  if (value.user.empty() && value.token.empty())
    throw Unread(credential, path, "it has neither username nor token")
        .Remedy("give it the fields username and password, or token");
  return value;
}

}  // namespace yellow::adapters::http
