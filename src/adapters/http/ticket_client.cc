#include "adapters/http/ticket_client.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "adapters/http/curl_answer.h"
#include "base/error.h"
#include "model/webhook.h"

namespace yellow::adapters::http {
namespace {

using Json = nlohmann::json;

constexpr long kSecondsToConnect = 5, kSeconds = 10;
constexpr size_t kMost = 1 << 20;

base::Error Unclear(const std::string& what) {
  return base::Error("tickets", "the ticket system cannot be asked: " + what);
}

/// Whether a list that should hold what the pointer is for is there and empty.
bool IsEmptyListOn(const Json& document, const std::string& pointer) {
  try {
    for (Json::json_pointer at(pointer); !at.empty(); at = at.parent_pointer())
      if (document.contains(at)) return document.at(at).is_array() && document.at(at).empty();
  } catch (const Json::exception&) {
    return false;
  }
  return false;
}

/// The name of a ticket, which may be a number.
std::optional<std::string> NameAt(const Json& document, const std::string& pointer) {
  try {
    const Json& found = document.at(Json::json_pointer(pointer));
    if (found.is_string()) return found.get<std::string>();
    return found.is_number_integer() ? std::optional(found.dump()) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

/// What stands at a JSON pointer, when it is a text.
std::optional<std::string> TextAt(const Json& document, const std::string& pointer) {
  try {
    const Json& found = document.at(Json::json_pointer(pointer));
    return found.is_string() ? std::optional(found.get<std::string>()) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

struct Answer {
  long status = 0;
  std::string body;
};

Answer Get(const std::string& url, const ports::CredentialValue* credential) {
  const CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle == nullptr) throw Unclear("out of memory").Retryable();
  CURL* curl = handle.get();
  Answer answer;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, "Accept: application/json"), &curl_slist_free_all);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kSecondsToConnect);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "yellow");
  CurlBody body{"", kMost};
  CollectInto(curl, body);
  if (model::IsOnThisMachine(url)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (credential != nullptr && !credential->token.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, credential->token.Reveal().c_str());
  } else if (credential != nullptr) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, credential->user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, credential->password.Reveal().c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  const CURLcode done = curl_easy_perform(curl);
  if (done == CURLE_WRITE_ERROR) throw Unclear("its answer is longer than a MiB");
  if (done != CURLE_OK) throw Unclear(curl_easy_strerror(done)).Retryable();
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = std::move(body.text);
  return answer;
}

class TicketClient : public ports::Tickets {
 public:
  TicketClient(ports::FileSystem& files, ports::SecretStore& secrets) : files_(files), secrets_(secrets) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
  }

  std::optional<ports::Ticket> Find(const model::Environment& environment, const std::string& ticket) override {
    if (const auto* file = std::get_if<model::TicketFile>(&environment.tickets)) return InFile(*file, ticket);
    if (const auto* service = std::get_if<model::TicketService>(&environment.tickets))
      return Asked(environment, *service, ticket);
    throw Unclear("the environment names none");
  }

 private:
  std::optional<ports::Ticket> InFile(const model::TicketFile& file, const std::string& ticket) {
    const auto text = files_.Read(file.path);
    if (!text)
      throw Unclear("there is no file " + file.path)
          .Remedy("write {\"OPS-142\": {\"open\": true, \"owner\": \"alice\"}} into it");
    const Json all = Json::parse(*text, nullptr, false);
    if (!all.is_object()) throw Unclear("this is no object of tickets: " + file.path);
    const auto found = all.find(ticket);
    if (found == all.end()) return std::nullopt;
    const std::optional<std::string> owner = TextAt(*found, "/owner");
    if (!owner || !found->contains("open") || !found->at("open").is_boolean())
      throw Unclear("ticket " + ticket + " of " + file.path + " does not say whether it is open and whose it is");
    return ports::Ticket{found->at("open").get<bool>(), *owner};
  }

  std::optional<ports::Ticket> Asked(const model::Environment& environment, const model::TicketService& service,
                                     const std::string& ticket) {
    std::string url = service.url;
    const std::string_view place = "{ticket}";
    for (size_t at = url.find(place); at != std::string::npos; at = url.find(place, at))
      url.replace(at, place.size(), Encoded(ticket));
    const auto credential = CredentialOf(environment, service);
    const Answer answer = Get(url, credential ? &*credential : nullptr);
    if (answer.status == 404 || answer.status == 410) return std::nullopt;
    if (answer.status != 200)
      throw Unclear("it has answered with status " + std::to_string(answer.status)).Retryable(answer.status >= 500);
    const Json document = Json::parse(answer.body, nullptr, false);
    if (IsEmptyListOn(document, service.state)) return std::nullopt;
    if (!service.name.empty()) {
      const auto name = NameAt(document, service.name);
      if (!name) throw Unclear("its answer has no name at " + service.name);
      if (*name != ticket) return std::nullopt;
    }
    const auto state = TextAt(document, service.state);
    if (!state) throw Unclear("its answer has no text at " + service.state);
    // Nobody's is a ticket, too, and supports nobody.
    return ports::Ticket{std::find(service.open.begin(), service.open.end(), *state) != service.open.end(),
                         TextAt(document, service.owner).value_or("")};
  }

  std::optional<ports::CredentialValue> CredentialOf(const model::Environment& environment,
                                                     const model::TicketService& service) {
    if (!service.credential) return std::nullopt;
    for (const model::CredentialPlace& place : environment.credentials)
      if (place.credential == service.credential->text) return secrets_.Read(place.credential, place.source);
    throw Unclear("the environment does not say where this credential is: " + service.credential->text);
  }

  static std::string Encoded(const std::string& text) {
    const std::unique_ptr<char, decltype(&curl_free)> escaped(
        curl_easy_escape(nullptr, text.c_str(), static_cast<int>(text.size())), &curl_free);
    if (escaped == nullptr) throw Unclear("out of memory").Retryable();
    return escaped.get();
  }

  ports::FileSystem& files_;
  ports::SecretStore& secrets_;
};

}  // namespace

std::unique_ptr<ports::Tickets> MakeTickets(ports::FileSystem& files, ports::SecretStore& secrets) {
  return std::make_unique<TicketClient>(files, secrets);
}

}  // namespace yellow::adapters::http
