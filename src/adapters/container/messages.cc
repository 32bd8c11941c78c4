#include "adapters/container/messages.h"

#include <sodium.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace yellow::adapters::container {
namespace {

using Json = nlohmann::json;

constexpr const char* kNobody = "65532:65532";
constexpr size_t kLogHeader = 8;
constexpr const char* kEngineLog = "64m";  // what an engine keeps of a container's output, beside our own file

/// True for `1000` and `1000:1000`, but not for `0`, `0:5`, `app`.
bool IsUnprivilegedNumber(const std::string& user) {
  const std::string number = user.substr(0, user.find(':'));
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  return error == std::errc() && end == number.data() + number.size() && value != 0 &&
         user.find_first_not_of("0123456789:") == std::string::npos;
}

Json HostConfig(const ports::ContainerSpec& spec) {
  Json mounts = Json::array();
  for (const auto& [place, from] : spec.mounts)
    mounts.push_back({{"Type", "bind"}, {"Source", from}, {"Target", place}, {"ReadOnly", true}});
  const model::Resources& limits = spec.limits;
  Json host{{"NetworkMode", spec.network},
            {"Mounts", mounts},
            {"ReadonlyRootfs", true},
            {"Tmpfs", {{"/tmp", "rw,nosuid,nodev,mode=1777,size=" + std::to_string(limits.scratch)}}},
            {"CapDrop", {"ALL"}},
            {"SecurityOpt", {"no-new-privileges"}},
            {"Memory", limits.memory},
            {"MemorySwap", limits.memory},
            {"NanoCpus", limits.millicores * 1000000},
            {"PidsLimit", limits.processes},
            {"LogConfig", {{"Type", "json-file"}, {"Config", {{"max-size", kEngineLog}}}}},
            {"RestartPolicy", {{"Name", "no"}}}};
  if (limits.requested_memory) host["MemoryReservation"] = *limits.requested_memory;
  if (limits.requested_millicores) host["CpuShares"] = std::max<int64_t>(2, *limits.requested_millicores * 1024 / 1000);
  return host;
}

}  // namespace

std::string CreateBody(const ports::ContainerSpec& spec, const std::string& image_user) {
  Json environment = Json::array();
  for (const auto& [name, value] : spec.environment) environment.push_back(name + "=" + value);
  Json body{{"Image", spec.image},
            {"Env", environment},
            {"Labels", spec.labels},
            {"User", IsUnprivilegedNumber(image_user) ? image_user : kNobody},
            {"HostConfig", HostConfig(spec)}};
  if (!spec.command.empty()) body["Entrypoint"] = spec.command;
  if (!spec.arguments.empty() || !spec.command.empty()) body["Cmd"] = spec.arguments;
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string RegistryLogin(const ports::CredentialValue& login, std::string_view image) {
  const Json body{{"username", login.user},
                  {"password", login.password.empty() ? login.token.Reveal() : login.password.Reveal()},
                  {"serveraddress", std::string(image.substr(0, image.find('/')))}};
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string encoded(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_URLSAFE), '\0');
  sodium_bin2base64(encoded.data(), encoded.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                    sodium_base64_VARIANT_URLSAFE);
  encoded.resize(encoded.find('\0'));
  return "X-Registry-Auth: " + encoded;
}

ports::ContainerState StateOf(const std::string& json) {
  const Json found = Json::parse(json, nullptr, false);
  if (found.is_discarded() || !found.contains("State") || !found["State"].is_object())
    throw base::Error("engine", "the container engine gave an answer that is none").Retryable();
  const Json& state = found["State"];
  ports::ContainerState one;
  const std::string status = state.value("Status", "");
  one.started = status != "created" && status != "configured" && status != "initialized";
  one.running = state.value("Running", false) || status == "stopping" || status == "paused" || status == "restarting";
  one.exit_status = state.value("ExitCode", 0);
  one.out_of_memory = state.value("OOMKilled", false);
  const Json labels = found.value("Config", Json::object()).value("Labels", Json());
  if (labels.is_object()) {
    for (const auto& [name, value] : labels.items())
      if (value.is_string()) one.labels[name] = value.get<std::string>();
  }
  return one;
}

std::map<std::string, std::string> EnvironmentOf(const std::string& json) {
  const Json found = Json::parse(json, nullptr, false);
  const Json variables = found.is_object() ? found.value("/Config/Env"_json_pointer, Json()) : Json();
  if (!variables.is_array())
    throw base::Error("engine", "the container engine gave an answer that is none").Retryable();
  std::map<std::string, std::string> environment;
  for (const Json& variable : variables) {
    const std::string text = variable.is_string() ? variable.get<std::string>() : "";
    if (const size_t equals = text.find('='); equals != std::string::npos)
      environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

int ProcessOf(const std::string& json) {
  const Json found = Json::parse(json, nullptr, false);
  if (!found.is_object() || !found.contains("State") || !found["State"].is_object()) return 0;
  return found["State"].value("Pid", 0);
}

std::string MessageOf(const std::string& body) {
  const Json refused = Json::parse(body, nullptr, false);
  if (!refused.is_object() || !refused.contains("message") || !refused["message"].is_string()) return body;
  return refused["message"].get<std::string>();
}

std::string LogStream::Take(std::string_view bytes) {
  std::string printed;
  while (!bytes.empty()) {
    if (left_ > 0) {
      const size_t part = std::min(left_, bytes.size());
      printed += bytes.substr(0, part);
      bytes.remove_prefix(part);
      left_ -= part;
      continue;
    }
    const size_t part = std::min(kLogHeader - header_.size(), bytes.size());
    header_ += bytes.substr(0, part);
    bytes.remove_prefix(part);
    if (header_.size() < kLogHeader) break;
    for (size_t i = 4; i < kLogHeader; ++i) left_ = left_ << 8 | static_cast<unsigned char>(header_[i]);
    header_.clear();
  }
  return printed;
}

}  // namespace yellow::adapters::container
