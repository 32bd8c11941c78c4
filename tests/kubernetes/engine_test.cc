// The engine of src/adapters/kubernetes (what starts, finds and removes Jobs) against the real API server of the cluster that YELLOW_KUBERNETES names. Fails without one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/clock/system_clock.h"
#include "adapters/kubernetes/cluster.h"
#include "real_cluster.h"

namespace yellow::adapters::kubernetes {
namespace {

using ::testing::HasSubstr;

const std::string kSpace = "engine-test";
const std::string kSecrets = "/api/v1/namespaces/" + kSpace + "/secrets";
const std::string kJobs = "/apis/batch/v1/namespaces/" + kSpace + "/jobs";

class EngineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { MakeNamespace(kSpace); }
  static void TearDownTestSuite() { RemoveNamespace(kSpace); }

  EngineTest() {
    environment_.launcher = model::LauncherKind::kKubernetes;
    environment_.kubernetes.kubeconfig = Kubeconfig();
    environment_.kubernetes.name_space = kSpace;
    engine_ = clusters_->Of(environment_);
  }

  static ports::ContainerSpec Spec(const std::string& name, const std::string& script) {
    ports::ContainerSpec spec;
    spec.name = name, spec.image = "localhost/yellow-base:1", spec.command = {"sh", "-c", script};
    spec.environment = {{"GREETING", "hello"}};
    spec.labels = {{"yellow.run", name}, {"yellow.spec", "of " + script}};
    spec.limit_seconds = 60;
    return spec;
  }

  void AwaitEnd(const std::string& name) {
    WaitUntil("the end of " + name, [&] { return !engine_->Find(name)->running; });
  }

  const std::unique_ptr<ports::Clock> clock_ = clock::MakeClock();
  const std::unique_ptr<ports::ContainerEngines> clusters_ = MakeClusters(
      &ReadFromDisk, [](const std::string&) { return std::optional<std::string>(); }, *clock_, nullptr);
  model::Environment environment_;
  std::unique_ptr<ports::ContainerEngine> engine_;
};

TEST_F(EngineTest, TakesOnlyTheSameForTheSame) {
  EXPECT_TRUE(engine_->Start(Spec("same", "sleep 600")));
  EXPECT_FALSE(engine_->Start(Spec("same", "sleep 600")));
  const std::string id = engine_->Find("same")->id;
  EXPECT_FALSE(id.empty());
  for (const char* label : {"yellow.run", "yellow.spec"}) {
    ports::ContainerSpec other = Spec("same", "sleep 600");
    other.labels[label] = "another";
    try {
      engine_->Start(other);
      ADD_FAILURE() << label;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code, "container");
      EXPECT_THAT(error.what(), HasSubstr("another object of this name"));
    }
    // Whose it is, it stays there, with its Secret.
    ASSERT_TRUE(engine_->Find("same").has_value());
    EXPECT_EQ(engine_->Find("same")->id, id);
    EXPECT_EQ(Client(Administrator(), &ReadFromDisk).Get(kSecrets + "/same").outcome, Outcome::kDone);
  }
  engine_->Remove("same", "another-id");
  EXPECT_TRUE(engine_->Find("same").has_value());
  engine_->Remove("same", id);
  WaitUntil("it goes", [&] { return !engine_->Find("same") && Client(Administrator(), &ReadFromDisk).Get(kSecrets + "/same").outcome == Outcome::kNotFound; });
  engine_->Remove("same", "");
}

TEST_F(EngineTest, ASecretWithoutAJobIsMadeAnew) {
  ports::ContainerSpec old = Spec("again", "test $GREETING = hello");
  old.environment["GREETING"] = "of old";
  engine_->Start(old);
  Client administrator(Administrator(), &ReadFromDisk);
  // The Job is lost, and its Secret stays.
  administrator.Change(kSecrets + "/again", R"({"metadata":{"ownerReferences":null}})");
  administrator.Delete(kJobs + "/again", "");
  WaitUntil("the Job goes", [&] { return !engine_->Find("again"); });
  EXPECT_TRUE(engine_->Start(Spec("again", "test $GREETING = hello")));
  AwaitEnd("again");
  EXPECT_EQ(engine_->Find("again")->exit_status, 0);
  EXPECT_FALSE(engine_->Find("again")->failure.has_value());
  engine_->Remove("again", "");
}

TEST_F(EngineTest, KnowsWhatWasGiven) {
  ports::ContainerSpec spec = Spec("given", "sleep 600");
  spec.environment["PGPASSWORD"] = "the first";
  engine_->Start(spec);
  EXPECT_EQ(engine_->EnvironmentOf("given"), spec.environment);
  engine_->Remove("given", "");
  WaitUntil("it goes", [&] { return !engine_->EnvironmentOf("given"); });
}

TEST_F(EngineTest, HandsOnWhatItSaysAtItsEnd) {
  engine_->Start(Spec("says", "echo held > /dev/termination-log; exit 1"));
  AwaitEnd("says");
  const auto state = engine_->Find("says");
  EXPECT_EQ(state->exit_status, 1);
  EXPECT_THAT(state->message, HasSubstr("held"));
  EXPECT_EQ(engine_->List("yellow.run").size(), 1U);
  engine_->Remove("says", "");
  WaitUntil("it goes", [&] { return engine_->List("yellow.run").empty(); });
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
