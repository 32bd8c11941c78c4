#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "access/audit_desk.h"
#include "access/desk.h"
#include "access/session_host.h"
#include "cli/engine.h"
#include "ports/door.h"

namespace yellow::cli {

/// Access for people while `serve` runs: a desk that answers at the local door, a reaper that ends what is due, and the
/// server's log as a witness of what is asked. Each on threads of its own, until it goes.
class AccessService {
 public:
  /// `containers`: the merge databases that are served. What is given must outlive it.
  AccessService(const Program& program, const Project& project, ports::Servers& servers,
                std::vector<std::string> containers, run::Reporter& reporter);
  ~AccessService();
  AccessService(const AccessService&) = delete;
  AccessService& operator=(const AccessService&) = delete;

  /// Answers at this socket. Throws base::Error code "listen".
  void Listen(const std::string& socket);
  /// Answers over TCP as well, to who shows a token of the listener's issuer. Throws base::Error code "listen".
  void Listen(const model::AccessListener& listener);

 private:
  struct Known {
    int version = 0;
    std::shared_ptr<const access::Place> place;
  };

  std::vector<std::shared_ptr<const access::Place>> Places();
  std::shared_ptr<const access::Place> PlaceOf(const std::string& container);
  /// What time it is for people is what the database says, for tokens as for requests. It is asked every few seconds at
  /// most, as whoever shows a token is nobody yet.
  ports::TimePoint DatabaseNow();
  std::vector<std::string> EndOldEvidence();
  void Reap();
  void ReadLogs();
  /// Looks again and again until the end, and says what is in the way.
  void Watch(const std::function<std::vector<std::string>()>& look);

  const Program& program_;
  const Project& project_;
  ports::Servers& servers_;
  const std::vector<std::string> containers_;
  run::Reporter& reporter_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ends_ = false, nobody_is_in_ = false;
  std::map<std::string, Known> known_;
  ports::TimePoint asked_at_{};         ///< when the database was asked what time it is, by the clock of this process
  ports::TimePoint::duration ahead_{};  ///< how far its clock was ahead of that
  access::Desk desk_;
  access::AuditDesk audit_desk_;
  access::SessionHost host_;
  std::unique_ptr<ports::Door> door_, network_door_;
  std::thread reaper_, witness_;
};

/// Where `serve` answers unless it is told otherwise.
std::string DefaultSocket(const Project& project);

}  // namespace yellow::cli
