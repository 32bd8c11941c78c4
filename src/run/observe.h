#pragma once

#include <map>
#include <optional>
#include <string>

#include "plan/desired.h"
#include "ports/database.h"

namespace yellow::run {

/// Version of Yellow's own schema that this program works with.
inline constexpr int kSchemaVersion = 1;

/// What the catalogue holds of Yellow's schemas (dp_*, ws_*), roles of `prefix`, grants and readers. `session` may be
/// any of Yellow's logins.
plan::Observed Observe(ports::Session& session, const std::string& prefix);

/// The newest applied model.
struct StoredModel {
  int version = 0;
  std::string environment;
  std::string digest;
  std::map<std::string, std::string> files;
};

/// Nothing when none was applied. Throws base::Error code "newer_schema" when a newer program has been here.
std::optional<StoredModel> LoadApplied(ports::Session& session);

}  // namespace yellow::run
