#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/postgres/session.h"
#include "adapters/postgres/session_proxy.h"

namespace yellow::adapters::postgres {

inline constexpr const char* kCanary = "canary-temporary-2718";

/// A PostgreSQL on loopback and on a socket that really asks for passwords, with TLS over TCP, and with a temporary
/// login `yellow_tmp_7`. Made on first use, stopped at exit. Its certificate signs itself.
class RecordedServer {
 public:
  static RecordedServer& Shared();
  ~RecordedServer();
  RecordedServer(const RecordedServer&) = delete;
  RecordedServer& operator=(const RecordedServer&) = delete;

  ports::ConnectionTarget Superuser() const;
  ports::ConnectionTarget Temporary() const;  ///< by the socket
  ports::ConnectionTarget TemporaryOverTls() const;

 private:
  RecordedServer();
  void MakeCertificate() const;
  std::string folder_;
  int port_ = 0;
  unsigned uid_ = 0, gid_ = 0;
};

/// Keeps what it is told; `refuse` says from which event on it refuses.
class KeepingSink : public ports::WireSink {
 public:
  bool Take(const ports::WireEvent& event) override;
  std::vector<ports::WireEvent> Events() const;
  /// Those of one kind, in order.
  template <typename Kind>
  std::vector<Kind> Of() const {
    std::vector<Kind> found;
    for (const ports::WireEvent& event : Events()) {
      if (const auto* one = std::get_if<Kind>(&event.what)) found.push_back(*one);
    }
    return found;
  }
  /// From now on it refuses each simple query that holds this.
  void RefuseQueriesWith(const std::string& text);

 private:
  mutable std::mutex mutex_;
  std::vector<ports::WireEvent> events_;
  std::string refused_;
};

struct Ran {
  int status = -1;
  std::string output;  // both
};
/// Runs a program of the path as that user without any environment. `signal_after`: SIGINT so many milliseconds later.
Ran RunAs(unsigned uid, const std::vector<std::string>& words, const std::string& input = "", int interrupt_after = 0);

/// A proxy in a fresh folder, and a superuser's session beside it.
class RecordedSessionTest : public ::testing::Test {
 public:
  RecordedSessionTest();
  ~RecordedSessionTest() override;
  RecordedSessionTest(const RecordedSessionTest&) = delete;
  RecordedSessionTest& operator=(const RecordedSessionTest&) = delete;

 protected:
  void Start(ports::ConnectionTarget target = RecordedServer::Shared().Temporary(),
             std::chrono::milliseconds duration = std::chrono::minutes(5));
  void Start(unsigned allowed_uid);
  /// A client of libpq; what is asked of it is up to the test.
  Connection Connect(const std::string& more = "") const;
  Ran Psql(const std::vector<std::string>& arguments, const std::string& input = "", int interrupt_after = 0) const;
  /// A socket that is connected to the proxy and has said nothing.
  int RawSocket() const;
  int64_t Backends() { return Count("SELECT count(*) FROM pg_stat_activity WHERE usename = 'yellow_tmp_7'"); }
  int64_t Count(const std::string& question) { return superuser_->Execute(question).Integer(0, 0); }
  /// Waits until it holds; says whether it does.
  template <typename Holds>
  static bool Soon(const Holds& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::string folder_;
  unsigned allowed_uid_;
  KeepingSink sink_;
  std::unique_ptr<ports::Session> superuser_;
  std::unique_ptr<ports::SessionProxy> proxy_;
};

}  // namespace yellow::adapters::postgres
