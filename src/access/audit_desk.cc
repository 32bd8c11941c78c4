#include "access/audit_desk.h"

#include <chrono>
#include <mutex>
#include <set>

#include "base/error.h"

namespace yellow::access {
namespace {

constexpr int kReaders = 4;               // at once
constexpr int kReadersOfOne = 2;          // of them, of one person
constexpr int kMostWaitingHere = 10'000;  // records without a place in the chain, for one reader
constexpr std::chrono::milliseconds kFollowPause{500};
constexpr int kLooksBetweenChecks = 4;

tl::unexpected<Refusal> NotGiven(Refusal refusal) { return tl::unexpected<Refusal>(std::move(refusal)); }

}  // namespace

struct AuditDesk::Log {
  AuditPlace place;
  std::string person, folder;
  int64_t waiting = 0;  ///< records without a place in the chain
  std::unique_ptr<ports::Session> session;

  int64_t RecordReading(const std::string& how, JsonValue::Object details) const {
    details["how"] = {how};
    return AddRecord(*session, person, "audit.read", place.container, details);
  }
};

/// Who reads, by name.
struct AuditDesk::Readers {
  std::mutex mutex;
  std::multiset<std::string> people;
};

AuditDesk::AuditDesk(Effects effects, AuditEffects audit, std::function<AuditPlace(const std::string&)> place_of,
                     std::function<bool()> ends)
    : effects_(std::move(effects)),
      audit_(audit),
      place_of_(std::move(place_of)),
      ends_(std::move(ends)),
      readers_(std::make_shared<Readers>()) {}

Result<std::shared_ptr<void>> AuditDesk::TakePlace(const std::string& person) {
  const std::lock_guard lock(readers_->mutex);
  const auto busy = [](const std::string& text) {
    return NotGiven({Refusal::Kind::kUnavailable, "busy", text, "try again in a while"});
  };
  if (readers_->people.count(person) >= kReadersOfOne)
    return busy(person + " is reading the audit log " + std::to_string(kReadersOfOne) +
                " times through this service, which is as often as one person can");
  if (readers_->people.size() >= kReaders)
    return busy(std::to_string(kReaders) +
                " times the audit log is being read through this service, which is as often as can be");
  const auto place = readers_->people.insert(person);
  return std::shared_ptr<void>(readers_.get(), [readers = readers_, place](void*) {
    const std::lock_guard leave(readers->mutex);
    readers->people.erase(place);
  });
}

Result<AuditDesk::Logs> AuditDesk::Open(const std::string& identity, const std::string& container) const {
  Logs logs;
  bool known = false;
  std::string names;
  for (const auto& place : effects_.places()) {
    names += (names.empty() ? "" : ", ") + place->container;
    const model::Person* person = PersonOf(place->model, identity);
    if (person == nullptr) continue;
    known = true;
    if (const auto refusal = MayReadAudit(*person)) return NotGiven(*refusal);
    if (!container.empty() && place->container != container) continue;
    auto log = std::make_shared<Log>();
    log->place = place_of_(place->container);
    log->person = person->name;
    log->session =
        effects_.connector.Open(effects_.endpoints.Service(place->container, ports::ServiceRole::kAccess, "audit"));
    SetIdentity(*log->session, identity);
    const StoredHead head = ReadHead(*log->session);
    log->folder = FolderOf(log->place, head.chain);
    log->waiting = head.unchained;
    logs.push_back(std::move(log));
  }
  if (!known) return NotGiven(UnknownPerson(identity));
  if (logs.empty())
    return NotGiven({Refusal::Kind::kNotFound, "container", "no merge database is called so", "name one of: " + names});
  return logs;
}

std::optional<Refusal> AuditDesk::IsOne(const Logs& logs) const {
  if (logs.size() == 1) return std::nullopt;
  return Refusal{Refusal::Kind::kInvalid, "container", "several merge databases have an audit log",
                 "name one: --container " + logs.front()->place.container};
}

std::optional<Refusal> AuditDesk::CanBeRead(const Logs& logs) {
  for (const auto& log : logs)
    if (log->waiting > kMostWaitingHere)
      return Refusal{Refusal::Kind::kState, "not_chained",
                     std::to_string(log->waiting) + " records of " + log->place.container +
                         " have no place in the chain yet, which are more than can be looked through",
                     "yellow serve chains them, unless another process holds the log, or yellow audit chain"};
  return std::nullopt;
}

bool AuditDesk::MayStillRead(const std::string& identity, const std::string& container) const {
  for (const auto& place : effects_.places()) {
    const model::Person* person = place->container == container ? PersonOf(place->model, identity) : nullptr;
    if (person != nullptr) return !MayReadAudit(*person);
  }
  return false;
}

Result<Parts<std::vector<StoredRecord>>> AuditDesk::Search(const std::string& identity, const std::string& container,
                                                           const AuditQuery& query) {
  const Result<Logs> logs = Open(identity, container);
  if (!logs) return NotGiven(logs.error());
  if (const auto refusal = CanBeRead(*logs)) return NotGiven(*refusal);
  const auto taken = TakePlace(logs->front()->person);
  if (!taken) return NotGiven(taken.error());
  std::vector<int64_t> readings;
  for (const auto& log : *logs) readings.push_back(log->RecordReading("search", WordsOf(query)));
  struct State {
    Logs logs;
    std::vector<int64_t> readings;
    size_t at = 0;
    std::optional<AuditScan> scan = {};
  };
  const auto state = std::make_shared<State>(State{*logs, std::move(readings)});
  return [this, taken = *taken, state, query = query]() mutable -> std::optional<std::vector<StoredRecord>> {
    while (state->at < state->logs.size()) {
      if (ends_()) throw base::Error("stopping", "the service is being stopped").Retryable();
      const Log& log = *state->logs[state->at];
      query.reading = state->readings[state->at];
      if (!state->scan) state->scan.emplace(audit_.log, *log.session, log.folder, query, kMostWaitingHere);
      if (auto found = state->scan->Next()) return found;
      state->scan.reset();
      ++state->at;
    }
    return std::nullopt;
  };
}

Result<Parts<std::vector<StoredRecord>>> AuditDesk::Tail(const std::string& identity, const std::string& container,
                                                         int lines, bool follow) {
  const Result<Logs> logs = Open(identity, container);
  if (!logs) return NotGiven(logs.error());
  if (const auto refusal = CanBeRead(*logs)) return NotGiven(*refusal);
  if (const auto refusal = follow ? IsOne(*logs) : std::nullopt) return NotGiven(*refusal);
  const auto taken = TakePlace(logs->front()->person);
  if (!taken) return NotGiven(taken.error());
  for (const auto& log : *logs) log->RecordReading(follow ? "follow" : "tail", {});
  struct State {
    Logs logs;
    size_t at = 0;
    std::optional<AuditFollower> follower = {};
    int looks = 0;
  };
  const auto state = std::make_shared<State>(State{*logs});
  return [this, taken = *taken, state, identity, lines, follow]() -> std::optional<std::vector<StoredRecord>> {
    if (state->follower) {
      effects_.clock.Sleep(kFollowPause);
      if (ends_()) throw base::Error("stopping", "the service is being stopped").Retryable();
      // Who is no auditor any more is told nothing more.
      if (++state->looks % kLooksBetweenChecks == 0 && !MayStillRead(identity, state->logs[0]->place.container))
        return std::nullopt;
      return state->follower->Next();
    }
    if (state->at == state->logs.size()) return std::nullopt;
    const Log& log = *state->logs[state->at++];
    std::vector<StoredRecord> newest =
        NewestRecords(audit_.log, *log.session, log.folder, static_cast<size_t>(lines), kMostWaitingHere);
    if (!follow) return newest;
    std::erase_if(newest, [](const StoredRecord& record) { return !record.head; });
    state->follower.emplace(audit_.log, log.folder,
                            newest.empty() ? ReadHead(*log.session).head.sequence : newest.back().head->sequence);
    return newest;
  };
}

Result<Parts<std::vector<Verified>>> AuditDesk::Verify(const std::string& identity, const std::string& container,
                                                       const VerifyOptions& options) {
  const Result<Logs> logs = Open(identity, container);
  if (!logs) return NotGiven(logs.error());
  const auto taken = TakePlace(logs->front()->person);
  if (!taken) return NotGiven(taken.error());
  for (const auto& log : *logs) log->RecordReading("verify", {});
  struct State {
    Logs logs;
    std::vector<Verified> found = {};
    std::optional<LogVerification> under_way = {};
    bool told = false;
  };
  const auto state = std::make_shared<State>(State{*logs});
  return [this, taken = *taken, state, options]() -> std::optional<std::vector<Verified>> {
    if (state->told) return std::nullopt;
    if (ends_()) throw base::Error("stopping", "the service is being stopped").Retryable();
    const Log& log = *state->logs[state->found.size()];
    if (!state->under_way) state->under_way.emplace(audit_, *log.session, log.place, options);
    if (state->under_way->Step()) return std::vector<Verified>{};
    state->found.push_back(state->under_way->Result());
    state->under_way.reset();
    if (state->found.size() < state->logs.size()) return std::vector<Verified>{};
    state->told = true;
    return std::move(state->found);
  };
}

Result<AuditDesk::Text> AuditDesk::Export(const std::string& identity, const std::string& container) {
  const Result<Logs> logs = Open(identity, container);
  if (!logs) return NotGiven(logs.error());
  if (const auto refusal = IsOne(*logs)) return NotGiven(*refusal);
  const auto taken = TakePlace(logs->front()->person);
  if (!taken) return NotGiven(taken.error());
  const auto& log = logs->front();
  const LogExtent extent = ExtentOf(audit_.log, log->folder);
  // The hash of the last record is that of all that is given.
  log->RecordReading("export",
                     {{"bytes", {extent.bytes}}, {"hash", {extent.head.hash}}, {"sequence", {extent.head.sequence}}});
  return Text{extent.bytes,
              [this, taken = *taken, text = TextOf(audit_.log, log->folder, extent)]() -> std::optional<std::string> {
                if (ends_()) throw base::Error("stopping", "the service is being stopped").Retryable();
                std::string part = text();
                if (part.empty()) return std::nullopt;
                return part;
              }};
}

}  // namespace yellow::access
