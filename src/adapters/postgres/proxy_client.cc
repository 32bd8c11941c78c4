#include "adapters/postgres/proxy_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace yellow::adapters::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kStartupLimit{5};
constexpr std::chrono::seconds kFarewellLimit{1};
constexpr milliseconds kServerEndLimit{5000};
constexpr size_t kPiece = 64UL * 1024;
constexpr size_t kMostWaiting = 256UL * 1024;  // for a side that does not read
constexpr int kMostEncryptionRequests = 2;
constexpr const char* kClientGone = "the client is gone";
constexpr const char* kServerGone = "the server has closed the connection";

int MillisecondsUntil(steady_clock::time_point end) {
  const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

}  // namespace

ProxyClient::ProxyClient(int64_t id, int socket, int64_t process, ProxyState& state)
    : id_(id), socket_(socket), process_(process), state_(state) {}

ProxyClient::~ProxyClient() { close(socket_); }

bool ProxyClient::Take(decltype(ports::WireEvent::what) what, int64_t number) {
  const ports::WireEvent event{id_, number, std::move(what)};
  return last_ ? state_.RecordLast(event) : state_.Record(event);
}

void ProxyClient::Pass(std::string_view bytes) { (from_client_ ? to_server_ : to_client_) += bytes; }

void ProxyClient::Run() {
  ports::WireGone gone{Serve()};
  const auto ended = state_.reason();
  if (ended && !wire_.terminated()) gone.reason = *ended;
  if (client_open_ && (ended || !wire_.broken().empty()) && wire_.client_between_messages())
    to_client_ += FatalMessage("57P01", "the recorded session has ended: " + gone.reason);
  if (client_open_) FlushToClient(steady_clock::now() + kFarewellLimit);
  if (link_ != nullptr) gone.server_ended = link_->Close(wire_.busy(), kServerEndLimit);
  shutdown(socket_, SHUT_RDWR);
  last_ = true;
  wire_.Tell(std::move(gone), *this);
}

std::string ProxyClient::Serve() {
  const Time end = steady_clock::now() + kStartupLimit;
  for (int requests = 0; requests <= kMostEncryptionRequests; ++requests) {
    const auto packet = ReadPacket(end);
    if (!packet) return "it did not say in time who it is";
    const auto startup = ReadStartup(*packet);
    if (const auto* key = std::get_if<CancelKey>(&startup)) {
      Cancel(*key);
      return "its request was to cancel";
    }
    if (const auto* refusal = std::get_if<StartupRefusal>(&startup)) return Refuse(*refusal);
    if (const auto* session = std::get_if<Startup>(&startup)) return LogIn(*session);
    to_client_ += 'N';  // the socket never leaves the machine
    FlushToClient(end);
  }
  return Refuse({"08P01", "the startup packet is malformed"});
}

