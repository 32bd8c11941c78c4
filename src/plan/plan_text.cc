#include "base/digest.h"
#include "plan/plan.h"
#include "sql/control_schema.h"

// A plan as people and programs read it.
namespace yellow::plan {

std::string ToText(const Plan& plan) {
  std::string out;
  const std::string version = std::to_string(sql::kControlSchemaVersion);
  if (plan.schema_version == 0) {
    out += "+ install           yellow                                       Yellow's own state, version " + version +
           "\n";
  } else if (plan.migrates()) {
    out += "~ migrate           yellow                                       Yellow's own state is version " +
           std::to_string(plan.schema_version) + ", this program needs " + version + "\n";
  }
  for (const Step& step : plan.steps) {
    const char sign =
        step.destroys                                                                                          ? '!'
        : step.kind.starts_with("create") || step.kind.starts_with("grant") || step.kind.starts_with("admit")  ? '+'
        : step.kind.starts_with("drop") || step.kind.starts_with("revoke") || step.kind.starts_with("dismiss") ? '-'
                                                                                                               : '~';
    const auto padded = [](const std::string& text, size_t width) {
      return text + std::string(text.size() < width ? width - text.size() : 0, ' ');
    };
    out += std::string(1, sign) + " " + padded(step.kind, 17) + " " + padded(step.address, 44) + " " + step.reason +
           (step.destroys ? " (destroys data: needs --allow-destroy)" : "") + "\n";
  }
  if (plan.new_model) out += "~ store model       version " + std::to_string(plan.base_version + 1) + "\n";
  return out;
}

std::string Fingerprint(const Plan& plan) {
  std::string all =
      std::to_string(plan.base_version) + "\n" + plan.model_digest + "\n" + std::to_string(plan.schema_version) + "\n";
  for (const Step& step : plan.steps) {
    all += step.kind + "\n" + step.address + "\n";
    for (const std::string& statement : step.statements) all += statement + "\n";
  }
  return base::Sha256Hex(all);
}

}  // namespace yellow::plan
