#pragma once

#include <map>
#include <optional>
#include <string>

#include "plan/desired.h"
#include "ports/database.h"

namespace yellow::run {

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

/// Nothing when none was applied. Throws base::Error code "newer_schema" when a newer program has been here, and
/// "older_schema" when Yellow's own schema must be migrated first, which apply does.
std::optional<StoredModel> LoadApplied(ports::Session& session);

/// Version of Yellow's own schema, 0 when it is not there. Throws base::Error code "newer_schema".
int SchemaVersion(ports::Session& session);

/// The version of the newest applied model. REQUIRES: SchemaVersion is not 0.
int NewestVersion(ports::Session& session);

/// The same as LoadApplied, of a schema that may be older than the program.
std::optional<StoredModel> NewestModel(ports::Session& session);

}  // namespace yellow::run
