#include "adapters/kubernetes/client.h"

#include <curl/curl.h>
#include <sodium.h>

#include <cstring>
#include <exception>

#include "adapters/kubernetes/curl_server.h"
#include "base/json_text.h"

namespace yellow::adapters::kubernetes {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kCallSeconds = 30;
constexpr long kWatchSeconds = 290;   // then the server ends it, and the next one may go to another server
constexpr long kSilentSeconds = 150;  // a watch has a bookmark every minute
constexpr std::chrono::seconds kTokenReadAgain{10};
constexpr size_t kMostOfAnswer = size_t{256} << 20;
constexpr size_t kMostIdle = 8;
constexpr int kLookMilliseconds = 250;  // hundreds of logs are followed at a time

/// A list of headers, wiped when it goes: one of them may be a token.
class Headers {
 public:
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  ~Headers() {
    for (curl_slist* one = first_; one != nullptr; one = one->next) sodium_memzero(one->data, std::strlen(one->data));
    curl_slist_free_all(first_);
  }
  void Add(const std::string& line) {
    curl_slist* const head = curl_slist_append(first_, line.c_str());
    if (head == nullptr) throw base::Error("kubernetes", "out of memory").Retryable();
    first_ = head;
  }
  curl_slist* first() const { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

}  // namespace

struct Client::Handle {
  explicit Handle(const Access& access);
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { curl_easy_cleanup(curl); }
  CURL* curl;
};

Client::Handle::Handle(const Access& access) : curl(curl_easy_init()) {
  if (curl == nullptr) throw base::Error("kubernetes", "out of memory").Retryable();
  SetServer(curl, access);
}

/// What goes out and what is done with what comes back.
struct Client::Call {
  std::string what;    // for messages
  const char* method;  // GET, POST, …
  std::string path;
  std::string content_type = {};
  std::string json = {};
  bool stream = false;
  bool silent_is_dead = false;
  /// For the body of a good answer to a stream; false ends it.
  std::function<bool(std::string_view)> take = {};
  const GoOn* go_on = nullptr;

  CURL* curl = nullptr;
  std::string body = {};
  bool stopped = false;  // by take or go_on
  std::exception_ptr thrown = {};
  int retry_after = 0;

  size_t Written(std::string_view bytes) noexcept;
  CURLcode Perform();
};

size_t Client::Call::Written(std::string_view bytes) noexcept {
  try {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (stream && status >= 200 && status < 300) {
      stopped = !take(bytes);
      return stopped ? 0 : bytes.size();
    }
    if (body.size() + bytes.size() > kMostOfAnswer) return 0;
    body += bytes;
    return bytes.size();
  } catch (...) {
    thrown = std::current_exception();
    return 0;
  }
}

/// To the end of the call, or until `go_on` says false, which is asked often: a watch may be silent for a minute.
CURLcode Client::Call::Perform() {
  if (go_on == nullptr) return curl_easy_perform(curl);
  const std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi(curl_multi_init(), &curl_multi_cleanup);
  if (multi == nullptr) throw base::Error("kubernetes", "out of memory").Retryable();
  curl_multi_add_handle(multi.get(), curl);
  CURLcode code = CURLE_OK;
  try {
    for (int running = 1; running > 0;) {
      stopped = stopped || !(*go_on)();
      if (stopped) break;
      curl_multi_perform(multi.get(), &running);
      if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, kLookMilliseconds, nullptr);
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left))
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  curl_multi_remove_handle(multi.get(), curl);
  return code;
}

namespace {

template <typename Call>
size_t OnBytes(char* data, size_t size, size_t count, void* call) {
  return static_cast<Call*>(call)->Written({data, size * count});
}

/// True when nothing can have reached the server.
bool NeverArrived(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return true;
    default:
      return false;
  }
}

ApiError NoAnswer(const std::string& what, const char* method, CURLcode code) {
  ApiError error(what + ": " + curl_easy_strerror(code), 0);
  error.Retryable().OutcomeUnknown(std::strcmp(method, "GET") != 0 && !NeverArrived(code));
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    error.Retryable(false).Remedy("the certificate authority of the kubeconfig must be that of this server");
  if (code == CURLE_SSL_CERTPROBLEM) error.Retryable(false).Remedy("the client certificate or its key cannot be used");
  return error;
}

}  // namespace

Client::Client(Access access, ReadFile read) : access_(std::move(access)), read_(std::move(read)) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

Client::~Client() = default;

std::unique_ptr<Client::Handle> Client::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Handle> handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  return std::make_unique<Handle>(access_);
}

