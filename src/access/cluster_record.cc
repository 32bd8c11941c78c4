#include "access/cluster_record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "access/flags.h"

namespace yellow::access {
namespace {

using ClusterJson = nlohmann::ordered_json;

constexpr int kFirstRefusal = 400;
/// What makes a stream of a call, of which the API server sees the beginning only.
constexpr std::array<std::string_view, 4> kStreams{"exec", "attach", "portforward", "proxy"};

std::string PathIn(const std::string& target) { return target.substr(0, target.find('?')); }

/// As the API server reads it: whatever is written as %XX counts as what it stands for.
std::string Decoded(const std::string& part) {
  std::string text;
  for (size_t at = 0; at < part.size(); ++at) {
    unsigned char byte = 0;
    const char* digits = part.data() + at + 1;
    const bool coded =
        part[at] == '%' && at + 2 < part.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    text += coded ? static_cast<char>(byte) : part[at];
    if (coded) at += 2;
  }
  return text;
}

/// Its parts, decoded.
std::vector<std::string> PartsOf(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(Decoded(path.substr(at, end - at)));
    at = end + 1;
  }
  return parts;
}

bool Reads(const std::string& method) { return method == "GET" || method == "HEAD"; }

std::set<Flag> FlagsOfCall(const ports::ClusterEvent& call, const std::string& name_space) {
  std::set<Flag> flags;
  const std::vector<std::string> parts = PartsOf(PathIn(call.target));
  const auto named = std::find(parts.begin(), parts.end(), "namespaces");
  // Without a namespace: what a cluster tells of itself to everybody (/version, /api/v1, /apis/apps/v1), or all of it.
  const bool named_here = named != parts.end() && named + 1 != parts.end() && *(named + 1) == name_space;
  const bool of_all =
      !parts.empty() && ((parts[0] == "api" && parts.size() > 2) || (parts[0] == "apis" && parts.size() > 3));
  const bool elsewhere = named == parts.end() ? of_all : !named_here;
  if (elsewhere) flags.insert(Flag::kOutsideScope);
  if (!parts.empty() && std::find(kStreams.begin(), kStreams.end(), parts.back()) != kStreams.end())
    flags.insert(Flag::kDoBlock);
  if (std::find(parts.begin(), parts.end(), "proxy") != parts.end()) flags.insert(Flag::kDoBlock);
  if (std::find(parts.begin(), parts.end(), "rbac.authorization.k8s.io") != parts.end() && !Reads(call.method))
    flags.insert(Flag::kRoleCommand);
  return flags;
}

ClusterJson NamesOf(const std::set<Flag>& flags) {
  ClusterJson names = ClusterJson::array();
  for (const Flag flag : flags) names.push_back(NameOf(flag));
  return names;
}

std::string Printed(const ClusterJson& one) { return one.dump(-1, ' ', false, ClusterJson::error_handler_t::replace); }

}  // namespace

std::string LineOf(const ports::ClusterEvent& event) {
  ClusterJson whole{{"client", event.client}, {"kind", event.status == 0 ? "call" : "answer"}};
  whole.update(ClusterJson{{"method", event.method}, {"target", event.target}});
  if (event.status != 0) whole["status"] = event.status;
  if (!event.refused.empty()) whole["refused"] = event.refused;
  return Printed(whole);
}

std::string FactOf(const ports::ClusterEvent& event, const std::string& name_space) {
  const bool answer = event.status != 0;
  ClusterJson whole{{"client", event.client}, {"number", answer ? 2 : 1}, {"kind", answer ? "answer" : "call"}};
  if (answer) whole["tag"] = std::to_string(event.status);
  std::set<Flag> flags;
  if (!answer || !event.refused.empty()) {
    whole["does"] = ClusterJson::array({event.method});
    whole["relations"] = ClusterJson::array({PathIn(event.target)});
    flags = FlagsOfCall(event, name_space);
  }
  if (event.status >= kFirstRefusal) flags.insert(Flag::kRefused);
  if (!event.refused.empty()) whole["why"] = event.refused;
  whole["flags"] = NamesOf(flags);
  return Printed(whole);
}

}  // namespace yellow::access
