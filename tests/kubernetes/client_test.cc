// The client of src/adapters/kubernetes against the real API server of the cluster that YELLOW_KUBERNETES names (ctest starts it). Fails without one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "adapters/clock/system_clock.h"
#include "adapters/kubernetes/client.h"
#include "adapters/kubernetes/follow.h"
#include "real_cluster.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

const std::string kSpace = "client-test";
const std::string kJobs = "/apis/batch/v1/namespaces/" + kSpace + "/jobs";
const std::string kSecrets = "/api/v1/namespaces/" + kSpace + "/secrets";
const Client::GoOn kAlways = [] { return true; };

Json JobOf(const std::string& name, const std::string& script, bool suspend) {
  const Json security = Json::parse(R"({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
                                        "seccompProfile": {"type": "RuntimeDefault"}})");
  const Json container = {{"name", "main"}, {"image", "localhost/yellow-base:1"}, {"command", {"sh", "-c", script}}, {"securityContext", security}};
  const Json pod = {{"restartPolicy", "Never"}, {"automountServiceAccountToken", false}, {"containers", {container}}};
  return {{"apiVersion", "batch/v1"},
          {"kind", "Job"},
          {"metadata", {{"name", name}, {"labels", {{"test", name}}}}},
          {"spec", {{"backoffLimit", 0}, {"suspend", suspend}, {"podReplacementPolicy", "Failed"}, {"template", {{"spec", pod}}}}}};
}

class ClientTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { MakeNamespace(kSpace); }
  static void TearDownTestSuite() { RemoveNamespace(kSpace); }

  std::string TokenOf(const std::string& account) {
    const Reply reply = client_.Create("/api/v1/namespaces/" + kSpace + "/serviceaccounts/" + account + "/token", R"({"spec":{"expirationSeconds":600}})");
    return Json::parse(reply.body)["status"]["token"];
  }
  ApiError Failure(const std::function<void()>& call) {
    try {
      call();
    } catch (const ApiError& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return {"", -1};
  }

  Client client_{Administrator(), &ReadFromDisk};
};

TEST_F(ClientTest, MakesAndRemovesJobsAndSecrets) {
  const Json secret = {{"metadata", {{"name", "login"}}}, {"stringData", {{"password", "canary"}}}};
  EXPECT_EQ(client_.Create(kSecrets, secret.dump()).outcome, Outcome::kDone);
  EXPECT_EQ(client_.Create(kSecrets, secret.dump()).outcome, Outcome::kExists);
  const Reply made = client_.Create(kJobs, JobOf("made", "true", true).dump());
  ASSERT_EQ(made.outcome, Outcome::kDone);
  const Json job = Json::parse(made.body);
  EXPECT_EQ(job["spec"]["suspend"], true);
  EXPECT_EQ(job["spec"]["podReplacementPolicy"], "Failed");
  const std::string uid = job["metadata"]["uid"];
  const Json owner = {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"name", "made"}, {"uid", uid}};
  EXPECT_EQ(client_.Change(kSecrets + "/login", Json{{"metadata", {{"ownerReferences", {owner}}}}}.dump()).outcome, Outcome::kDone);
  EXPECT_EQ(client_.Change(kJobs + "/made", R"({"metadata":{"resourceVersion":"1","labels":{"a":"b"}}})").outcome, Outcome::kConflict);
  EXPECT_EQ(client_.Delete(kJobs + "/made", "another-uid").outcome, Outcome::kConflict);
  EXPECT_EQ(client_.Get(kJobs + "/made").outcome, Outcome::kDone);
  EXPECT_EQ(client_.Delete(kJobs + "/made", uid).outcome, Outcome::kDone);
  WaitUntil("the job goes", [&] { return client_.Get(kJobs + "/made").outcome == Outcome::kNotFound; });
  EXPECT_EQ(client_.Delete(kJobs + "/made", uid).outcome, Outcome::kNotFound);
  WaitUntil("the secret goes with its owner", [&] { return client_.Get(kSecrets + "/login").outcome == Outcome::kNotFound; });
}

TEST_F(ClientTest, SaysWhatIsWrong) {
  const ApiError invalid = Failure([&] { client_.Create(kJobs, R"({"metadata":{"name":"Not A Name"}})"); });
  EXPECT_EQ(invalid.status, 422);
  EXPECT_EQ(invalid.reason, "Invalid");
  EXPECT_FALSE(invalid.retryable);
  EXPECT_THAT(invalid.what(), HasSubstr("Not A Name"));
  EXPECT_EQ(Failure([&] { client_.Create(kJobs, "{"); }).status, 400);
  EXPECT_EQ(Failure([&] { client_.Get("/apis/nobody/v1/things"); }).status, 404) << "no absent object, but an absent API";
}

