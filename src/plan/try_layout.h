#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plan/physical.h"

/// A transformer on today's data without a trace: views of its workspace and tables for its output in a schema of their
/// own, beside what is applied.
namespace yellow::plan {

/// Schema and login of a try are named after its run's id.
std::string TrySchema(const std::string& run_id);

struct TryLayout {
  Transformer transformer;              ///< with the views and tables of the try
  std::vector<std::string> statements;  ///< as the owner; the schema and the login are there
  std::map<std::string, std::optional<sql::TableLayout>> committed;  ///< output dataset -> what is applied of it
};

/// `candidate` holds the one transformer that is tried (see AloneWithReader), from files that may not be applied yet;
/// `applied` what is there. Or why it cannot be tried: inputs that are not there as the files want them.
std::variant<TryLayout, std::vector<std::string>> LayTry(const Physical& candidate, const Physical& applied,
                                                         const std::string& prefix, const std::string& run_id);

}  // namespace yellow::plan
