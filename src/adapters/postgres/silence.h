#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace yellow::adapters::postgres {

/// What a server says of one of its processes, asked on another connection.
enum class ServerProcess { kWorks, kWaitsForUs, kUnknown };

/// Ends TCP connections on which a call waits for what will never come: the machine at the other end has vanished
/// without a word, or something between keeps the connection open and lets nothing through, which keepalives cannot
/// see. A statement may take hours and say nothing meanwhile, so silence alone proves nothing: after `limit` of it the
/// server is asked whether it still works. If it waits for us instead, or cannot be asked three times in a row, the
/// socket is shut down, and the call that waits fails as it does when a connection is lost. Thread-safe.
///
/// Bytes that came and went are the kernel's count, tcp(7): TCP_INFO.
class SilenceWatch {
 public:
  explicit SilenceWatch(std::chrono::milliseconds limit);
  ~SilenceWatch();
  SilenceWatch(const SilenceWatch&) = delete;
  SilenceWatch& operator=(const SilenceWatch&) = delete;

  /// Asks the server; called from the watch's thread, for at most a few seconds.
  using Look = std::function<ServerProcess()>;

  class Call;
  /// One connection that is watched, until this object ends; it must end before its socket is closed.
  class Line {
   public:
    Line(std::shared_ptr<SilenceWatch> watch, int socket, Look look);
    ~Line();
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

   private:
    friend class SilenceWatch::Call;
    friend class SilenceWatch;
    const std::shared_ptr<SilenceWatch> watch_;
    const int socket_;
    const Look look_;
    std::atomic<bool> in_call_ = false;
    // The rest is the watch's, under its mutex.
    uint64_t bytes_ = 0;
    std::chrono::steady_clock::time_point moved_at_;
    int unknown_ = 0;
  };

  /// A call that waits for the server. `line` may be null: a connection that is not watched.
  class Call {
   public:
    explicit Call(Line* line) : line_(line) {
      if (line_ != nullptr) line_->in_call_.store(true, std::memory_order_relaxed);
    }
    ~Call() {
      if (line_ != nullptr) line_->in_call_.store(false, std::memory_order_relaxed);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Line* const line_;
  };

 private:
  void Run();
  // Both under the mutex.
  bool IsSilent(Line& line, std::chrono::milliseconds limit);
  void Judge(Line& line, ServerProcess process);

  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Line*, uint64_t> lines_;  // to a number that is never given again
  uint64_t number_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace yellow::adapters::postgres
