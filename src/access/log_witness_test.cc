#include "access/log_witness.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.h"

namespace yellow::access {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kServerLog = "/kept/server.log";

/// Files in memory; `current` is the last one unless it is said to be none.
class MemoryLog : public ports::ServerLog {
 public:
  std::vector<ports::ServerLogFile> Files(const std::string&) override {
    if (broken) throw base::Error("server_log", "no such folder");
    std::vector<ports::ServerLogFile> list;
    for (const std::string& name : order)
      list.push_back({name, static_cast<int64_t>(files[name].size()), ++changes, name == order.back()});
    return list;
  }
  std::string Read(const std::string& path, int64_t from, size_t most) override {
    ++reads;
    const std::string& content = files[path];
    return static_cast<size_t>(from) >= content.size() ? "" : content.substr(static_cast<size_t>(from), most);
  }
  void Add(const std::string& path, const std::string& text) override { files[path] += text; }
  void Remove(const std::string& path) override {
    files.erase(path);
    std::erase(order, path);
  }

  void Begin(const std::string& name) { order.push_back(name), files[name] = ""; }
  void Rename(const std::string& from, const std::string& to) {
    files[to] = files[from], files.erase(from);
    std::replace(order.begin(), order.end(), from, to);
  }

  std::vector<std::string> order;
  std::map<std::string, std::string> files;
  int64_t changes = 0, reads = 0;
  bool broken = false;
};

/// What the control database does with what it is given: positions by compare-and-set.
struct Database {
  std::map<std::string, int64_t> positions;
  std::vector<std::string> lines;  ///< numbers of lines, in the order in which they came
  bool fails = false;              ///< nothing of the next call is done
};

class MemorySession : public ports::Session {
 public:
  explicit MemorySession(Database& database) : database_(database) {}

  ports::Rows Execute(const sql::Statement& statement) override {
    if (statement.text.find("server_lines") != std::string::npos) return Lines(statement.parameters);
    if (statement.text.find("current_setting") != std::string::npos) return {{"", ""}, {{"t", "f"}}, 1};
    ports::Rows rows;
    if (statement.text.find("server_log_positions") != std::string::npos)
      for (const auto& [head, position] : database_.positions) rows.rows.push_back({head, std::to_string(position)});
    if (statement.text.find("server_log_gone") != std::string::npos)
      database_.positions.erase(statement.parameters.at(0).value());
    return rows;
  }
  void ExecuteScript(std::string_view) override {}
  int64_t CopyFrom(ports::Session&, std::string_view, std::string_view, const ports::CopyProgress&) override {
    return 0;
  }
  int backend_pid() const override { return 1; }
  int server_version() const override { return 150000; }
  bool in_transaction() const override { return false; }
  bool Await(std::chrono::milliseconds) override { return false; }
  void Cancel() override {}

 private:
  ports::Rows Lines(const std::vector<std::optional<std::string>>& given) {
    if (std::exchange(database_.fails, false)) throw base::Error("lost", "the connection is lost");
    int64_t& position = database_.positions[given.at(0).value()];
    if (position != std::stoll(given.at(1).value())) return {{""}, {{"f"}}, 1};
    position = std::stoll(given.at(2).value());
    for (const auto& line : nlohmann::json::parse(given.at(3).value()))
      database_.lines.push_back(std::to_string(line.at("number").get<int64_t>()));
    return {{""}, {{"t"}}, 1};
  }

  Database& database_;
};

class MemoryServer : public ports::Connector, public ports::Endpoints, public ports::Clock {
 public:
  explicit MemoryServer(Database& database) : database_(database) {}
  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget&) override {
    return std::make_unique<MemorySession>(database_);
  }
  std::string ScramVerifier(const base::Secret&) override { return ""; }
  ports::ConnectionTarget Service(const std::string&, ports::ServiceRole, std::string_view) override { return {}; }
  ports::ConnectionTarget Source(const std::string&, const std::string&, std::string_view) override { return {}; }
  ports::ConnectionTarget As(const std::string&, const std::string&, const base::Secret&, std::string_view) override {
    return {};
  }
  ports::TimePoint Now() override { return {}; }
  void Sleep(std::chrono::milliseconds) override {}

 private:
  Database& database_;
};

std::string Line(int number, const std::string& user = "yellow_tmp_68230cea656d172f") {
  return fmt::format(
      R"({{"timestamp":"2026-11-29 14:15:12.861 UTC","user":"{}","pid":1,"session_id":"6b0c3370.1","line_num":{},)"
      R"("session_start":"2026-11-29 14:15:10 UTC","error_severity":"LOG","message":"statement: SELECT {}"}})"
      "\n",
      user, number, number);
}

class LogWitnessTest : public ::testing::Test {
 protected:
  LogWitnessTest() { Restart(); }
  /// Another process, which knows what is in the database.
  void Restart(const std::string& kept = "") {
    witness_.emplace(WitnessEffects{server_, server_, server_, log_}, "yellow",
                     std::vector<WitnessPlace>{{"/log", kept, {"MergeDB"}}});
  }
  std::vector<std::string> Look() { return witness_->Look(); }

