#include "adapters/kubernetes/log_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "adapters/kubernetes/manifests.h"
#include "base/error.h"

namespace yellow::adapters::kubernetes {
namespace {

constexpr std::chrono::milliseconds kRetry{500};
constexpr std::chrono::seconds kLast{10};

}  // namespace

LogCopy::LogCopy(Client& client, std::string name_space, const std::string& file, int64_t limit)
    : client_(client), name_space_(std::move(name_space)), limit_(limit) {
  file_ = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) throw base::Error("container", "cannot write " + file + ": " + std::strerror(errno));
  thread_ = std::thread([this] { Run(); });
}

LogCopy::~LogCopy() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
  close(file_);
}

void LogCopy::Begin(const std::string& pod) {
  {
    const std::lock_guard lock(mutex_);
    if (pod_ == pod) return;
    pod_ = pod;
  }
  changed_.notify_all();
}

void LogCopy::Finish() {
  std::unique_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
  if (!pod_.empty()) changed_.wait_for(lock, kLast, [this] { return copied_; });
}

void LogCopy::Run() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || !pod_.empty(); });
  const std::string pod = pod_;
  lock.unlock();
  if (!stop_) Copy(pod);
  lock.lock();
  copied_ = true;
  lock.unlock();
  changed_.notify_all();
}

void LogCopy::Copy(const std::string& pod) {
  const std::string path =
      "/api/v1/namespaces/" + name_space_ + "/pods/" + pod + "/log?follow=true&container=" + kContainer;
  while (!stop_) {
    // A stream that ends while the code goes on has lost its server; the last one began when the code had ended.
    const bool last = ended_;
    int64_t passed = 0;
    try {
      const Outcome outcome = client_.Stream(
          path,
          [&](std::string_view bytes) {
            Write(bytes, passed);
            return true;
          },
          [this] { return !stop_; });
      if (outcome == Outcome::kNotFound || last) return;
    } catch (const base::Error&) {  // its container is not there yet, or the server does not answer
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, last ? kRetry / 10 : kRetry, [&] { return stop_ || (ended_ && !last); });
  }
}

/// Past the limit it is not kept, and the code goes on; `passed`: how much this stream has brought.
void LogCopy::Write(std::string_view bytes, int64_t& passed) {
  const int64_t known = std::clamp<int64_t>(written_ - passed, 0, static_cast<int64_t>(bytes.size()));
  passed += static_cast<int64_t>(bytes.size());
  bytes.remove_prefix(static_cast<size_t>(known));
  bytes = bytes.substr(0, static_cast<size_t>(std::max<int64_t>(0, limit_ - written_)));
  while (!bytes.empty()) {
    const ssize_t part = write(file_, bytes.data(), bytes.size());
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) return;  // a full disk costs the log, not the run
    written_ += part;
    bytes.remove_prefix(static_cast<size_t>(part));
  }
}

}  // namespace yellow::adapters::kubernetes
