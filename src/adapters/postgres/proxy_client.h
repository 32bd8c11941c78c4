#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/postgres/proxy_state.h"
#include "adapters/postgres/wire.h"

namespace yellow::adapters::postgres {

/// One connection to a proxy, from its startup packet to its end, on a thread of its own. At most one batch of it is
/// under way at the server, and no more than some hundred KiB wait here for a side that does not read.
class ProxyClient : private Wire::Out {
 public:
  /// Takes the socket, which must not block, and closes it.
  ProxyClient(int64_t id, int socket, int64_t process, ProxyState& state);
  ~ProxyClient() override;
  ProxyClient(const ProxyClient&) = delete;
  ProxyClient& operator=(const ProxyClient&) = delete;

  void Run();

 private:
  using Time = std::chrono::steady_clock::time_point;

  bool Take(decltype(ports::WireEvent::what) what, int64_t number) override;
  void Pass(std::string_view bytes) override;

  /// Why there was or is no session any more.
  std::string Serve();
  /// The first packets, until one says who it is. Nothing when there was none in time.
  std::optional<std::string> ReadPacket(Time end);
  void Cancel(const CancelKey& key);
  std::string LogIn(const Startup& startup);
  std::string Relay();
  /// One round of the relay; the reason when it was the last.
  std::optional<std::string> Round();
  std::optional<std::string> MoveClient(short events);
  std::optional<std::string> MoveServer(bool reads);
  bool CanReadOn() const;
  bool ReceiveFromClient();
  bool SendToClient();
  std::string Refuse(const StartupRefusal& refusal);
  /// Sends what waits for the client, as long as it takes it and until `end`.
  void FlushToClient(Time end);

  const int64_t id_;
  const int socket_;
  const int64_t process_;
  ProxyState& state_;
  Wire wire_;
  std::unique_ptr<ServerLink> link_;
  bool from_client_ = false;  // whose bytes the wire is reading
  bool last_ = false;         // what is recorded now is recorded even when the session has ended
  bool client_open_ = true;
  std::string received_;  // from the client, not yet read by the wire
  std::string to_server_, to_client_;
};

}  // namespace yellow::adapters::postgres