  MemoryLog log_;
  Database database_;
  MemoryServer server_{database_};
  std::optional<LogWitness> witness_;
};

TEST_F(LogWitnessTest, ALineIsReadWhenItIsWhole) {
  log_.Begin("a.json");
  const std::string second = Line(2);
  for (size_t cut = 0; cut <= second.size(); ++cut) {
    log_.files["a.json"] = Line(1) + second.substr(0, cut);
    EXPECT_THAT(Look(), IsEmpty());
    EXPECT_EQ(database_.lines.size(), cut == second.size() ? 2U : 1U) << cut;
  }
}

TEST_F(LogWitnessTest, OfOthersNothingIsTaken) {
  log_.Begin("a.json");
  log_.files["a.json"] = Line(1, "yellow_engine") + Line(2) + Line(3, "yellow_tmp_x") +
                         Line(4, "yellow_tmp_68230cea656d172f0") + Line(5, "other_tmp_68230cea656d172f");
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(database_.lines, ElementsAre("2"));
}

TEST_F(LogWitnessTest, AnotherProcessGoesOnWhereItWas) {
  log_.Begin("a.json");
  log_.files["a.json"] = Line(1);
  Look();
  Restart();
  log_.files["a.json"] += Line(2);
  Look();
  EXPECT_THAT(database_.lines, ElementsAre("1", "2"));
}

TEST_F(LogWitnessTest, WhatCouldNotBeWrittenDownIsReadAgain) {
  log_.Begin("a.json");
  log_.files["a.json"] = Line(1) + Line(2);
  database_.fails = true;
  EXPECT_EQ(Look().size(), 1U);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(database_.lines, ElementsAre("1", "2"));
}

TEST_F(LogWitnessTest, AnotherHasReadIt) {
  log_.Begin("a.json");
  log_.files["a.json"] = Line(1);
  Look();
  log_.files["a.json"] += Line(2);
  database_.positions.begin()->second = static_cast<int64_t>(log_.files["a.json"].size());
  EXPECT_THAT(Look(), ElementsAre(::testing::HasSubstr("another yellow reads the same log")));
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(database_.lines, ElementsAre("1"));
}

TEST_F(LogWitnessTest, FilesThatAreRenamedEmptiedAndBegunAgain) {
  log_.Begin("a.json");
  log_.files["a.json"] = Line(1);
  Look();
  log_.files["a.json"] += Line(2);
  log_.Rename("a.json", "a.json.1");
  log_.Begin("a.json");
  log_.files["a.json"] = Line(3);
  Look();
  EXPECT_THAT(database_.lines, ElementsAre("1", "2", "3"));
  log_.files["a.json"] = Line(4) + Line(5);  // longer than it was
  Look();
  log_.files["a.json"] = Line(6);  // shorter
  Look();
  EXPECT_THAT(database_.lines, ElementsAre("1", "2", "3", "4", "5", "6"));
}

TEST_F(LogWitnessTest, LinesOfAnyLength) {
  log_.Begin("a.json");
  const std::string rubbish(3'000'000, 'x');
  log_.files["a.json"] = Line(1) + rubbish + "\n" + Line(2);
  Look();
  log_.files["a.json"].append(70'000'000, 'y');
  Look();
  log_.files["a.json"] += "\n" + Line(3);
  Look();
  EXPECT_THAT(database_.lines, ElementsAre("1", "2", "3"));
}

TEST_F(LogWitnessTest, WhatTheServerHasLeftIsPutAway) {
  Restart(kServerLog);
  log_.Begin("a.json"), log_.Begin("b.json");
  std::string secret = Line(1);
  secret.replace(secret.find("SELECT 1"), 8, "SELECT 'canary'");
  log_.files["a.json"] = Line(7, "yellow_engine") + secret + Line(2).substr(0, 60);
  log_.files["b.json"] = Line(3);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(log_.order, ElementsAre("b.json"));
  EXPECT_EQ(log_.files[kServerLog], "2026-11-29 14:15:12.861 UTC [1] LOG:  statement: SELECT 7\n");
  EXPECT_THAT(database_.lines, ElementsAre("1", "3"));
  EXPECT_EQ(database_.positions.size(), 1U);
}

TEST_F(LogWitnessTest, WhatIsNotReadIsNotPutAway) {
  Restart(kServerLog);
  log_.Begin("a.json"), log_.Begin("b.json");
  log_.files["a.json"] = Line(1);
  database_.fails = true;
  EXPECT_EQ(Look().size(), 1U);
  EXPECT_THAT(log_.order, ElementsAre("a.json", "b.json"));
}

TEST_F(LogWitnessTest, AFolderThatCannotBeRead) {
  log_.broken = true;
  EXPECT_THAT(Look(), ElementsAre(::testing::HasSubstr("no such folder")));
}

}  // namespace
}  // namespace yellow::access
