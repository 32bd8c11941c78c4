#include "adapters/kubernetes/run_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "adapters/kubernetes/reply.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

JobFacts Job(const std::string& failed = "") {
  JobFacts job;
  job.name = "yellow-run-1", job.failed = failed;
  return job;
}

/// A pod whose container is in this state, as JSON.
PodFacts Pod(const std::string& state, const std::string& more = "{}", bool deleting = false) {
  Json pod = Json::parse(R"({"metadata": {"name": "p", "ownerReferences": [{"kind": "Job", "name": "yellow-run-1"}]},
                             "status": {"phase": "Pending", "containerStatuses": [{"name": "sidecar", "state": {}}, {"name": "main"}]}})");
  pod["status"]["containerStatuses"][1]["state"] = Json::parse(state);
  pod["status"].update(Json::parse(more));
  if (deleting) pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  return ReadPod(pod.dump());
}

std::string Code(const RunState& run) {
  const ports::ContainerState& state = run.container;
  if (state.running) return "running";
  if (state.failure) return state.failure->code;
  if (state.out_of_memory) return "out_of_memory";
  if (state.killed) return "killed";
  return "exit " + std::to_string(state.exit_status);
}

std::string CodeOf(const PodFacts& pod, const std::string& failed = "", bool stranded = false) {
  return Code(Judge(Job(failed), &pod, stranded));
}

TEST(RunState, OfCodeThatEnds) {
  EXPECT_EQ(CodeOf(Pod(R"({"terminated": {"exitCode": 0}})")), "exit 0");
  EXPECT_EQ(CodeOf(Pod(R"({"terminated": {"exitCode": 3, "reason": "Error"}})")), "exit 3");
  EXPECT_EQ(CodeOf(Pod(R"({"terminated": {"exitCode": 137, "reason": "Error"}})")), "killed");
  EXPECT_EQ(CodeOf(Pod(R"({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})")), "out_of_memory");
  EXPECT_EQ(CodeOf(Pod(R"({"terminated": {"exitCode": 128, "reason": "StartError", "message": "no such file"}})")),
            "container");
  const PodFacts said = Pod(R"({"terminated": {"exitCode": 1, "message": "held"}})");
  EXPECT_EQ(Judge(Job(), &said, false).container.message, "held");
  // Whoever ends a pod that has done its work ends nothing.
  EXPECT_EQ(CodeOf(Pod(R"({"terminated": {"exitCode": 0}})", "{}", true)), "exit 0");
}

TEST(RunState, OfWhatIsNotTheCodesDoing) {
  const std::string killed = R"({"terminated": {"exitCode": 137, "reason": "Error"}})";
  EXPECT_EQ(CodeOf(Pod(killed, "{}", true)), "pod_deleted");
  EXPECT_EQ(CodeOf(Pod(killed), "DeadlineExceeded"), "timeout");
  EXPECT_EQ(CodeOf(Pod(killed, R"({"phase": "Failed", "reason": "Evicted", "message": "low on memory"})")), "evicted");
  EXPECT_EQ(
      CodeOf(Pod(
          killed,
          R"({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]})")),
      "evicted");
  EXPECT_EQ(
      CodeOf(Pod(
          killed,
          R"({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}]})")),
      "node_lost");
  EXPECT_EQ(CodeOf(Pod(R"({"running": {}})", R"({"phase": "Running"})", true), "", true), "node_lost");
  EXPECT_EQ(CodeOf(Pod("{}", R"({"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough"})")),
            "container");
}

TEST(RunState, AnEarlierJobsPodIsNotThisOnes) {
  PodFacts earlier = Pod(R"({"terminated": {"exitCode": 3}})");
  earlier.job_uid = "of the earlier one";
  const RunState run = Judge(Job(), &earlier, false);
  EXPECT_TRUE(run.container.running);
  EXPECT_EQ(run.pending, "its pod has not been made yet");
}

TEST(RunState, OfAPodThatIsGone) {
  EXPECT_EQ(Code(Judge(Job(), nullptr, false)), "running");
  EXPECT_EQ(Code(Judge(Job("BackoffLimitExceeded"), nullptr, false)), "pod_deleted");
  EXPECT_EQ(Code(Judge(Job("DeadlineExceeded"), nullptr, false)), "timeout");
  JobFacts complete = Job();
  complete.complete = true;
  EXPECT_EQ(Code(Judge(complete, nullptr, false)), "exit 0");
}

TEST(RunState, OfImages) {
  const auto waiting = [](const std::string& reason, const std::string& message) {
    return Pod(Json{{"waiting", {{"reason", reason}, {"message", message}}}}.dump());
  };
  EXPECT_EQ(CodeOf(waiting("ErrImagePull", "failed to resolve reference: r/i@sha256:1: not found")), "image_missing");
  EXPECT_EQ(CodeOf(waiting("ErrImagePull", "unexpected commit digest sha256:2, expected sha256:1")), "image_digest");
  EXPECT_EQ(CodeOf(waiting("ErrImagePull", "pull access denied, insufficient_scope")), "image_pull");
  EXPECT_EQ(CodeOf(waiting("ErrImagePull", "dial tcp 127.0.0.1:9: connect: connection refused")), "running");
  EXPECT_EQ(CodeOf(waiting("ImagePullBackOff", "Back-off pulling image")), "running");
  EXPECT_EQ(CodeOf(waiting("InvalidImageName", "no")), "image_missing");
  EXPECT_EQ(CodeOf(waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
            "image_user");
  EXPECT_EQ(CodeOf(waiting("CreateContainerError", "no command specified")), "container");
}

TEST(RunState, SaysWhatCodeWaitsFor) {
  const PodFacts pulling = Pod(R"({"waiting": {"reason": "ErrImagePull", "message": "connection refused"}})");
  EXPECT_THAT(Judge(Job(), &pulling, false).pending, HasSubstr("ErrImagePull: connection refused"));
  const PodFacts nowhere = Pod(
      "{}", R"({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]})");
  EXPECT_THAT(Judge(Job(), &nowhere, false).pending, HasSubstr("0/1 nodes"));
  const PodFacts runs = Pod(R"({"running": {}})", R"({"phase": "Running"})");
  EXPECT_EQ(Judge(Job(), &runs, false).pending, "");
  EXPECT_EQ(Judge(Job(), nullptr, false).pending, "its pod has not been made yet");
}

TEST(RunState, ReadsAJob) {
  const JobFacts job = ReadJob(R"({"metadata": {"name": "j", "uid": "u", "annotations": {"yellow.run": "1"}},
      "status": {"conditions": [{"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"}]}})");
  EXPECT_EQ(job.name + job.uid + job.failed + job.annotations.at("yellow.run"), "juDeadlineExceeded1");
  EXPECT_EQ(ReadPod(R"({"metadata": {"name": "p"}})").job, "");
  for (const char* text : {"", "[]", "{}", R"({"metadata": 1})"}) EXPECT_THROW(ReadJob(text), ApiError) << text;
  // Nothing of these is what it should be.
  ReadPod(
      R"({"metadata": {"name": 1, "ownerReferences": {"a": 1}}, "status": {"conditions": 3, "containerStatuses": [1, {"name": "main", "state": []}]}})");
  ReadJob(R"({"metadata": {"annotations": [1]}, "status": []})");
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
