#include "run/space.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "plan/doctor_server.h"
#include "run/ask.h"
#include "sql/names.h"
#include "sql/statement.h"

namespace yellow::run {
namespace {

constexpr const char* kOwed = R"(
SELECT o.request, o.scope, coalesce(string_agg(t.name, ', ' ORDER BY t.place) FILTER (WHERE to_regclass(t.name) IS NOT NULL), ''),
       to_char(o.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), array_to_string(o.held_back_by, ', ')
FROM yellow_access.space_owed() o, unnest(o.tables) WITH ORDINALITY t (name, place) GROUP BY o.request, o.scope, o.since, o.held_back_by
ORDER BY o.since, o.request)";

std::string RecordOf(const std::string& request) {
  return "SELECT yellow_access.space_given_back(" + sql::Literal(request) + ")";
}

}  // namespace

std::vector<OwedSpace> FindOwedSpace(ports::Session& session) {
  const ports::Rows rows = session.Execute(kOwed);
  std::vector<OwedSpace> owed;
  for (size_t i = 0; i < rows.size(); ++i)
    owed.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3), rows.Text(i, 4)});
  return owed;
}

// Without FREEZE it leaves out a page that somebody is reading, and with it waits until they have gone on. Without
// INDEX_CLEANUP the server leaves the keys in the indexes when few pages have removed rows.
std::string VacuumOf(const std::string& tables) { return "VACUUM (ANALYZE, FREEZE, INDEX_CLEANUP ON) " + tables; }

bool SpaceKeeper::GiveBack(const Effects& effects, const std::string& container, const std::string& prefix) {
  std::unique_ptr<ports::Session> owner;
  bool all = false;
  try {
    owner = effects.connector.Open(effects.endpoints.Service(container, ports::ServiceRole::kMigrator, "space"));
    WorkOn(owner.get());
    owner->Execute("SET ROLE " + sql::Quoted(sql::Roles(prefix).Owner()));
    all = GiveBackAll(effects, *owner);
  } catch (const base::Error& error) {
    if (!Stopped())
      Say(effects, container + ": the space of removed rows is not given back yet (yellow doctor): " +
                       std::string(error.what()));
  }
  WorkOn(nullptr);
  return all;
}

/// What is owed is asked anew before each. Nobody gets a snapshot that is older than those there are, so when none of
/// these sees the rows, VACUUM takes them.
bool SpaceKeeper::GiveBackAll(const Effects& effects, ports::Session& owner) {
  bool all = true;
  std::set<std::string> tried;
  while (!Stopped()) {
    const std::vector<OwedSpace> owed = FindOwedSpace(owner);
    const auto next =
        std::find_if(owed.begin(), owed.end(), [&](const OwedSpace& one) { return tried.count(one.request) == 0; });
    if (next == owed.end()) return all;
    tried.insert(next->request);
    if (!next->held_back_by.empty()) {
      Say(effects, next->scope + " of request " + next->request + ": the space of its rows is given back later; " +
                       next->held_back_by + " may still see them");
      all = false;
      continue;
    }
    if (!next->tables.empty()) owner.Execute(VacuumOf(next->tables));
    owner.Execute(RecordOf(next->request));
  }
  return false;
}

void SpaceKeeper::Say(const Effects& effects, const std::string& line) {
  if (said_.insert(line).second) effects.reporter.Line(line);
}

void SpaceKeeper::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (at_work_ != nullptr) at_work_->Cancel();
}

bool SpaceKeeper::Stopped() {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void SpaceKeeper::WorkOn(ports::Session* session) {
  const std::lock_guard lock(mutex_);
  at_work_ = session;
}

plan::Findings ExamineSpace(ports::Session& session, const MergePlace& place) {
  const std::string key = "space/" + place.info.container;
  const auto owed = Ask(session, [](ports::Session& s) { return FindOwedSpace(s); });
  if (!owed.facts) return {plan::Skipped(key, owed.why_not)};
  std::vector<plan::SpaceFacts> facts;
  for (const OwedSpace& one : *owed.facts)
    facts.push_back({one.request, one.since, one.held_back_by, one.tables.empty() ? "" : VacuumOf(one.tables),
                     RecordOf(one.request)});
  return plan::JudgeSpace(place.info.container, facts, sql::Roles(place.prefix).Migrator(), place.administrator);
}

}  // namespace yellow::run
