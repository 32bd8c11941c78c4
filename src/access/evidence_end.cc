#include "access/evidence_end.h"

#include <fmt/format.h>

#include "access/store.h"
#include "base/error.h"

namespace yellow::access {
namespace {

constexpr int64_t kForEver = int64_t{1000} * 365 * 86400;  // what was recorded to go still does

/// The files of a session that are on this machine.
std::vector<std::string> FilesHere(const Effects& effects, const Store::DueEvidence& due) {
  std::vector<std::string> here;
  for (const std::string& file : {due.recording, due.statements})
    if (IsRecordingFile(file) && effects.files.Exists(effects.data + "/" + file))
      here.push_back(effects.data + "/" + file);
  return here;
}

}  // namespace

std::vector<std::string> EndEvidence(const Effects& effects, const Place& place) {
  std::vector<std::string> in_the_way;
  const auto& kept = place.model.ecosystem.retention.evidence;
  const auto session =
      effects.connector.Open(effects.endpoints.Service(place.container, ports::ServiceRole::kAccess, "evidence"));
  Store store(*session, place.container);
  for (const Store::DueEvidence& due : store.DueEvidenceOf(kept ? kept->seconds : kForEver)) {
    const std::vector<std::string> here = FilesHere(effects, due);
    if (here.empty()) continue;
    try {
      if (due.may_go) {
        for (const std::string& file : here) effects.files.RemoveTree(file);
      } else {
        store.DeleteEvidence(due.session);
        effects.report("The recordings of session " + due.session + " are kept no longer, as retention.evidence says");
      }
    } catch (const base::Error& error) {
      if (error.sqlstate == "55000") continue;  // another yellow was faster
      in_the_way.push_back(fmt::format("the recordings of session {} stay for now: {}", due.session, error.what()));
    }
  }
  return in_the_way;
}

}  // namespace yellow::access
