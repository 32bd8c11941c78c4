#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "adapters/kubernetes/call_proxy.h"

namespace yellow::adapters::kubernetes {

/// What the connections of one proxy share. Thread-safe.
class CallProxyState {
 public:
  /// Throws base::Error when the system has no more descriptors.
  CallProxyState(const Access& access, TokenSource tokens, ports::ClusterSink& sink);
  ~CallProxyState();
  CallProxyState(const CallProxyState&) = delete;
  CallProxyState& operator=(const CallProxyState&) = delete;

  const Access& access() const { return access_; }
  base::Secret Token() const { return tokens_(); }

  /// False once the session has ended or the sink refuses, which ends it.
  bool Record(const ports::ClusterEvent& event);
  /// Ends the session; only the first reason counts.
  void Stop(const std::string& reason);
  std::optional<std::string> reason() const;
  /// Readable once the session has ended.
  int stop_descriptor() const { return stop_; }

 private:
  const Access access_;
  const TokenSource tokens_;
  ports::ClusterSink& sink_;
  const int stop_;
  std::mutex sink_mutex_;
  mutable std::mutex mutex_;
  std::optional<std::string> reason_;
};

/// One connection of a client: a call, and what is answered.
class CallConnection {
 public:
  /// Takes over `client`, a socket that does not block.
  CallConnection(int64_t number, int client, CallProxyState& state);
  ~CallConnection();
  CallConnection(const CallConnection&) = delete;
  CallConnection& operator=(const CallConnection&) = delete;
  /// Until its end.
  void Run();

 private:
  class Pump;

  bool ReadHead();
  bool Record(int status, const std::string& refused = "");
  void Refuse(int status, const std::string& why);

  const int64_t number_;
  const int client_;
  CallProxyState& state_;
  std::string received_;  // of the client: its head, and what came with it
  size_t head_length_ = 0;
  std::string method_ = "?", target_;
};

}  // namespace yellow::adapters::kubernetes
