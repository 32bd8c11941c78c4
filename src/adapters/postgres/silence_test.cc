#include "adapters/postgres/silence.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <span>

#include "adapters/postgres/connector.h"
#include "base/error.h"
#include "testing/postgres_server.h"

namespace yellow::adapters::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Passes on what comes over TCP to the server's socket, and back, until it is muted: then it takes and drops
/// everything on the connections that it has, and new ones are as ever.
class Relay {
 public:
  explicit Relay(const ports::ConnectionTarget& server) : server_(server), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 8) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      ADD_FAILURE() << std::strerror(errno);
    port_ = ntohs(address.sin_port);
    threads_.emplace_back([this] { Accept(); });
  }

  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  ~Relay() {
    StopListening();
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }

  ports::ConnectionTarget Target() const {
    ports::ConnectionTarget target = server_;
    target.host = "127.0.0.1", target.port = port_, target.sslmode = "disable";
    return target;
  }
  void Mute() { muted_ = accepted_.load(); }
  /// From now on it tells each client another number of its server process, as a pooler does.
  void Renumber() { renumbers_ = true; }
  void StopListening() { shutdown(listener_, SHUT_RDWR); }

 private:
  void Accept() {
    for (int client = 0; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
      const int server = socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      const std::string path = server_.host + "/.s.PGSQL." + std::to_string(server_.port);
      std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
      if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        ADD_FAILURE() << std::strerror(errno);
      threads_.emplace_back([this, client, server, number = ++accepted_] { Pump(client, server, number); });
    }
  }

  void Pump(int client, int server, int number) {
    for (bool open = true; open && !stop_;) {
      pollfd sides[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (poll(sides, 2, 20) <= 0) continue;
      for (int i = 0; i < 2; ++i) {
        if ((sides[i].revents & (POLLIN | POLLHUP)) == 0) continue;
        char buffer[4096];
        const ssize_t count = read(sides[i].fd, buffer, sizeof buffer);
        open &= count > 0;
        if (i == 1 && renumbers_ && count > 0) ChangeNumber(std::span(buffer, static_cast<size_t>(count)));
        if (count > 0 && number > muted_) open &= write(sides[1 - i].fd, buffer, static_cast<size_t>(count)) == count;
      }
    }
    close(client), close(server);
  }

  /// In the message BackendKeyData: `K`, its length 12, the number, a key.
  static void ChangeNumber(std::span<char> bytes) {
    static constexpr char kMessage[] = {'K', 0, 0, 0, 12};
    const auto at = std::search(bytes.begin(), bytes.end(), std::begin(kMessage), std::end(kMessage));
    if (bytes.end() - at > 8) at[8] = static_cast<char>(at[8] ^ 1);
  }

  const ports::ConnectionTarget server_;
  const int listener_;
  int port_ = 0;
  std::atomic<int> accepted_ = 0, muted_ = 0;
  std::atomic<bool> stop_ = false, renumbers_ = false;
  std::list<std::thread> threads_;
};

class SilenceTest : public ::testing::Test {
 protected:
  /// What came of a statement that hears nothing.
  std::string Outcome(std::string_view statement) {
    try {
      session_->Execute(std::string(statement));
      return "done";
    } catch (const base::Error& error) {
      EXPECT_TRUE(error.retryable) << error.what();
      return error.outcome_unknown ? "outcome unknown" : error.code;
    }
  }

  const std::unique_ptr<ports::Session> own_ = testing::PostgresServer::Shared().FreshDatabase();
  const std::string database_ = own_->Execute("SELECT current_database()").Text(0, 0);
  Relay relay_{testing::PostgresServer::Shared().Target(database_)};
  const std::unique_ptr<ports::Connector> connector_ = MakeConnector(milliseconds(150));
  const std::unique_ptr<ports::Session> session_ = connector_->Open(relay_.Target());
};

TEST_F(SilenceTest, AStatementThatNeverGetsThereIsGivenUp) {
  relay_.Mute();
  const auto began = steady_clock::now();
  EXPECT_EQ(Outcome("SELECT 1"), "connection_lost");
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(20));
}

TEST_F(SilenceTest, OfACommitNobodyKnows) {
  session_->Execute("BEGIN");
  relay_.Mute();
  EXPECT_EQ(Outcome("COMMIT"), "outcome unknown");
}

TEST_F(SilenceTest, AServerThatWorksIsWaitedFor) { EXPECT_EQ(Outcome("SELECT pg_sleep(1.5)"), "done"); }

TEST_F(SilenceTest, BehindAPoolerNobodyIsAskedAndNobodyGivenUp) {
  relay_.Renumber();
  const auto session = connector_->Open(relay_.Target());
  EXPECT_NE(session->Execute("SELECT pg_backend_pid()").Integer(0, 0), session->backend_pid());
  EXPECT_EQ(session->Execute("SELECT 1 FROM pg_sleep(1.5)").Integer(0, 0), 1);
}

TEST_F(SilenceTest, AnIdleSessionIsLeftAlone) {
  std::this_thread::sleep_for(milliseconds(700));
  EXPECT_EQ(Outcome("SELECT 1"), "done");
}

TEST_F(SilenceTest, AServerThatCannotBeAskedIsGivenUp) {
  relay_.Mute();
  relay_.StopListening();
  EXPECT_EQ(Outcome("SELECT 1"), "connection_lost");
}

TEST_F(SilenceTest, ACopyWhoseSourceFallsSilentIsGivenUp) {
  own_->Execute("CREATE TABLE t (a text)");
  // The rows before the pause have come when the relay falls silent.
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(400));
    relay_.Mute();
  });
  try {
    own_->CopyFrom(
        *session_,
        "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200) WHERE pg_sleep(0.01)::text IS NOT NULL) TO STDOUT",
        "COPY t FROM STDIN", {});
    ADD_FAILURE() << "it came to an end";
  } catch (const base::Error& error) {
    EXPECT_TRUE(error.retryable) << error.what();
  }
  later.join();
  EXPECT_EQ(own_->Execute("SELECT count(*) FROM t").Integer(0, 0), 0) << "and the target can be used again";
}

TEST_F(SilenceTest, ACopyWhoseSourceIsSlowIsWaitedFor) {
  own_->Execute("CREATE TABLE t (a text)");
  EXPECT_EQ(own_->CopyFrom(*session_, "COPY (SELECT 1 FROM pg_sleep(1)) TO STDOUT", "COPY t FROM STDIN", {}), 1);
  EXPECT_EQ(session_->CopyFrom(*own_, "COPY (SELECT 2 FROM pg_sleep(1)) TO STDOUT", "COPY t FROM STDIN", {}), 1)
      << "who waits for rows to send hears nothing either";
}

}  // namespace
}  // namespace yellow::adapters::postgres
