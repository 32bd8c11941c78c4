#pragma once

// The cluster that YELLOW_KUBERNETES names (ctest starts it), for tests.

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "adapters/kubernetes/client.h"

namespace yellow::adapters::kubernetes {

inline std::optional<std::string> ReadFromDisk(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The path of its kubeconfig. Throws when there is none.
inline std::string Kubeconfig() {
  const char* const folder = std::getenv("YELLOW_KUBERNETES");
  const std::string path = std::string(folder == nullptr ? "/no-cluster-was-named" : folder) + "/kubeconfig";
  if (!ReadFromDisk(path)) throw std::runtime_error(path + ": no cluster; start one with tests/kubernetes/cluster up, and name its folder in YELLOW_KUBERNETES");
  return path;
}

inline Access Administrator() { return ReadKubeconfig(ReadFromDisk(Kubeconfig()).value(), Kubeconfig(), "", &ReadFromDisk); }

template <typename Ready>
void WaitUntil(const std::string& what, const Ready& ready) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!ready()) {
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error(what + ": not within a minute");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

inline void RemoveNamespace(const std::string& name) { Client(Administrator(), &ReadFromDisk).Delete("/api/v1/namespaces/" + name, ""); }

/// A new one of this name, with the pod security standard `restricted`, once it can have pods.
inline void MakeNamespace(const std::string& name) {
  RemoveNamespace(name);
  Client client(Administrator(), &ReadFromDisk);
  const std::string path = "/api/v1/namespaces/" + name;
  WaitUntil("the namespace of an earlier test goes", [&] { return client.Get(path).outcome == Outcome::kNotFound; });
  client.Create("/api/v1/namespaces", nlohmann::json{{"metadata", {{"name", name}, {"labels", {{"pod-security.kubernetes.io/enforce", "restricted"}}}}}}.dump());
  WaitUntil("the service account", [&] { return client.Get(path + "/serviceaccounts/default").outcome == Outcome::kDone; });
}

}  // namespace yellow::adapters::kubernetes
