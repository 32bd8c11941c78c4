#include "adapters/faults/wrappers.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace yellow::adapters::faults {
namespace {

using ::testing::ElementsAre;

/// Remembers what passes, and lets the n-th effect fail or lose its answer.
class RecordingFaults : public ports::Faults {
 public:
  ports::Fate Before(std::string_view effect) override {
    passed.push_back("before " + std::string(effect));
    return ++effects == at ? fate : ports::Fate::kHappens;
  }
  void After(std::string_view effect) override { passed.push_back("after " + std::string(effect)); }

  std::vector<std::string> passed;
  int effects = 0, at = 0;
  ports::Fate fate = ports::Fate::kHappens;
};

/// What reached the real ports.
std::vector<std::string> happened;

class FakeSession : public ports::Session {
 public:
  ports::Rows Execute(const sql::Statement& statement) override {
    happened.push_back(statement.text);
    return {};
  }
  void ExecuteScript(std::string_view) override { happened.emplace_back("script"); }
  int64_t CopyFrom(ports::Session&, std::string_view, std::string_view, const ports::CopyProgress&) override {
    happened.emplace_back("copy");
    return 0;
  }
  int backend_pid() const override { return 7; }
  int server_version() const override { return 150000; }
  bool in_transaction() const override { return false; }
  bool Await(std::chrono::milliseconds) override { return false; }
  void Cancel() override {}
};

class FakeConnector : public ports::Connector {
 public:
  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget&) override {
    return std::make_unique<FakeSession>();
  }
  std::string ScramVerifier(const base::Secret&) override { return ""; }
};

class FakeFiles : public ports::FileSystem {
 public:
  std::map<std::string, std::string> ReadTree(const std::string&, const std::string&) override { return {}; }
  std::optional<std::string> Read(const std::string&) override { return std::nullopt; }
  std::optional<std::string> ReadPart(const std::string&, int64_t, size_t) override { return std::nullopt; }
  bool Exists(const std::string&) override { return false; }
  std::optional<ports::DiskSpace> Space(const std::string&) override { return std::nullopt; }
  std::string ReadTail(const std::string&, size_t) override { return ""; }
  std::vector<std::string> FoldersIn(const std::string&) override { return {}; }
  void WriteAtomically(const std::string&, const std::string&, bool) override { happened.emplace_back("write"); }
  void Fill(const std::string&, const std::string&) override { happened.emplace_back("fill"); }
  void WritePrivateTree(const std::string&, const std::map<std::string, std::string>&) override {
    happened.emplace_back("write tree");
  }
  void Link(const std::string&, const std::string&) override { happened.emplace_back("link"); }
  void MakeFolder(const std::string&, unsigned) override { happened.emplace_back("folder"); }
  void GiveTo(const std::string&, unsigned, unsigned) override { happened.emplace_back("give"); }
  void RemoveTree(const std::string&) override { happened.emplace_back("remove"); }
};

class FakePrograms : public ports::ServerPrograms {
 public:
  ports::ProgramResult Run(const std::string& name, const std::vector<std::string>&, unsigned, unsigned, int) override {
    happened.push_back(name);
    return {};
  }
};

std::unique_ptr<ports::Session> OpenSession(RecordingFaults& faults) {
  static FakeConnector inner;
  happened.clear();
  ports::ConnectionTarget target;
  target.application_name = "yellow batch Ingest/Main/Shop";
  auto session = Wrap(inner, faults)->Open(target);
  faults.passed.clear();
  faults.effects = 0;
  return session;
}

TEST(Session, PassesEveryEffectUnderTheNameOfItsTransaction) {
  RecordingFaults faults;
  const auto session = OpenSession(faults);
  {
    ports::Transaction transaction(*session, "", "merge");
    session->Execute("SELECT 1");
    session->Execute("UPDATE a.b SET x = 1");
    session->CopyFrom(*session, "COPY x TO STDOUT", "COPY a.c FROM STDIN", {});
    transaction.Commit();
  }
  session->Execute("DELETE FROM a.b");
  session->ExecuteScript("CREATE TABLE t ()");
  EXPECT_THAT(faults.passed,
              ElementsAre("before batch.merge.update a.b", "before batch.merge.copy a.c", "before batch.merge.commit",
                          "after batch.merge.commit", "before batch.delete a.b", "after batch.delete a.b",
                          "before batch.script", "after batch.script"));
}