std::optional<std::string> ProxyClient::ReadPacket(Time end) {
  for (;;) {
    if (received_.size() >= 4) {
      uint32_t length = 0;
      for (size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(received_[i]);
      if (length < 4 || length > kLongestStartup) return "";  // which no packet is
      if (received_.size() >= length) {
        std::string packet = received_.substr(4, length - 4);
        received_.erase(0, length);
        return packet;
      }
    }
    std::array<pollfd, 2> waiting{{{socket_, POLLIN, 0}, {state_.stop_descriptor(), POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), MillisecondsUntil(end)) <= 0 || waiting[1].revents != 0 ||
        steady_clock::now() >= end || !ReceiveFromClient())
      return std::nullopt;
  }
}

void ProxyClient::Cancel(const CancelKey& key) {
  const auto running = state_.Find(key);
  if (wire_.Tell(ports::WireCancel{running ? running->client : 0}, *this) && running) running->canceller->Cancel();
}

std::string ProxyClient::Refuse(const StartupRefusal& refusal) {
  to_client_ += FatalMessage(refusal.sqlstate, refusal.message);
  return refusal.message;
}

std::string ProxyClient::LogIn(const Startup& startup) {
  ProxyState::Place place(state_);
  if (!place.taken()) return Refuse({"53300", "a recorded session has no more than 8 connections"});
  if (!wire_.Tell(ports::WireConnected{process_}, *this)) return wire_.broken();
  std::string failure;
  link_ = ServerLink::Open(state_.target(), SafeOptions(startup.parameters), state_.stop_descriptor(), failure);
  if (link_ == nullptr) return Refuse({"08006", "the login to the server failed: " + failure});
  if (!wire_.Tell(ports::WireServer{link_->process()}, *this)) return wire_.broken();
  to_client_ += Welcome(startup, link_->Settings(), place.Open(id_, *link_));
  return Relay();
}

std::string ProxyClient::Relay() {
  for (;;) {
    if (auto reason = Round()) return *reason;
  }
}

std::optional<std::string> ProxyClient::Round() {
  const bool reads_client = client_open_ && received_.size() < kPiece && to_server_.size() < kMostWaiting;
  const bool reads_server = to_client_.size() < kMostWaiting;
  const auto events = [](bool in, bool out) { return static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0)); };
  std::array<pollfd, 3> waiting{{{socket_, events(reads_client, !to_client_.empty()), 0},
                                 {link_->socket(), events(reads_server, !to_server_.empty()), 0},
                                 {state_.stop_descriptor(), POLLIN, 0}}};
  const bool has_more = reads_server && link_->has_more();
  poll(waiting.data(), waiting.size(), has_more || CanReadOn() ? 0 : -1);
  if (const auto ended = state_.reason()) return ended;
  if (!reads_client && (waiting[0].revents & (POLLHUP | POLLERR)) != 0) return client_open_ = false, kClientGone;
  if (auto reason = MoveClient(waiting[0].revents)) return reason;
  return MoveServer(reads_server && (has_more || (waiting[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0));
}

bool ProxyClient::CanReadOn() const { return !received_.empty() && !wire_.holds() && to_server_.size() < kMostWaiting; }

std::optional<std::string> ProxyClient::MoveClient(short events) {
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) client_open_ = ReceiveFromClient();
  if (CanReadOn()) {
    from_client_ = true;
    received_.erase(0, wire_.FromClient(received_, *this));
  }
  if (!wire_.broken().empty()) return wire_.broken();
  if (!SendToClient()) client_open_ = false;
  if (!client_open_ && !wire_.terminated()) return kClientGone;
  return std::nullopt;
}

std::optional<std::string> ProxyClient::MoveServer(bool reads) {
  if (!to_server_.empty()) {
    const int64_t sent = link_->Write(to_server_);
    if (sent < 0) return kServerGone;
    to_server_.erase(0, static_cast<size_t>(sent));
  }
  if (wire_.terminated() && to_server_.empty()) return "the client has ended it";
  if (!reads) return std::nullopt;
  std::string bytes;
  const bool open = link_->Read(bytes, kPiece);
  from_client_ = false;
  wire_.FromServer(bytes, *this);
  if (!wire_.broken().empty()) return wire_.broken();
  if (!open) return kServerGone;
  return std::nullopt;
}

bool ProxyClient::ReceiveFromClient() {
  const size_t before = received_.size();
  received_.resize(before + kPiece);
  const int64_t got = recv(socket_, received_.data() + before, kPiece, 0);
  received_.resize(before + static_cast<size_t>(std::max<int64_t>(got, 0)));
  return got > 0 || (got < 0 && SocketWouldBlock());
}

bool ProxyClient::SendToClient() {
  if (to_client_.empty()) return true;
  const int64_t sent = send(socket_, to_client_.data(), to_client_.size(), MSG_NOSIGNAL);
  to_client_.erase(0, static_cast<size_t>(std::max<int64_t>(sent, 0)));
  return sent >= 0 || SocketWouldBlock();
}

void ProxyClient::FlushToClient(Time end) {
  while (SendToClient() && !to_client_.empty()) {
    pollfd waiting{socket_, POLLOUT, 0};
    if (poll(&waiting, 1, MillisecondsUntil(end)) <= 0) return;
  }
}

}  // namespace yellow::adapters::postgres
