#include "cli/saved_plan.h"

#include <nlohmann/json.hpp>

namespace yellow::cli {

std::string SavedFingerprint(std::string_view text, const std::string& container) {
  const auto saved = nlohmann::json::parse(text, nullptr, false);
  if (!saved.is_object()) return "";
  const auto plan = saved.find(container);
  if (plan == saved.end() || !plan->is_object()) return "";
  const auto fingerprint = plan->find("fingerprint");
  return fingerprint == plan->end() || !fingerprint->is_string() ? "" : fingerprint->get<std::string>();
}

}  // namespace yellow::cli
