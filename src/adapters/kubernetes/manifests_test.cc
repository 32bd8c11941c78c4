#include "adapters/kubernetes/manifests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

ports::ContainerSpec Spec() {
  ports::ContainerSpec spec;
  spec.name = "yellow-run-0af1";
  spec.image = "registry.example.com/shop/mask@sha256:1";
  spec.environment = {{"PGPASSWORD", "canary"}, {"PGUSER", "yellow_run_0af1"}};
  spec.labels = {{"yellow.run", "0af1"}, {"yellow.workspace", "MaskShop"}, {"yellow.holder", "4 of alice@host"}};
  spec.limits.memory = 64 << 20, spec.limits.millicores = 500, spec.limits.scratch = 8 << 20;
  spec.limit_seconds = 610;
  return spec;
}

const Json& PodOf(const Json& job) { return job["spec"]["template"]["spec"]; }

TEST(Manifests, SecretsAreInTheSecretAlone) {
  EXPECT_THAT(JobOf(Spec(), {}), Not(HasSubstr("canary")));
  const Json secret = Json::parse(SecretOf(Spec()));
  EXPECT_EQ(secret["data"]["PGPASSWORD"], "Y2FuYXJ5");
  EXPECT_EQ(secret["metadata"]["name"], "yellow-run-0af1");
  const Json job = Json::parse(JobOf(Spec(), {}));
  const Json variable = {{"name", "PGPASSWORD"},
                         {"valueFrom", {{"secretKeyRef", {{"name", "yellow-run-0af1"}, {"key", "PGPASSWORD"}}}}}};
  EXPECT_EQ(PodOf(job)["containers"][0]["env"],
            Json::array({variable,
                         {{"name", "PGUSER"},
                          {"valueFrom", {{"secretKeyRef", {{"name", "yellow-run-0af1"}, {"key", "PGUSER"}}}}}}}));
}

TEST(Manifests, WhatWasGivenIsReadAgain) {
  ports::ContainerSpec spec = Spec();
  spec.environment["EMPTY"] = "", spec.environment["ODD"] = std::string("\xFF\n=", 3);
  spec.files = {{"/run/yellow/ca.crt", "certificate"}};
  EXPECT_EQ(EnvironmentIn(SecretOf(spec)), spec.environment);
  // Not to be taken for one that was given nothing.
  for (const char* none : {"<html>", "{}", R"({"data":{"PGPASSWORD":"%"}})"})
    EXPECT_THROW(EnvironmentIn(none), base::Error) << none;
}

TEST(Manifests, WhatIsNoLabelIsAnAnnotationOnly) {
  const Json metadata = Json::parse(JobOf(Spec(), {}))["metadata"];
  EXPECT_EQ(metadata["labels"]["yellow.workspace"], "MaskShop");
  EXPECT_FALSE(metadata["labels"].contains("yellow.holder"));
  EXPECT_EQ(metadata["annotations"]["yellow.holder"], "4 of alice@host");
  EXPECT_EQ(metadata["labels"]["app.kubernetes.io/managed-by"], "yellow");
}

TEST(Manifests, APodIsOfTheStandardRestrictedAndIsNotTriedAgain) {
  const Json job = Json::parse(JobOf(Spec(), {}));
  EXPECT_EQ(job["spec"]["backoffLimit"], 0);
  EXPECT_EQ(job["spec"]["activeDeadlineSeconds"], 610);
  EXPECT_EQ(job["spec"]["ttlSecondsAfterFinished"], 86400);
  EXPECT_EQ(job["spec"]["podReplacementPolicy"], "Failed");
  EXPECT_EQ(job["spec"]["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["type"], "DisruptionTarget");
  const Json& pod = PodOf(job);
  EXPECT_EQ(pod["restartPolicy"], "Never");
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
  EXPECT_EQ(pod["securityContext"],
            Json::parse(R"({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}})"));
  const Json& code = pod["containers"][0];
  EXPECT_EQ(code["securityContext"], Json::parse(R"({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                                                     "capabilities": {"drop": ["ALL"]}})"));
  EXPECT_EQ(code["resources"], Json::parse(R"({"limits": {"memory": "67108864", "cpu": "500m"}})"));
  EXPECT_EQ(pod["volumes"][0]["emptyDir"], Json::parse(R"({"medium": "Memory", "sizeLimit": "8388608"})"));
  EXPECT_FALSE(code.contains("command"));
  EXPECT_FALSE(pod.contains("nodeSelector"));
}

TEST(Manifests, FilesAreMountedFromTheSecretAndAreNoVariables) {
  ports::ContainerSpec spec = Spec();
  spec.files = {{"/run/yellow/ca.crt", "certificate"}};
  const Json job = Json::parse(JobOf(spec, {}));
  const Json& mount = PodOf(job)["containers"][0]["volumeMounts"][1];
  EXPECT_EQ(mount["mountPath"], "/run/yellow/ca.crt");
  EXPECT_EQ(mount["readOnly"], true);
  const std::string key = mount["subPath"];
  EXPECT_EQ(PodOf(job)["volumes"][1]["secret"]["items"][0]["key"], key);
  EXPECT_EQ(Json::parse(SecretOf(spec))["data"][key], "Y2VydGlmaWNhdGU=");
  EXPECT_EQ(PodOf(job)["containers"][0]["env"].size(), 2U);
}

TEST(Manifests, TheLauncherSaysWhereItRuns) {
  model::KubernetesLauncher launcher;
  launcher.pull = {"registry"};
  launcher.node_selector = {{"disk", "ssd"}};
  launcher.labels = {{"team", "data"}, {"app.kubernetes.io/managed-by", "somebody"}};
  launcher.tolerations = {{"dedicated", "yellow", "NoSchedule", std::nullopt}, {"", std::nullopt, "NoExecute", 60}};
  const Json job = Json::parse(JobOf(Spec(), launcher));
  EXPECT_EQ(PodOf(job)["imagePullSecrets"], Json::parse(R"([{"name": "registry"}])"));
  EXPECT_EQ(PodOf(job)["nodeSelector"], Json::parse(R"({"disk": "ssd"})"));
  EXPECT_EQ(PodOf(job)["tolerations"],
            Json::parse(R"([{"key": "dedicated", "operator": "Equal", "value": "yellow", "effect": "NoSchedule"},
                            {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}])"));
  EXPECT_EQ(job["spec"]["template"]["metadata"]["labels"]["team"], "data");
  EXPECT_EQ(job["metadata"]["labels"]["app.kubernetes.io/managed-by"], "yellow");
}

TEST(Manifests, WhoAsksTheApiHasAnAccountAndWhatHasNoLimitNone) {
  ports::ContainerSpec spec = Spec();
  spec.account = "yellow", spec.limit_seconds = 0;
  const Json job = Json::parse(JobOf(spec, {}));
  EXPECT_EQ(PodOf(job)["serviceAccountName"], "yellow");
  EXPECT_EQ(PodOf(job)["automountServiceAccountToken"], true);
  EXPECT_FALSE(job["spec"].contains("activeDeadlineSeconds"));
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
