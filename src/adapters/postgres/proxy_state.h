#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/postgres/proxy_startup.h"
#include "adapters/postgres/server_link.h"
#include "ports/session_proxy.h"

namespace yellow::adapters::postgres {

/// What the connections of one proxy share. Thread-safe.
class ProxyState {
 public:
  /// Throws base::Error when the system has no more descriptors.
  ProxyState(ports::ConnectionTarget target, ports::WireSink& sink);
  ~ProxyState();
  ProxyState(const ProxyState&) = delete;
  ProxyState& operator=(const ProxyState&) = delete;

  const ports::ConnectionTarget& target() const { return target_; }

  /// Records an event; false once the session has ended or the sink refuses, which ends it.
  bool Record(const ports::WireEvent& event);
  /// Records what is to be known even of a session that has ended.
  bool RecordLast(const ports::WireEvent& event);

  /// Ends the session; only the first reason counts.
  void Stop(const std::string& reason);
  std::optional<std::string> reason() const;
  /// Readable once the session has ended.
  int stop_descriptor() const { return stop_; }

  /// One of the places for sessions, if there was one, until this object ends.
  class Place {
   public:
    explicit Place(ProxyState& state);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    bool taken() const { return taken_; }
    /// From now on the session can be cancelled with this key. REQUIRES: taken, and once only.
    const CancelKey& Open(int64_t client, const ServerLink& link);

   private:
    ProxyState& state_;
    bool taken_ = false;
    CancelKey key_;
  };

  struct Running {
    int64_t client = 0;
    std::shared_ptr<const ServerLink::Canceller> canceller;
  };
  std::optional<Running> Find(const CancelKey& key) const;

 private:
  const ports::ConnectionTarget target_;
  ports::WireSink& sink_;
  const int stop_;
  std::mutex sink_mutex_;
  mutable std::mutex mutex_;
  std::optional<std::string> reason_;
  size_t places_ = 0;  // taken
  std::map<CancelKey, Running> running_;
};

}  // namespace yellow::adapters::postgres