TEST_F(ClientTest, KnowsTheServerAndIsKnown) {
  Access stranger = Administrator();
  stranger.certificate.clear();
  stranger.key = {};
  EXPECT_EQ(Failure([&] { Client(stranger, &ReadFromDisk).Get(kJobs); }).status, 401);
  stranger.token = base::Secret(TokenOf("default"));
  const ApiError forbidden = Failure([&] { Client(stranger, &ReadFromDisk).Get(kJobs); });
  EXPECT_EQ(forbidden.status, 403);
  EXPECT_EQ(forbidden.reason, "Forbidden");
  // An authority that has not signed the server's certificate.
  Access elsewhere = Administrator();
  elsewhere.authority = elsewhere.certificate;
  const ApiError untrusted = Failure([&] { Client(elsewhere, &ReadFromDisk).Get(kJobs); });
  EXPECT_EQ(untrusted.status, 0);
  EXPECT_FALSE(untrusted.retryable) << untrusted.what();
}

TEST_F(ClientTest, ReadsItsTokenAgain) {
  Access access = Administrator();
  access.certificate.clear();
  access.key = {};
  access.token_file = "/token";
  std::string token = "expired";
  int read = 0;
  Client client(access, [&](const std::string&) {
    ++read;
    return std::exchange(token, TokenOf("default"));
  });
  EXPECT_EQ(Failure([&] { client.Get(kJobs); }).status, 403) << "known now, if not allowed";
  EXPECT_EQ(read, 2);
}

TEST_F(ClientTest, IsAPodsServiceAccount) {
  // What a pod finds: the address of the service `kubernetes`, the authority that every namespace holds, a token that is bound to the account.
  const Json service = Json::parse(client_.Get("/api/v1/namespaces/default/services/kubernetes").body);
  const std::string authority = Json::parse(client_.Get("/api/v1/namespaces/" + kSpace + "/configmaps/kube-root-ca.crt").body)["data"]["ca.crt"];
  const std::map<std::string, std::string> found{{"KUBERNETES_SERVICE_HOST", service["spec"]["clusterIP"]},
                                                 {"KUBERNETES_SERVICE_PORT", std::to_string(service["spec"]["ports"][0]["port"].get<int>())},
                                                 {"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", authority},
                                                 {"/var/run/secrets/kubernetes.io/serviceaccount/token", TokenOf("default")},
                                                 {"/var/run/secrets/kubernetes.io/serviceaccount/namespace", kSpace}};
  const auto look = [&](const std::string& name) { return found.contains(name) ? std::optional(found.at(name)) : std::nullopt; };
  const Access access = InCluster(look, look);
  EXPECT_EQ(access.name_space, kSpace);
  Client client(access, look);
  EXPECT_EQ(Failure([&] { client.Get(kJobs); }).status, 403);
  const std::string roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/" + kSpace;
  const Json rules = {{{"apiGroups", {"batch"}}, {"resources", {"jobs"}}, {"verbs", {"list", "create"}}}};
  client_.Create(roles + "/roles", Json{{"metadata", {{"name", "jobs"}}}, {"rules", rules}}.dump());
  const Json subject = {{"kind", "ServiceAccount"}, {"name", "default"}, {"namespace", kSpace}};
  const Json role = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", "jobs"}};
  client_.Create(roles + "/rolebindings", Json{{"metadata", {{"name", "jobs"}}}, {"roleRef", role}, {"subjects", {subject}}}.dump());
  WaitUntil("the role is known", [&] {
    try {
      return client.Get(kJobs).outcome == Outcome::kDone;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status, 403);
      return false;
    }
  });
  EXPECT_EQ(client.Create(kJobs, JobOf("by-account", "true", true).dump()).outcome, Outcome::kDone);
  EXPECT_EQ(Failure([&] { client.Delete(kJobs + "/by-account", ""); }).status, 403) << "its role says nothing of that";
}

/// Notes the last state of each job, and what could not be had.
class Notes : public Listener {
 public:
  void Listed(const std::vector<WatchEvent>& all) override {
    const std::lock_guard lock(mutex_);
    ++lists;
    states_.clear();
    for (const WatchEvent& event : all) Note(event);
  }
  void Changed(const WatchEvent& event) override {
    const std::lock_guard lock(mutex_);
    Note(event);
  }
  void Troubled(const ApiError& error, std::chrono::milliseconds /*wait*/) override {
    EXPECT_TRUE(error.retryable) << error.what();
    ++troubles;
  }
  std::string StateOf(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return states_.contains(name) ? states_[name] : "";
  }
  std::atomic<int> lists = 0;
  std::atomic<int> troubles = 0;

 private:
  void Note(const WatchEvent& event) {
    if (event.kind == WatchEvent::Kind::kDeleted) {
      states_[event.name] = "deleted";
      return;
    }
    const Json status = Json::parse(event.object).value("status", Json::object());
    states_[event.name] = "made";
    for (const Json& condition : status.value("conditions", Json::array()))
      if (condition["status"] == "True") states_[event.name] = condition["type"];
  }
  std::mutex mutex_;
  std::map<std::string, std::string> states_;
};

