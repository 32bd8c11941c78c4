#include "adapters/kubernetes/client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "adapters/kubernetes/follow.h"

namespace yellow::adapters::kubernetes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A server on loopback that misbehaves as it is told: for each request, in order, the bytes that it answers before it
/// closes the connection. `{hang}` at the end: it leaves that to the client.
class Scripted {
 public:
  explicit Scripted(std::vector<std::string> answers) : answers_(std::move(answers)) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  Scripted(const Scripted&) = delete;
  Scripted& operator=(const Scripted&) = delete;
  ~Scripted() {
    ending_ = true;
    thread_.join();
    close(socket_);
  }

  Access AccessTo() const {
    Access access;
    access.server = "http://127.0.0.1:" + std::to_string(port_);
    return access;
  }
  /// What was asked, whole, in order. Only when the client has got all answers.
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  void Serve() {
    for (const std::string& answer : answers_) {
      pollfd ready{socket_, POLLIN, 0};
      while (!ending_ && poll(&ready, 1, 20) == 0) {
      }
      if (ending_) return;
      const int client = accept(socket_, nullptr, nullptr);
      requests_.push_back(ReadRequest(client));
      const bool hang = answer.ends_with("{hang}");
      const std::string bytes = hang ? answer.substr(0, answer.size() - 6) : answer;
      EXPECT_EQ(send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
      char byte = 0;
      while (hang && !ending_ && recv(client, &byte, 1, MSG_DONTWAIT) != 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      close(client);
    }
  }

  static std::string ReadRequest(int client) {
    std::string request;
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && recv(client, &byte, 1, 0) == 1) request += byte;
    size_t length = 0;
    if (const size_t at = request.find("Content-Length: "); at != std::string::npos)
      length = std::stoul(request.substr(at + 16));
    for (; length > 0 && recv(client, &byte, 1, 0) == 1; --length) request += byte;
    return request;
  }

  const std::vector<std::string> answers_;
  int socket_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_ = false;
  std::vector<std::string> requests_;
  std::thread thread_;
};

std::string Answer(const std::string& status, const std::string& body, const std::string& header = "") {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         header + "\r\n" + body;
}

std::string Status(int code, const std::string& reason) {
  return R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason + R"(","message":"m"})";
}

std::string Event(const std::string& type, const std::string& name, const std::string& version) {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":")" + name + R"(","resourceVersion":")" + version +
         "\"}}}\n";
}

const Client::GoOn kAlways = [] { return true; };
const ReadFile kNoFiles = [](const std::string&) { return std::nullopt; };

