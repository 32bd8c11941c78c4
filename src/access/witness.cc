#include "access/witness.h"

#include <exception>
#include <utility>

#include "access/cluster_record.h"
#include "access/wire_record.h"

namespace yellow::access {

Witness::Witness(std::unique_ptr<ports::SealedLog> log, std::unique_ptr<ports::Session> database, std::string session,
                 FlagRules rules, std::string name_space)
    : log_(std::move(log)),
      database_(std::move(database)),
      session_(std::move(session)),
      rules_(std::move(rules)),
      name_space_(std::move(name_space)) {}

template <typename Line, typename Fact>
bool Witness::Record(Line line, Fact fact) {
  try {
    log_->Add(line());
    const std::string kept = fact();
    if (!kept.empty()) database_->Execute({"SELECT yellow_access.stated($1, $2::jsonb)", {session_, kept}});
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

RecordingFacts Witness::Finish() {
  const ports::SealedFacts facts = log_->Finish();
  return {facts.bytes, facts.digest};
}

bool Witness::Take(const ports::WireEvent& event) {
  return Record([&] { return LineOf(event); }, [&] { return FactOf(event, rules_); });
}

bool Witness::Take(const ports::ClusterEvent& event) {
  return Record([&] { return LineOf(event); }, [&] { return FactOf(event, name_space_); });
}

}  // namespace yellow::access
