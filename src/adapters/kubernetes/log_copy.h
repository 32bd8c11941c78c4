#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "adapters/kubernetes/client.h"

namespace yellow::adapters::kubernetes {

/// Copies what the code in a pod prints to a file as it comes, with a thread of its own. A stream that breaks off is
/// asked for again, and what is in the file already is passed over.
class LogCopy {
 public:
  /// Writes at most `limit` bytes. Throws base::Error code "container" when the file cannot be written.
  LogCopy(Client& client, std::string name_space, const std::string& file, int64_t limit);
  ~LogCopy();
  LogCopy(const LogCopy&) = delete;
  LogCopy& operator=(const LogCopy&) = delete;

  /// The pod whose code has begun.
  void Begin(const std::string& pod);
  /// It prints no more: waits until all of it is in the file, or for ten seconds.
  void Finish();

 private:
  void Run();
  void Copy(const std::string& pod);
  void Write(std::string_view bytes, int64_t& passed);

  Client& client_;
  const std::string name_space_;
  const int64_t limit_;
  int file_ = -1;
  int64_t written_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string pod_;
  bool copied_ = false;
  std::atomic<bool> stop_{false}, ended_{false};
  std::thread thread_;
};

}  // namespace yellow::adapters::kubernetes
