#include "adapters/container/follower.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "adapters/container/messages.h"
#include "base/error.h"

namespace yellow::adapters::container {
namespace {

constexpr std::chrono::milliseconds kRetry{500}, kLook{5};
constexpr int kMemoryLook = 20;            // milliseconds
constexpr std::chrono::seconds kLast{10};  // for output that is still on its way when the container has ended

class Follower : public ports::ContainerFollower {
 public:
  Follower(const EngineHttp& http, const std::string& name, const std::string& path, int64_t limit,
           std::shared_ptr<Evidence> evidence)
      : http_(http), name_(name), limit_(limit), evidence_(std::move(evidence)) {
    file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) throw base::Error("container", "cannot write " + path + ": " + std::strerror(errno));
    waiter_ = std::thread([this] { Wait(); });
    copier_ = std::thread([this] { Copy(); });
  }
  ~Follower() override {
    stop_ = true;
    waiter_.join();
    copier_.join();
    close(file_);
  }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  bool Ended() override { return ended_; }

  void Finish() override {
    const auto until = std::chrono::steady_clock::now() + kLast;
    while (!copied_ && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kLook);
  }

 private:
  /// Repeats while the engine is away. `act` returns true when it is done.
  template <typename Act>
  void UntilDone(Act act) {
    while (!stop_) {
      try {
        if (act()) return;
      } catch (const base::Error&) {  // it is being restarted; what it does not say Find will
      }
      if (!stop_) std::this_thread::sleep_for(kRetry);
    }
  }

  void Wait() {
    UntilDone([this] {
      Request request;
      request.method = "POST", request.path = "/containers/" + name_ + "/wait?condition=not-running";
      request.limit_seconds = 0, request.look_milliseconds = kMemoryLook;
      const auto watch = WatchMemory();
      request.go_on = [&] {
        Look(watch.get());
        return !stop_;
      };
      const long status = http_.Call(request).status;
      Look(watch.get());
      return status == 200 || status == 404;
    });
    ended_ = true;
  }

  /// Null when it has ended, or runs on another machine.
  std::unique_ptr<MemoryWatch> WatchMemory() const {
    Request request;
    request.path = "/containers/" + name_ + "/json";
    const Answer answer = http_.Call(request);
    const int pid = answer.status == 200 ? ProcessOf(answer.body) : 0;
    return pid > 0 ? MemoryWatch::Of(pid) : nullptr;
  }

  void Look(MemoryWatch* watch) const {
    if (watch == nullptr) return;
    watch->Look();
    evidence_->verdict = watch->verdict();
  }

  void Copy() {
    // Podman (4.3) loses much of a flood while it is followed: when the container has ended it is asked for all again.
    UntilDone([this] { return Read("&follow=1") && AwaitEnd(); });
    UntilDone([this] { return Read(""); });
    copied_ = true;
  }

  /// From the first byte on; false when the engine did not say it all.
  bool Read(const std::string& how) {
    constexpr long kGone = 404, kGood = 200;
    LogStream stream;
    int64_t written = 0;
    if (ftruncate(file_, 0) != 0 || lseek(file_, 0, SEEK_SET) != 0) return true;
    Request request;
    request.path = "/containers/" + name_ + "/logs?stdout=1&stderr=1" + how, request.limit_seconds = 0;
    request.go_on = [this] { return !stop_; };
    request.receive = [&](std::string_view bytes) {
      Write(stream.Take(bytes), written);
      return true;
    };
    const long status = http_.Call(request).status;
    return status == kGood || status == kGone;
  }

  /// The stream ends with the container, or with the engine; true when it was the container.
  bool AwaitEnd() {
    const auto until = std::chrono::steady_clock::now() + kRetry;
    while (!ended_ && !stop_ && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kLook);
    return ended_;
  }

  /// Past the limit it is not kept, and the container goes on.
  void Write(std::string_view text, int64_t& written) const {
    text = text.substr(0, static_cast<size_t>(std::max<int64_t>(0, limit_ - written)));
    while (!text.empty()) {
      const ssize_t part = write(file_, text.data(), text.size());
      if (part < 0 && errno == EINTR) continue;
      if (part <= 0) return;  // a full disk costs the log, not the run
      written += part;
      text.remove_prefix(static_cast<size_t>(part));
    }
  }

  const EngineHttp http_;
  const std::string name_;
  const int64_t limit_;
  const std::shared_ptr<Evidence> evidence_;
  int file_ = -1;
  std::atomic<bool> stop_{false}, ended_{false}, copied_{false};
  std::thread waiter_, copier_;
};

}  // namespace

std::unique_ptr<ports::ContainerFollower> FollowContainer(const EngineHttp& http, const std::string& name,
                                                          const std::string& path, int64_t limit,
                                                          std::shared_ptr<Evidence> evidence) {
  return std::make_unique<Follower>(http, name, path, limit, std::move(evidence));
}

}  // namespace yellow::adapters::container