ApiError Failure(const std::function<void()>& call) {
  try {
    call();
  } catch (const ApiError& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return {"", -1};
}

TEST(Client, WritesWhatTheApiWants) {
  const Scripted server({Answer("201 Created", "{\"a\":1}"), Answer("409 Conflict", Status(409, "AlreadyExists")),
                         Answer("200 OK", "{}"), Answer("200 OK", "{}"),
                         Answer("404 Not Found", Status(404, "NotFound"))});
  Access access = server.AccessTo();
  access.token = base::Secret("canary-token");
  Client client(access, kNoFiles);
  EXPECT_EQ(client.Create("/jobs", "{\"kind\":\"Job\"}").body, "{\"a\":1}");
  EXPECT_EQ(client.Create("/jobs", "{}").outcome, Outcome::kExists);
  EXPECT_EQ(client.Change("/jobs/a", "{\"spec\":{}}").outcome, Outcome::kDone);
  EXPECT_EQ(client.Delete("/jobs/a", "u-1").outcome, Outcome::kDone);
  EXPECT_EQ(client.Get("/jobs/a").outcome, Outcome::kNotFound);
  const auto& asked = server.requests();
  ASSERT_EQ(asked.size(), 5U);
  EXPECT_THAT(asked[0], StartsWith("POST /jobs HTTP/1.1\r\n"));
  EXPECT_THAT(asked[0], HasSubstr("Authorization: Bearer canary-token\r\n"));
  EXPECT_THAT(asked[0], HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(asked[0], HasSubstr("\r\n\r\n{\"kind\":\"Job\"}"));
  EXPECT_THAT(asked[2], StartsWith("PATCH /jobs/a "));
  EXPECT_THAT(asked[2], HasSubstr("Content-Type: application/merge-patch+json\r\n"));
  EXPECT_THAT(asked[3], StartsWith("DELETE /jobs/a "));
  EXPECT_THAT(asked[3], HasSubstr(R"("propagationPolicy":"Background","preconditions":{"uid":"u-1"}})"));
  EXPECT_THAT(asked[4], StartsWith("GET /jobs/a "));
  EXPECT_THAT(asked[4], ::testing::Not(HasSubstr("Content-")));
}

TEST(Client, ReadsTheTokenAgainWhenItIsRefused) {
  const Scripted server({Answer("200 OK", "{}"), Answer("200 OK", "{}"),
                         Answer("401 Unauthorized", Status(401, "Unauthorized")), Answer("200 OK", "{}"),
                         Answer("401 Unauthorized", ""), Answer("401 Unauthorized", "")});
  Access access = server.AccessTo();
  access.token_file = "/token";
  int read = 0;
  Client client(access, [&](const std::string&) { return "t" + std::to_string(++read) + "\n"; });
  for (int i = 0; i < 3; ++i) client.Get("/a");
  EXPECT_EQ(read, 2) << "once at first, once when it was refused";
  EXPECT_THAT(server.requests()[1], HasSubstr("Bearer t1\r\n"));
  EXPECT_THAT(server.requests()[3], HasSubstr("Bearer t2\r\n"));
  const ApiError error = Failure([&] { client.Get("/a"); });
  EXPECT_EQ(error.status, 401);
  EXPECT_FALSE(error.retryable);
  EXPECT_TRUE(Failure([&] { Client(access, kNoFiles).Get("/a"); }).retryable) << "a token's file that is not there yet";
}

TEST(Client, SaysWhetherALostAnswerMayHaveHadAnEffect) {
  const Scripted server({"", "", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"half",
                         Answer("500 Internal Server Error", ""),
                         Answer("429 Too Many Requests", Status(429, "TooManyRequests"), "Retry-After: 7\r\n")});
  Client client(server.AccessTo(), kNoFiles);
  ApiError error = Failure([&] { client.Create("/a", "{}"); });
  EXPECT_TRUE(error.retryable);
  EXPECT_TRUE(error.outcome_unknown) << "closed without a word";
  error = Failure([&] { client.Get("/a"); });
  EXPECT_TRUE(error.retryable);
  EXPECT_FALSE(error.outcome_unknown) << "nothing happens when one reads";
  error = Failure([&] { client.Delete("/a", ""); });
  EXPECT_TRUE(error.outcome_unknown) << "broken off in the answer";
  EXPECT_TRUE(Failure([&] { client.Change("/a", "{}"); }).outcome_unknown) << "500";
  error = Failure([&] { client.Create("/a", "{}"); });
  EXPECT_FALSE(error.outcome_unknown) << "429";
  EXPECT_EQ(error.retry_after, 7);
  Access nobody;
  nobody.server = "http://127.0.0.1:1";
  error = Failure([&] { Client(nobody, kNoFiles).Create("/a", "{}"); });
  EXPECT_TRUE(error.retryable);
  EXPECT_FALSE(error.outcome_unknown) << "there was no connection";
}

TEST(Client, WatchesUntilItIsToldToStop) {
  const Scripted server({"HTTP/1.1 200 OK\r\n\r\n" + Event("ADDED", "a", "3") + "{hang}",
                         "HTTP/1.1 200 OK\r\n\r\n{hang}", "HTTP/1.1 200 OK\r\n\r\n" + Event("ADDED", "a", "3")});
  Client client(server.AccessTo(), kNoFiles);
  std::vector<std::string> seen;
  EXPECT_EQ(client.Watch(
                "/jobs", "labelSelector=a%3Db", "2",
                [&](const WatchEvent& event) {
                  seen.push_back(event.name);
                  return false;
                },
                kAlways),
            Outcome::kDone);
  EXPECT_THAT(seen, ElementsAre("a"));
  EXPECT_THAT(server.requests()[0],
              StartsWith("GET /jobs?watch=true&allowWatchBookmarks=true&timeoutSeconds=290&resourceVersion=2"
                         "&labelSelector=a%3Db HTTP"));
  int asked = 0;
  const auto all = [](const WatchEvent&) { return true; };
  EXPECT_EQ(client.Watch("/jobs", "", "2", all, [&] { return ++asked < 3; }), Outcome::kDone) << "nothing comes";
  const auto fails = [](const WatchEvent&) -> bool { throw std::runtime_error("of the caller's own"); };
  EXPECT_THROW(client.Watch("/jobs", "", "2", fails, kAlways), std::runtime_error);
}

TEST(Client, EncodesValues) {
  EXPECT_EQ(Client::Encode("app.kubernetes.io/name=ü b"), "app.kubernetes.io%2Fname%3D%C3%BC%20b");
}

/// Time passes only when somebody sleeps.
class ManualClock : public ports::Clock {
 public:
  ports::TimePoint Now() override { return now_ += std::chrono::seconds(1); }
  void Sleep(std::chrono::milliseconds duration) override { slept += duration; }
  std::chrono::milliseconds slept{0};

 private:
  ports::TimePoint now_{};
};

class Diary : public Listener {
 public:
  explicit Diary(size_t enough) : enough_(enough) {}
  void Listed(const std::vector<WatchEvent>& all) override {
    std::string line = "list";
    for (const WatchEvent& event : all) line += " " + event.name;
    lines.push_back(line);
  }
  void Changed(const WatchEvent& event) override { lines.push_back(event.name + "@" + event.version); }
  void Troubled(const ApiError& error, std::chrono::milliseconds wait) override {
    lines.push_back(std::to_string(error.status) + " wait " + std::to_string(wait.count()));
  }
  bool GoOn() const { return lines.size() < enough_; }
  std::vector<std::string> lines;

 private:
  size_t enough_;
};

std::string List(const std::string& names, const std::string& version, const std::string& next = "") {
  std::string items;
  for (const char name : names)
    items += std::string(items.empty() ? "" : ",") + R"({"metadata":{"name":")" + name + R"(","resourceVersion":"1"}})";
  return Answer("200 OK", R"({"metadata":{"resourceVersion":")" + version + R"(","continue":")" + next +
                              R"("},"items":[)" + items + "]}");
}

