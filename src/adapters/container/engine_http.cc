#include "adapters/container/engine_http.h"

#include <curl/curl.h>

#include <memory>
#include <mutex>

#include "base/error.h"

namespace yellow::adapters::container {
namespace {

constexpr long kConnectSeconds = 5;
constexpr size_t kMostOfAnswer = size_t{16} << 20;

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

struct Transfer {
  const Request& request;
  CURL* curl = nullptr;
  Answer answer;
};

size_t Receive(char* data, size_t size, size_t count, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  const std::string_view part(data, size * count);
  if (status == 200 && transfer.request.receive) return transfer.request.receive(part) ? part.size() : 0;
  if (transfer.answer.body.size() + part.size() > kMostOfAnswer) return 0;
  transfer.answer.body += part;
  return part.size();
}

base::Error Unreachable(const std::string& socket, const std::string& why) {
  return base::Error("engine", "the container engine at " + socket + " does not answer: " + why)
      .Retryable()
      .Remedy("start it, or name the socket of the one that runs: launcher: {docker: {socket: …}}");
}

void AddHeader(Headers& headers, const std::string& line) {
  curl_slist* const head = curl_slist_append(headers.get(), line.c_str());
  if (head == nullptr) throw base::Error("engine", "out of memory").Retryable();
  if (headers == nullptr) headers.reset(head);
}

/// Until it is over; false when `go_on` has ended it.
bool Perform(CURLM* multi, const Request& request, CURLcode& code) {
  int running = 1;
  while (running > 0) {
    if (request.go_on && !request.go_on()) return false;
    curl_multi_perform(multi, &running);
    if (running > 0) curl_multi_poll(multi, nullptr, 0, request.look_milliseconds, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  return true;
}

}  // namespace

EngineHttp::EngineHttp(std::string socket) : socket_(std::move(socket)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Answer EngineHttp::Call(const Request& request) const {
  const Easy easy(curl_easy_init(), &curl_easy_cleanup);
  const Multi multi(curl_multi_init(), &curl_multi_cleanup);
  if (easy == nullptr || multi == nullptr) throw base::Error("engine", "out of memory").Retryable();
  Headers headers(nullptr, &curl_slist_free_all);
  AddHeader(headers, "Expect:");
  if (!request.body.empty()) AddHeader(headers, "Content-Type: application/json");
  if (!request.headers.empty()) AddHeader(headers, request.headers);
  CURL* curl = easy.get();
  Transfer transfer{request, curl, {}};
  curl_easy_setopt(curl, CURLOPT_URL, ("http://engine" + request.path).c_str());
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, request.limit_seconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_multi_add_handle(multi.get(), curl);
  CURLcode code = CURLE_OK;
  const bool whole = Perform(multi.get(), request, code);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer.answer.status);
  curl_multi_remove_handle(multi.get(), curl);
  if (!whole) throw Unreachable(socket_, "the request was broken off");
  if (code != CURLE_OK) throw Unreachable(socket_, curl_easy_strerror(code));
  return std::move(transfer.answer);
}

std::string Encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain)
      encoded += c;
    else
      encoded += std::string("%") + kDigits[byte >> 4] + kDigits[byte & 15];
  }
  return encoded;
}

}  // namespace yellow::adapters::container
