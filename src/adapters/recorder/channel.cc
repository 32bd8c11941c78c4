#include "adapters/recorder/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

namespace yellow::adapters::recorder {
namespace {

constexpr std::chrono::seconds kFarewell{2};
constexpr int kLook = 100;  // milliseconds

}  // namespace

void Channel::Send(access::FrameType type, std::string_view payload) {
  do {
    const std::string_view part = payload.substr(0, access::kLargestPayload);
    unsent_ += access::BytesOf(type, part);
    payload.remove_prefix(part.size());
  } while (!payload.empty());
  Flush();
}

void Channel::Flush() {
  while (!closed_ && unsent() > 0) {
    const ssize_t sent = send(socket_, unsent_.data() + sent_, unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    closed_ = sent < 0;
    if (sent > 0) sent_ += static_cast<size_t>(sent);
  }
  unsent_.clear();
  sent_ = 0;
}

void Channel::Receive() {
  std::array<char, 65536> buffer{};
  const ssize_t got = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) frames_.Feed({buffer.data(), static_cast<size_t>(got)});
  closed_ |= got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

std::optional<access::Frame> Channel::Next() { return frames_.Next(); }

void SendAll(Channel& channel) {
  const auto until = std::chrono::steady_clock::now() + kFarewell;
  for (; channel.unsent() > 0 && std::chrono::steady_clock::now() < until; channel.Flush()) {
    pollfd waiting{channel.socket(), POLLOUT, 0};
    poll(&waiting, 1, kLook);
  }
}

void TellEnd(Channel& person, const access::SessionEnd& end) {
  person.Send(access::FrameType::kEnd, PayloadOf(end));
  SendAll(person);
}

}  // namespace yellow::adapters::recorder