void Client::GiveBack(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(handle));
}

base::Secret Client::Token(bool again) {
  if (access_.token_file.empty()) return access_.token;
  const std::lock_guard lock(mutex_);
  if (again || token_.empty() || Clock::now() - token_read_ > kTokenReadAgain) {
    std::optional<std::string> text = read_(access_.token_file);
    if (!text) {
      ApiError error(access_.token_file + ": the token cannot be read", 0);
      error.Remedy("check the path and who may read it").Retryable();
      throw error;
    }
    text->erase(text->find_last_not_of(" \r\n\t") + 1);
    token_ = base::Secret(std::move(*text));
    token_read_ = Clock::now();
  }
  return token_;
}

int Client::Perform(Call& call, const base::Secret& token) {
  std::unique_ptr<Handle> handle = Take();
  CURL* const curl = handle->curl;
  Headers headers;
  headers.Add("Accept: application/json, */*");
  headers.Add("User-Agent: yellow");
  headers.Add("Expect:");
  if (!call.content_type.empty()) headers.Add("Content-Type: " + call.content_type);
  if (!token.empty()) headers.Add("Authorization: Bearer " + token.Reveal());
  const std::string url = access_.server + call.path;
  const bool sends = std::strcmp(call.method, "GET") != 0;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  if (sends) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.json.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.json.size()));
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.first());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, call.stream ? 0L : kCallSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, call.silent_is_dead ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, call.silent_is_dead ? kSilentSeconds : 0L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBytes<Call>);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &call);
  call.curl = curl;
  call.body.clear();
  const CURLcode code = call.Perform();
  long status = 0;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
  call.retry_after = static_cast<int>(retry_after);
  // The list of headers ends here, and a handle that is kept must not point to it.
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  if (call.thrown != nullptr) std::rethrow_exception(call.thrown);
  if (code != CURLE_OK && !call.stopped) throw NoAnswer(call.what, call.method, code);
  // The connection of a call that could be broken off is gone with it.
  if (code == CURLE_OK && call.go_on == nullptr) GiveBack(std::move(handle));
  return static_cast<int>(status);
}

Reply Client::Exchange(Call& call) {
  int status = Perform(call, Token(false));
  if (status == 401 && !access_.token_file.empty()) status = Perform(call, Token(true));
  // Broken off before there was an answer, or in the middle of a good one.
  if (call.stopped && (status == 0 || (status >= 200 && status < 300))) return {};
  return Classify(call.what, status, std::move(call.body), call.retry_after);
}

Reply Client::Get(const std::string& path) {
  Call call{"get " + path, "GET", path};
  return Exchange(call);
}

Reply Client::Create(const std::string& path, const std::string& json) {
  Call call{"create in " + path, "POST", path, "application/json", json};
  return Exchange(call);
}

Reply Client::Change(const std::string& path, const std::string& json) {
  Call call{"change " + path, "PATCH", path, "application/merge-patch+json", json};
  return Exchange(call);
}

Reply Client::Delete(const std::string& path, const std::string& uid, std::optional<int> grace_seconds) {
  std::string options = R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background")";
  if (!uid.empty()) options += R"(,"preconditions":{"uid":)" + base::JsonString(uid) + "}";
  if (grace_seconds) options += ",\"gracePeriodSeconds\":" + std::to_string(*grace_seconds);
  Call call{"delete " + path, "DELETE", path, "application/json", options + "}"};
  return Exchange(call);
}

Outcome Client::Watch(const std::string& path, const std::string& query, const std::string& version,
                      const std::function<bool(const WatchEvent&)>& take, const GoOn& go_on) {
  WatchStream events;
  std::optional<Outcome> end;
  Call call{"watch " + path, "GET",
            path + "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(kWatchSeconds) +
                "&resourceVersion=" + Encode(version) + (query.empty() ? "" : "&" + query)};
  call.stream = call.silent_is_dead = true;
  call.go_on = &go_on;
  call.take = [&](std::string_view bytes) {
    end = events.Feed(bytes, take);
    return !end;
  };
  const Outcome outcome = Exchange(call).outcome;
  return end.value_or(outcome);
}

Outcome Client::Stream(const std::string& path, const std::function<bool(std::string_view)>& take, const GoOn& go_on) {
  Call call{"read " + path, "GET", path};
  call.stream = true;
  call.take = take;
  call.go_on = &go_on;
  return Exchange(call).outcome;
}

std::string Client::Encode(std::string_view value) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : value) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
  }
  return encoded;
}

}  // namespace yellow::adapters::kubernetes
