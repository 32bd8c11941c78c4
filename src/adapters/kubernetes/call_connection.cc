#include <poll.h>
#include <sodium.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "adapters/kubernetes/call_head.h"
#include "adapters/kubernetes/call_proxy_state.h"
#include "adapters/kubernetes/reply.h"
#include "adapters/kubernetes/upstream.h"
#include "base/json_text.h"

namespace yellow::adapters::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kHeadTime{30'000};
constexpr size_t kMostUnsent = size_t{1} << 18;
constexpr int kBadRequest = 400, kForbidden = 403, kBadGateway = 502;

const char* ReasonOf(int status) {
  if (status == kBadRequest) return "BadRequest";
  return status == kForbidden ? "Forbidden" : "InternalError";
}

/// Of `HTTP/1.1 200 OK`; 0 while it is not whole.
int StatusIn(std::string_view head) {
  constexpr size_t kBefore = 9, kDigits = 3;
  if (head.size() < kBefore + kDigits) return 0;
  int status = 0;
  for (const char digit : head.substr(kBefore, kDigits)) status = status * 10 + (digit - '0');
  return status;
}

/// Where the server is, as a client names it: `https://host:port/path` → `host:port`, `/path`.
std::pair<std::string, std::string> HostAndPath(const std::string& server) {
  const size_t begin = server.find("//") + 2, slash = server.find('/', begin);
  return {server.substr(begin, slash - begin), slash == std::string::npos ? "" : server.substr(slash)};
}

}  // namespace

CallProxyState::CallProxyState(const Access& access, TokenSource tokens, ports::ClusterSink& sink)
    : access_(access), tokens_(std::move(tokens)), sink_(sink), stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (stop_ < 0) throw base::Error("session", "there are no more descriptors").Retryable();
}

CallProxyState::~CallProxyState() { close(stop_); }

bool CallProxyState::Record(const ports::ClusterEvent& event) {
  const std::lock_guard lock(sink_mutex_);
  if (reason()) return false;
  if (sink_.Take(event)) return true;
  Stop("it cannot be recorded any more");
  return false;
}

void CallProxyState::Stop(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (reason_) return;
  reason_ = reason;
  eventfd_write(stop_, 1);
}

std::optional<std::string> CallProxyState::reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

/// Between the client and the server, until one of them ends.
class CallConnection::Pump {
 public:
  Pump(CallConnection& call, Upstream& server, bool upgrades, std::string to_server)
      : call_(call), server_(server), upgrades_(upgrades), to_server_(std::move(to_server)) {}
  void Run();
  bool answered() const { return answered_; }

 private:
  bool TakeAnswer();
  bool FromServer();
  bool FromClient();
  bool ToServer();
  bool ToClient();
  /// What a client says before the server has agreed to another protocol would be calls that nobody has looked at.
  bool ClientMaySpeak() const { return !upgrades_ || answered_; }

  CallConnection& call_;
  Upstream& server_;
  const bool upgrades_;
  std::string to_server_, to_client_;
  std::string head_;           // of the answer, as far as it has come
  bool answered_ = false;      // its status is recorded
  bool client_speaks_ = true;  // what it sends is passed on
  bool server_ended_ = false, stopped_ = false;
};

/// Looks at the beginning of what the server answers: its status is recorded before the client gets anything.
bool CallConnection::Pump::TakeAnswer() {
  while (!answered_) {
    const size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return head_.size() <= kLongestHead;
    const int status = StatusIn(head_);
    const bool goes_on = status >= 100 && status < 200 && status != 101;
    if (!goes_on) {
      if (!call_.Record(status)) return false;
      answered_ = true;
      if (upgrades_ && status != 101) client_speaks_ = false;
      to_client_ += std::exchange(head_, "");
    } else {
      to_client_ += head_.substr(0, end + 4);
      head_.erase(0, end + 4);
    }
  }
  return true;
}

bool CallConnection::Pump::FromServer() {
  if (server_ended_ || to_client_.size() >= kMostUnsent) return false;
  std::array<char, 16384> buffer{};
  const auto got = server_.Read(buffer);
  if (!got) return false;
  server_ended_ = *got == 0;
  (answered_ ? to_client_ : head_).append(buffer.data(), *got);
  if (!TakeAnswer()) stopped_ = true;
  return true;
}

bool CallConnection::Pump::FromClient() {
  if (to_server_.size() >= kMostUnsent || !ClientMaySpeak()) return false;
  std::array<char, 16384> buffer{};
  const ssize_t got = recv(call_.client_, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) stopped_ = true;
  if (got > 0 && client_speaks_) to_server_.append(buffer.data(), static_cast<size_t>(got));
  return true;
}