/// Follows in a thread of its own until it goes.
class Follower {
 public:
  Follower(const std::string& query, Notes& notes) : thread_([this, query, &notes] {
    Client client(Administrator(), &ReadFromDisk);
    Follow(client, kJobs, query, notes, *time_, [this] { return go_on_.load(); });
  }) {}
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  ~Follower() {
    go_on_ = false;
    thread_.join();
  }

 private:
  const std::unique_ptr<ports::Clock> time_ = clock::MakeClock();
  std::atomic<bool> go_on_ = true;
  std::thread thread_;
};

TEST_F(ClientTest, FollowsJobsToTheirEndAndReadsTheirLogs) {
  Notes notes;
  const Follower follower("labelSelector=" + Client::Encode("test in (good,bad)"), notes);
  WaitUntil("the list", [&] { return notes.lists > 0; });
  client_.Create(kJobs, JobOf("good", "echo one; sleep 2; echo two", false).dump());
  client_.Create(kJobs, JobOf("bad", "exit 3", false).dump());
  client_.Create(kJobs, JobOf("other", "true", true).dump());
  const std::string pods = "/api/v1/namespaces/" + kSpace + "/pods";
  std::string pod;
  WaitUntil("the pod runs", [&] {
    const Json found = Json::parse(client_.Get(pods + "?labelSelector=" + Client::Encode("batch.kubernetes.io/job-name=good")).body)["items"];
    if (found.empty() || found[0]["status"].value("phase", "") == "Pending") return false;
    pod = found[0]["metadata"]["name"];
    return true;
  });
  std::string log;
  EXPECT_EQ(client_.Stream(pods + "/" + pod + "/log?follow=true", [&](std::string_view bytes) {
    log += bytes;
    return true;
  }, kAlways), Outcome::kDone);
  EXPECT_EQ(log, "one\ntwo\n");
  WaitUntil("the good job's end is told", [&] { return notes.StateOf("good") == "Complete"; });
  WaitUntil("the bad job's end is told", [&] { return notes.StateOf("bad") == "Failed"; });
  EXPECT_EQ(notes.StateOf("other"), "") << "not asked for";
  client_.Delete(kJobs + "/bad", "");
  WaitUntil("the deletion is told", [&] { return notes.StateOf("bad") == "deleted"; });
  EXPECT_EQ(notes.lists, 1) << "one list, then changes only";
  EXPECT_EQ(notes.troubles, 0);
}

/// The cluster's own command; throws when it fails.
void Cluster(const std::string& arguments) {
  if (std::system((std::string(YELLOW_CLUSTER) + " " + arguments + " >/dev/null").c_str()) != 0) throw std::runtime_error("cluster " + arguments);
}

TEST_F(ClientTest, FollowsThroughARestartOfTheServer) {
  Notes notes;
  const Follower follower("", notes);
  ASSERT_EQ(client_.Create(kJobs, JobOf("before", "true", true).dump()).outcome, Outcome::kDone);
  WaitUntil("a job is told", [&] { return !notes.StateOf("before").empty(); });
  Cluster("stop kube-apiserver");
  const ApiError away = Failure([&] { client_.Create(kJobs, JobOf("meanwhile", "true", true).dump()); });
  EXPECT_EQ(away.status, 0);
  EXPECT_TRUE(away.retryable);
  EXPECT_FALSE(away.outcome_unknown) << away.what();
  WaitUntil("trouble is told", [&] { return notes.troubles > 0; });
  Cluster("up");
  WaitUntil("the same client is answered", [&] {
    try {
      return client_.Create(kJobs, JobOf("after", "true", true).dump()).outcome != Outcome::kNotFound;
    } catch (const ApiError& error) {
      EXPECT_TRUE(error.retryable) << error.what();
      return false;
    }
  });
  WaitUntil("a job made after it is told", [&] { return !notes.StateOf("after").empty(); });
  EXPECT_EQ(notes.StateOf("before"), "Suspended");
  std::cout << notes.troubles << " failures, " << notes.lists << " lists\n";
}

TEST_F(ClientTest, IsToldWhenAVersionIsTooOld) {
  const auto all = [](const WatchEvent&) { return true; };
  EXPECT_EQ(client_.Watch(kJobs, "", "1", all, kAlways), Outcome::kTooOld);
}

TEST_F(ClientTest, KeepsUpWithManyJobs) {
  const auto begin = steady_clock::now();
  constexpr int kMany = 100;
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(client_.Create(kJobs, JobOf("many-" + std::to_string(i), "true", true).dump()).outcome, Outcome::kDone);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
  std::cout << kMany << " jobs made in " << took.count() << " ms, one after the other\n";
  EXPECT_LT(took.count(), 20'000);
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
