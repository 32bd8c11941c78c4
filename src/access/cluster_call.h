#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Which calls of a session go on to its cluster.
namespace yellow::access {

/// What a call says of itself, its head read strictly.
struct ClusterCall {
  std::string target;                                       ///< of origin form: /api/v1/pods?watch=true
  std::string upgrade;                                      ///< what its connection is to become; empty: it stays HTTP
  std::vector<std::pair<std::string, std::string>> fields;  ///< its headers
};

/// The parts of a target's path as the API server reads them, decoded: {"api", "v1", "pods"}. Nothing when a part is
/// `.` or `..` or is encoded wrongly.
std::optional<std::vector<std::string>> CallPathOf(std::string_view target);

/// Why a call must not reach the server whatever the session's account may do: it would bring a credential into the
/// session, or act as somebody else by one. Empty: it may.
std::string WhyNotPassedOn(const ClusterCall& call);

}  // namespace yellow::access
