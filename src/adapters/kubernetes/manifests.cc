#include "adapters/kubernetes/manifests.h"

#include <sodium.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "model/labels.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr int kDay = 86400;
constexpr int kPublic = 0444;

std::string Base64(const std::string& text) {
  std::string encoded(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(encoded.data(), encoded.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  encoded.resize(encoded.find('\0'));
  return encoded;
}

std::string FromBase64(const std::string& encoded) {
  std::string text(encoded.size(), '\0');
  size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(text.data()), text.size(), encoded.data(), encoded.size(),
                        nullptr, &length, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    throw base::Error("container", "the cluster gave a Secret that is none").Retryable();
  text.resize(length);
  return text;
}

/// The key in the Secret of a file that is put at `place`: its last name, numbered, as variables have no dot first.
std::string FileKey(size_t index, const std::string& place) {
  return "." + std::to_string(index) + "." + place.substr(place.rfind('/') + 1);
}

Json LabelsOf(const ports::ContainerSpec& spec) {
  Json labels{{"app.kubernetes.io/name", "yellow"},
              {"app.kubernetes.io/component", "transformer"},
              {"app.kubernetes.io/managed-by", "yellow"},
              {"app.kubernetes.io/instance", spec.name}};
  for (const auto& [name, value] : spec.labels)
    if (model::IsLabelValue(value)) labels[name] = value;
  return labels;
}

Json MetadataOf(const ports::ContainerSpec& spec) {
  return {{"name", spec.name}, {"labels", LabelsOf(spec)}, {"annotations", spec.labels}};
}

Json EnvironmentOf(const ports::ContainerSpec& spec) {
  Json variables = Json::array();
  for (const auto& [name, value] : spec.environment)
    variables.push_back({{"name", name}, {"valueFrom", {{"secretKeyRef", {{"name", spec.name}, {"key", name}}}}}});
  return variables;
}

std::string Cpu(int64_t millicores) { return std::to_string(millicores) + "m"; }

Json ResourcesOf(const model::Resources& resources) {
  Json limits{{"memory", std::to_string(resources.memory)}, {"cpu", Cpu(resources.millicores)}};
  Json requests = Json::object();
  if (resources.requested_memory) requests["memory"] = std::to_string(*resources.requested_memory);
  if (resources.requested_millicores) requests["cpu"] = Cpu(*resources.requested_millicores);
  Json all{{"limits", limits}};
  if (!requests.empty()) all["requests"] = requests;
  return all;
}

Json MountsOf(const ports::ContainerSpec& spec) {
  Json mounts = Json::array({{{"name", "tmp"}, {"mountPath", "/tmp"}}});
  size_t index = 0;
  for (const auto& [place, content] : spec.files)
    mounts.push_back(
        {{"name", "files"}, {"mountPath", place}, {"subPath", FileKey(index++, place)}, {"readOnly", true}});
  return mounts;
}

Json VolumesOf(const ports::ContainerSpec& spec) {
  Json volumes = Json::array(
      {{{"name", "tmp"}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", std::to_string(spec.limits.scratch)}}}}});
  if (spec.files.empty()) return volumes;
  Json items = Json::array();
  size_t index = 0;
  for (const auto& [place, content] : spec.files) {
    const std::string key = FileKey(index++, place);
    items.push_back({{"key", key}, {"path", key}});
  }
  volumes.push_back(
      {{"name", "files"}, {"secret", {{"secretName", spec.name}, {"items", items}, {"defaultMode", kPublic}}}});
  return volumes;
}

Json ContainerOf(const ports::ContainerSpec& spec) {
  Json container{
      {"name", kContainer},
      {"image", spec.image},
      {"imagePullPolicy", "IfNotPresent"},  // the digest says which one
      {"env", EnvironmentOf(spec)},
      {"resources", ResourcesOf(spec.limits)},
      {"volumeMounts", MountsOf(spec)},
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}}}};
  if (!spec.command.empty()) container["command"] = spec.command;
  if (!spec.arguments.empty()) container["args"] = spec.arguments;
  return container;
}

Json TolerationsOf(const model::KubernetesLauncher& launcher) {
  Json tolerations = Json::array();
  for (const model::Toleration& given : launcher.tolerations) {
    Json one{{"operator", given.value ? "Equal" : "Exists"}};
    if (!given.key.empty()) one["key"] = given.key;
    if (given.value) one["value"] = *given.value;
    if (!given.effect.empty()) one["effect"] = given.effect;
    if (given.seconds) one["tolerationSeconds"] = *given.seconds;
    tolerations.push_back(one);
  }
  return tolerations;
}

Json PodOf(const ports::ContainerSpec& spec, const model::KubernetesLauncher& launcher) {
  Json pod{{"restartPolicy", "Never"},
           {"automountServiceAccountToken", !spec.account.empty()},
           {"enableServiceLinks", false},
           {"terminationGracePeriodSeconds", kGraceSeconds},
           {"securityContext", {{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
           {"containers", {ContainerOf(spec)}},
           {"volumes", VolumesOf(spec)}};
  if (!spec.account.empty()) pod["serviceAccountName"] = spec.account;
  for (const std::string& name : launcher.pull) pod["imagePullSecrets"].push_back({{"name", name}});
  if (!launcher.node_selector.empty()) pod["nodeSelector"] = launcher.node_selector;
  if (!launcher.tolerations.empty()) pod["tolerations"] = TolerationsOf(launcher);
  return pod;
}

std::string TextOf(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string SecretOf(const ports::ContainerSpec& spec) {
  Json data = Json::object();
  for (const auto& [name, value] : spec.environment) data[name] = Base64(value);
  size_t index = 0;
  for (const auto& [place, content] : spec.files) data[FileKey(index++, place)] = Base64(content);
  return TextOf({{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"type", "Opaque"},
                 {"immutable", true},
                 {"metadata", MetadataOf(spec)},
                 {"data", data}});
}

std::map<std::string, std::string> EnvironmentIn(const std::string& secret) {
  const Json found = Json::parse(secret, nullptr, false);
  const Json data = found.is_object() ? found.value("data", Json()) : Json();
  if (!data.is_object()) throw base::Error("container", "the cluster gave a Secret that is none").Retryable();
  std::map<std::string, std::string> environment;
  for (const auto& [name, value] : data.items())
    if (!name.starts_with('.')) environment[name] = FromBase64(value.is_string() ? value.get<std::string>() : "");
  return environment;
}

std::string JobOf(const ports::ContainerSpec& spec, const model::KubernetesLauncher& launcher) {
  Json metadata = MetadataOf(spec);
  for (const auto& [name, value] : launcher.labels) metadata["labels"].emplace(name, value);
  // What moves a pod off its node ends the run, as a failure of its own; Yellow decides whether to try again.
  const Json disrupted{{"action", "FailJob"},
                       {"onPodConditions", {{{"type", "DisruptionTarget"}, {"status", "True"}}}}};
  Json job{{"backoffLimit", 0},
           {"ttlSecondsAfterFinished", kDay},
           {"podReplacementPolicy", "Failed"},
           {"podFailurePolicy", {{"rules", {disrupted}}}},
           {"template",
            {{"metadata", {{"labels", metadata["labels"]}, {"annotations", spec.labels}}},
             {"spec", PodOf(spec, launcher)}}}};
  if (spec.limit_seconds > 0) job["activeDeadlineSeconds"] = spec.limit_seconds;
  return TextOf({{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", metadata}, {"spec", job}});
}

std::string OwnerPatch(const std::string& job, const std::string& uid) {
  const Json owner{{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"name", job}, {"uid", uid}};
  return TextOf({{"metadata", {{"ownerReferences", {owner}}}}});
}

}  // namespace yellow::adapters::kubernetes