bool CallConnection::Pump::ToServer() {
  if (to_server_.empty()) return false;
  const size_t sent = server_.Write(to_server_);
  sodium_memzero(to_server_.data(), sent);  // it may be the token
  to_server_.erase(0, sent);
  return sent > 0;
}

bool CallConnection::Pump::ToClient() {
  if (to_client_.empty()) return false;
  const ssize_t sent = send(call_.client_, to_client_.data(), to_client_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) stopped_ = true;
  if (sent > 0) to_client_.erase(0, static_cast<size_t>(sent));
  return sent > 0;
}

void CallConnection::Pump::Run() {
  while (!stopped_ && !(server_ended_ && to_client_.empty())) {
    bool moved = FromServer();
    moved = FromClient() || moved;
    moved = ToServer() || moved;
    moved = ToClient() || moved;
    pollfd stop{call_.state_.stop_descriptor(), POLLIN, 0};
    if (poll(&stop, 1, 0) > 0) return;
    if (moved || stopped_) continue;
    const auto wanted = [](bool in, bool out) { return static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0)); };
    std::array<pollfd, 3> waiting{
        {{call_.client_, wanted(ClientMaySpeak() && to_server_.size() < kMostUnsent, !to_client_.empty()), 0},
         {server_ended_ ? -1 : server_.descriptor(), wanted(to_client_.size() < kMostUnsent, !to_server_.empty()), 0},
         stop}};
    poll(waiting.data(), waiting.size(), -1);
    if ((waiting[0].revents & (POLLERR | POLLHUP)) != 0) return;
  }
}

CallConnection::CallConnection(int64_t number, int client, CallProxyState& state)
    : number_(number), client_(client), state_(state) {}

CallConnection::~CallConnection() { close(client_); }

bool CallConnection::Record(int status, const std::string& refused) {
  return state_.Record({number_, method_, target_, status, refused});
}

/// As the API server says it, so that any client shows it.
void CallConnection::Refuse(int status, const std::string& why) {
  Record(status, why);
  const std::string body = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)" +
                           base::JsonString("yellow: " + why) + R"(,"reason":")" + ReasonOf(status) + R"(","code":)" +
                           std::to_string(status) + "}";
  const std::string answer =
      "HTTP/1.1 " + std::to_string(status) + " " + ReasonOf(status) +
      "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  send(client_, answer.data(), answer.size(), MSG_NOSIGNAL);
  shutdown(client_, SHUT_WR);
  // What it still sends is read, so that the answer is not lost with it.
  std::array<char, 16384> rest{};
  for (const auto until = steady_clock::now() + milliseconds(1000); steady_clock::now() < until;) {
    pollfd waiting{client_, POLLIN, 0};
    if (poll(&waiting, 1, 100) > 0 && recv(client_, rest.data(), rest.size(), 0) <= 0) return;
  }
}

/// False when there is none, or it is too long.
bool CallConnection::ReadHead() {
  const auto until = steady_clock::now() + kHeadTime;
  std::array<char, 4096> buffer{};
  while (received_.size() < kLongestHead) {
    std::array<pollfd, 2> waiting{{{client_, POLLIN, 0}, {state_.stop_descriptor(), POLLIN, 0}}};
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    if (left <= 0 || poll(waiting.data(), waiting.size(), static_cast<int>(left)) <= 0) return false;
    if (waiting[1].revents != 0) return false;
    const ssize_t got = recv(client_, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return false;
    received_.append(buffer.data(), static_cast<size_t>(got));
    if (const size_t end = received_.find("\r\n\r\n"); end != std::string::npos) {
      head_length_ = end + 4;
      return true;
    }
  }
  return false;
}

void CallConnection::Run() {
  if (!ReadHead()) return;
  const auto head = ReadCallHead(std::string_view(received_).substr(0, head_length_));
  if (!head) return Refuse(kBadRequest, head.error());
  method_ = head->method, target_ = head->target;
  const bool upgrades = AsksForUpgrade(*head);
  if (const std::string why = access::WhyNotPassedOn(CallOf(*head)); !why.empty()) return Refuse(kForbidden, why);
  if (upgrades && received_.size() > head_length_)
    return Refuse(kBadRequest, "nothing may follow a call for another protocol before its answer");
  if (!Record(0)) return;
  std::optional<Upstream> server;
  std::optional<Pump> pump;
  try {
    server.emplace(state_.access());
    const auto [host, path] = HostAndPath(state_.access().server);
    pump.emplace(*this, *server, upgrades,
                 HeadForServer(*head, host, path, state_.Token().Reveal()) + received_.substr(head_length_));
    pump->Run();
  } catch (const base::Error& error) {
    if (!pump || !pump->answered()) Refuse(kBadGateway, error.what());
  }
}

}  // namespace yellow::adapters::kubernetes
