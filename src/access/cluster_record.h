#pragma once

#include <string>

#include "ports/cluster_access.h"

namespace yellow::access {

/// The whole event as a line of JSON, for the sealed file.
std::string LineOf(const ports::ClusterEvent& event);

/// What the audit log keeps of it: method, path and status; nothing of the query, in which the words of a command are.
/// `name_space`: the one that the request is for.
std::string FactOf(const ports::ClusterEvent& event, const std::string& name_space);

}  // namespace yellow::access
