#include "cli/saved_plan.h"

#include <nlohmann/json.hpp>

namespace yellow::cli {

std::string SavedFingerprint(std::string_view text, const std::string& container) {
  const auto saved = nlohmann::json::parse(text, nullptr, false);
  if (!saved.is_array()) return "";
  for (const auto& plan : saved) {
    if (!plan.is_object() || plan.value("key", nlohmann::json()) != container) continue;
    const auto fingerprint = plan.find("fingerprint");
    return fingerprint == plan.end() || !fingerprint->is_string() ? "" : fingerprint->get<std::string>();
  }
  return "";
}

}  // namespace yellow::cli
