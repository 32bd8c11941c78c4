#include "adapters/postgres/silence.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

namespace yellow::adapters::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kMostUnknown = 3;
constexpr milliseconds kAnswerOnItsWay{1000};  // what the server has said just now has to arrive within

/// How many bytes have come and gone, as far as the other end has taken them.
uint64_t BytesOf(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received + info.tcpi_bytes_acked;
}

}  // namespace

SilenceWatch::Line::Line(std::shared_ptr<SilenceWatch> watch, int socket, Look look)
    : watch_(std::move(watch)), socket_(socket), look_(std::move(look)), moved_at_(steady_clock::now()) {
  const std::lock_guard lock(watch_->mutex_);
  watch_->lines_.emplace(this, ++watch_->number_);
  if (!watch_->thread_.joinable()) watch_->thread_ = std::thread([running = watch_.get()] { running->Run(); });
}

SilenceWatch::Line::~Line() {
  const std::lock_guard lock(watch_->mutex_);
  watch_->lines_.erase(this);
}

SilenceWatch::SilenceWatch(milliseconds limit) : limit_(limit) {}

SilenceWatch::~SilenceWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SilenceWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, limit_ / 3, [this] { return stop_; })) {
    std::vector<std::tuple<Line*, uint64_t, Look>> silent;
    for (const auto& [line, number] : lines_) {
      if (IsSilent(*line, limit_)) silent.emplace_back(line, number, line->look_);
    }
    for (const auto& [line, number, look] : silent) {
      lock.unlock();
      const ServerProcess process = look();
      lock.lock();
      if (process == ServerProcess::kWaitsForUs &&
          wake_.wait_for(lock, std::min(limit_, kAnswerOnItsWay), [this] { return stop_; }))
        return;
      const auto known = lines_.find(line);
      if (known != lines_.end() && known->second == number) Judge(*line, process);
    }
  }
}

bool SilenceWatch::IsSilent(Line& line, milliseconds limit) {
  const auto now = steady_clock::now();
  const uint64_t bytes = BytesOf(line.socket_);
  if (!line.in_call_.load(std::memory_order_relaxed) || bytes != line.bytes_) {
    line.bytes_ = bytes, line.moved_at_ = now, line.unknown_ = 0;
    return false;
  }
  return now - line.moved_at_ >= limit;
}

void SilenceWatch::Judge(Line& line, ServerProcess process) {
  if (!IsSilent(line, milliseconds(0))) return;
  if (process == ServerProcess::kWorks) {
    line.moved_at_ = steady_clock::now(), line.unknown_ = 0;
  } else if (process == ServerProcess::kWaitsForUs || ++line.unknown_ >= kMostUnknown) {
    shutdown(line.socket_, SHUT_RDWR);
  }
}

}  // namespace yellow::adapters::postgres