TEST(Session, ATransactionThatOnlyReadsHasNoEffect) {
  RecordingFaults faults;
  const auto session = OpenSession(faults);
  {
    ports::Transaction transaction(*session, "READ ONLY", "look");
    transaction.Commit();
  }
  {
    ports::Transaction left(*session, "", "left");
  }
  EXPECT_THAT(faults.passed, ElementsAre());
}

TEST(Session, AnEffectThatFailsIsNotTried) {
  RecordingFaults faults;
  const auto session = OpenSession(faults);
  faults.at = 1, faults.fate = ports::Fate::kFails;
  EXPECT_THROW(session->Execute("DELETE FROM a.b"), base::Error);
  EXPECT_THAT(happened, ElementsAre());
  session->Execute("DELETE FROM a.b");
  EXPECT_THAT(happened, ElementsAre("DELETE FROM a.b"));
}

TEST(Session, ALostAnswerTakesTheConnectionAndLeavesACommitInDoubt) {
  RecordingFaults faults;
  const auto session = OpenSession(faults);
  faults.at = 1, faults.fate = ports::Fate::kAnswerIsLost;
  ports::Transaction transaction(*session, "", "merge");
  try {
    transaction.Commit();
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_TRUE(error.retryable);
    EXPECT_TRUE(error.outcome_unknown);
  }
  EXPECT_THAT(happened, ElementsAre("BEGIN  /* merge */", "COMMIT /* merge */"));
  EXPECT_THROW(session->Execute("SELECT 1"), base::Error);
}

TEST(Files, PassEveryWriteAndNoRead) {
  RecordingFaults faults;
  FakeFiles inner;
  const auto files = Wrap(inner, faults);
  files->Read("a");
  files->Exists("a");
  files->ReadTail("a", 1);
  files->ReadTree("a", "b");
  files->FoldersIn("a");
  EXPECT_THAT(faults.passed, ElementsAre());
  files->WriteAtomically("a", "b", true);
  files->WritePrivateTree("a", {});
  files->Link("a", "b");
  files->MakeFolder("a", 0700);
  files->GiveTo("a", 1, 1);
  files->RemoveTree("a");
  EXPECT_THAT(faults.passed,
              ElementsAre("before file.write", "after file.write", "before file.write_tree", "after file.write_tree",
                          "before file.link", "after file.link", "before file.make_folder", "after file.make_folder",
                          "before file.give", "after file.give", "before file.remove", "after file.remove"));
  faults.at = faults.effects + 1, faults.fate = ports::Fate::kFails;
  happened.clear();
  EXPECT_THROW(files->RemoveTree("a"), base::Error);
  EXPECT_THAT(happened, ElementsAre());
}

TEST(Programs, PassEveryProgram) {
  RecordingFaults faults;
  FakePrograms inner;
  Wrap(inner, faults)->Run("initdb", {}, 0, 0, -1);
  EXPECT_THAT(faults.passed, ElementsAre("before server.initdb", "after server.initdb"));
}

class FakeWebhook : public ports::Webhook {
 public:
  int Post(const ports::WebhookMessage& message, const std::function<bool()>&) override {
    happened.push_back("post " + message.id);
    return 204;
  }
};

class FakeMailer : public ports::Mailer {
 public:
  int Send(const ports::MailMessage& message, const std::function<bool()>&) override {
    happened.push_back("mail to " + message.to);
    return 250;
  }
};

TEST(Mailer, PassesEveryMailAndFailsWithoutOrAfterIt) {
  FakeMailer real;
  for (const auto& [fate, reached] : {std::pair(ports::Fate::kFails, 0), {ports::Fate::kAnswerIsLost, 1}}) {
    happened.clear();
    RecordingFaults faults;
    faults.at = 1, faults.fate = fate;
    const auto mailer = Wrap(real, faults);
    EXPECT_THROW(mailer->Send({}, [] { return true; }), base::Error);
    EXPECT_EQ(happened.size(), static_cast<size_t>(reached));
    EXPECT_EQ(mailer->Send({}, [] { return true; }), 250);
    EXPECT_EQ(faults.passed.front(), "before mail.send");
    EXPECT_EQ(faults.passed.back(), "after mail.send");
  }
}