TEST(Follow, GoesOnWhereItWas) {
  const std::string good = "HTTP/1.1 200 OK\r\n\r\n";
  const Scripted server(
      {List("a", "10", "more"), List("b", "10"), good + Event("MODIFIED", "a", "11") + Event("BOOKMARK", "", "19"),
       Answer("500 Internal Server Error", ""), "", good + Event("ADDED", "c", "20"),
       good + R"({"type":"ERROR","object":)" + Status(410, "Expired") + "}\n",
       Answer("429 Too Many Requests", Status(429, "TooManyRequests"), "Retry-After: 3\r\n"), List("c", "30"),
       Answer("410 Gone", Status(410, "Expired")), List("", "40"), good + Event("ADDED", "d", "41")});
  Client client(server.AccessTo(), kNoFiles);
  ManualClock clock;
  Diary diary(9);
  Follow(client, "/jobs", "", diary, clock, [&] { return diary.GoOn(); });
  EXPECT_THAT(diary.lines, ElementsAre("list a b", "a@11", "500 wait 200", "0 wait 400", "c@20", "429 wait 3000",
                                       "list c", "list", "d@41"));
  EXPECT_EQ(clock.slept.count(), 3600);
  EXPECT_THAT(server.requests()[1], HasSubstr("continue=more"));
  EXPECT_THAT(server.requests()[3], HasSubstr("resourceVersion=19")) << "a bookmark is as good as a change";
  EXPECT_THAT(server.requests()[5], HasSubstr("resourceVersion=19"));
  EXPECT_THAT(server.requests()[6], HasSubstr("resourceVersion=20"));
  EXPECT_THAT(server.requests()[11], HasSubstr("resourceVersion=40"));
}

TEST(Follow, GivesUpWhatWillNotPass) {
  const Scripted server({Answer("403 Forbidden", Status(403, "Forbidden"))});
  Client client(server.AccessTo(), kNoFiles);
  ManualClock clock;
  Diary diary(9);
  EXPECT_EQ(Failure([&] { Follow(client, "/jobs", "", diary, clock, kAlways); }).status, 403);
  EXPECT_TRUE(diary.lines.empty());
}

TEST(Follow, AsksAgainForWhatWasAllowedBefore) {
  const std::string refused = Answer("403 Forbidden", Status(403, "Forbidden"));
  std::vector<std::string> answers{List("a", "10"), refused, refused,
                                   "HTTP/1.1 200 OK\r\n\r\n" + Event("ADDED", "b", "11")};
  for (int i = 0; i < 9; ++i) answers.push_back(refused);
  const Scripted server(answers);
  Client client(server.AccessTo(), kNoFiles);
  ManualClock clock;
  Diary diary(99);
  EXPECT_EQ(Failure([&] { Follow(client, "/jobs", "", diary, clock, kAlways); }).status, 403);
  EXPECT_EQ(diary.lines.size(), 12U) << "a list, twice refused, a change, eight times refused";
  EXPECT_EQ(diary.lines[3], "b@11");
  EXPECT_EQ(diary.lines[2], "403 wait 400");
  EXPECT_EQ(diary.lines.back(), "403 wait 20000");
}

TEST(Follow, AsksMoreAndMoreSeldomWhyThereIsNoPod) {
  using std::chrono::milliseconds;
  std::vector<milliseconds> asked{milliseconds(3000)};
  while (asked.back() < std::chrono::minutes(5)) asked.push_back(AskAgainAt(asked.back()));
  EXPECT_THAT(asked.size(), 18U);
  EXPECT_EQ(asked[1], milliseconds(4000)) << "a short start_limit has an answer";
}

TEST(Follow, WaitsLongerEachTime) {
  EXPECT_EQ(WaitAfter(1, 0).count(), 200);
  EXPECT_EQ(WaitAfter(5, 0).count(), 3200);
  EXPECT_EQ(WaitAfter(1000, 0).count(), 20000);
  EXPECT_EQ(WaitAfter(1, 5).count(), 5000);
  EXPECT_EQ(WaitAfter(1, 9999).count(), 60000);
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
