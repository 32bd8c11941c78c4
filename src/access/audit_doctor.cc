#include "access/audit_doctor.h"

#include <fmt/format.h>

#include "base/error.h"

namespace yellow::access {

plan::Findings ExamineAudit(const AuditEffects& effects, const AuditPlace& place) {
  const std::string key = "audit/" + place.container;
  plan::Findings findings;
  try {
    const auto session =
        effects.connector.Open(effects.endpoints.Service(place.container, ports::ServiceRole::kAccess, "doctor"));
    const StoredHead stored = ReadHead(*session);
    std::string text = fmt::format("{} records are chained", stored.head.sequence);
    if (stored.unchained > 0)
      text += fmt::format(", {} wait: yellow serve chains them, or yellow audit chain", stored.unchained);
    findings.push_back(plan::Well(key, text));
    for (const AnchorState& anchor : ReadAnchorStates(*session)) {
      const std::string of_anchor = key + "/" + anchor.target;
      findings.push_back(anchor.failure.empty()
                             ? plan::Well(of_anchor, fmt::format("noted up to {}", anchor.sequence))
                             : plan::Finding{of_anchor, plan::Health::kProblem, "anchor", anchor.failure,
                                             "mend it, or change audit: in the environment; then: yellow audit chain"});
    }
  } catch (const base::Error& error) {
    findings.push_back(plan::Skipped(key, error.what()));
  }
  return findings;
}

}  // namespace yellow::access