TEST(Webhook, PassesEveryPostAndFailsWithoutOrAfterIt) {
  FakeWebhook real;
  for (const auto& [fate, reached] : {std::pair(ports::Fate::kFails, 0), {ports::Fate::kAnswerIsLost, 1}}) {
    happened.clear();
    RecordingFaults faults;
    faults.at = 1, faults.fate = fate;
    const auto webhook = Wrap(real, faults);
    EXPECT_THROW(webhook->Post({}, [] { return true; }), base::Error);
    EXPECT_EQ(happened.size(), static_cast<size_t>(reached));
    EXPECT_EQ(webhook->Post({}, [] { return true; }), 204);
    EXPECT_EQ(faults.passed.front(), "before webhook.post");
    EXPECT_EQ(faults.passed.back(), "after webhook.post");
  }
}

TEST(Foreground, PassesEveryProgram) {
  RecordingFaults faults;
  const auto run = Wrap([](const auto&, const auto&) { return 7; }, faults);
  EXPECT_EQ(run({"psql", "-c", "x"}, {}), 7);
  EXPECT_THAT(faults.passed, ElementsAre("before foreground.psql", "after foreground.psql"));
}

class FakeEngine : public ports::ContainerEngine {
 public:
  ports::EngineInfo Describe() override { return {}; }
  void Fetch(const std::string&, const ports::CredentialValue*, const std::function<bool()>&) override {
    happened.emplace_back("fetch");
  }
  bool Start(const ports::ContainerSpec&) override {
    happened.emplace_back("start");
    return true;
  }
  std::optional<ports::ContainerState> Find(const std::string&) override { return std::nullopt; }
  std::optional<std::map<std::string, std::string>> EnvironmentOf(const std::string&) override { return std::nullopt; }
  std::unique_ptr<ports::ContainerFollower> Follow(const std::string&, const std::string&, int64_t) override {
    return nullptr;
  }
  void Stop(const std::string&) override { happened.emplace_back("stop"); }
  void Remove(const std::string&, const std::string&) override { happened.emplace_back("remove"); }
  std::vector<ports::FoundContainer> List(const std::string&) override { return {}; }
};

class FakeEngines : public ports::ContainerEngines {
 public:
  std::unique_ptr<ports::ContainerEngine> Of(const model::Environment&) override {
    return std::make_unique<FakeEngine>();
  }
};

TEST(ContainerEngine, PassesWhatChangesSomething) {
  RecordingFaults faults;
  FakeEngines inner;
  const auto engines = Wrap(inner, faults);
  const auto engine = engines->Of(model::Environment{});
  engine->Describe();
  engine->Find("a");
  engine->EnvironmentOf("a");
  engine->Follow("a", "/log", 1);
  engine->List("yellow.run");
  EXPECT_THAT(faults.passed, ElementsAre());
  engine->Fetch("image", nullptr, nullptr);
  engine->Start({});
  engine->Stop("a");
  engine->Remove("a", "");
  EXPECT_THAT(faults.passed, ElementsAre("before container.fetch", "after container.fetch", "before container.start",
                                         "after container.start", "before container.stop", "after container.stop",
                                         "before container.remove", "after container.remove"));
}

class FakeWorkplace : public ports::Workplace {
 public:
  const std::string& folder() const override { return folder_; }
  bool MayUse(const std::string&) override { return true; }
  std::unique_ptr<ports::Process> Start(const ports::ProcessSpec&) override { return nullptr; }

 private:
  const std::string folder_ = "/w";
};

class FakeLauncher : public ports::ProcessLauncher {
 public:
  std::unique_ptr<ports::Workplace> MakeWorkplace(const std::string&, const std::string&) override {
    return std::make_unique<FakeWorkplace>();
  }
  void CleanUp(const std::string&) override { happened.emplace_back("clean"); }
  std::string WhyNoUser() override { return ""; }
  bool MayBeAlive(const std::string&) override { return true; }
};

TEST(Launcher, PassesWorkplacesAndWhatIsStartedThere) {
  RecordingFaults faults;
  FakeLauncher inner;
  const auto launcher = Wrap(inner, faults);
  launcher->WhyNoUser();
  launcher->MayBeAlive("a");
  EXPECT_THAT(faults.passed, ElementsAre());
  const auto workplace = launcher->MakeWorkplace("/data", "run");
  EXPECT_TRUE(workplace->MayUse("/usr/bin/python3"));
  workplace->Start({});
  launcher->CleanUp("/data");
  EXPECT_THAT(faults.passed, ElementsAre("before process.prepare", "after process.prepare", "before process.start",
                                         "after process.start", "before process.clean", "after process.clean"));
}

}  // namespace
}  // namespace yellow::adapters::faults
