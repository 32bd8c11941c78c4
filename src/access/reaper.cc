#include "access/reaper.h"

#include <algorithm>
#include <optional>

#include "access/login.h"
#include "access/store.h"
#include "base/error.h"

namespace yellow::access {
namespace {

constexpr const char* kOver = "its time is over";
constexpr std::chrono::seconds kQuiet{3};

/// Nothing when the request is not for a cluster.
std::optional<model::Scope> ScopeInCluster(const Request& request) {
  auto scope = model::ParseScope(request.content.scope);
  if (scope && scope->kind != model::ScopeKind::kKubernetes) scope.reset();
  return scope;
}

bool WaitsToBeClosed(RequestState state) {
  return state == RequestState::kExpired || state == RequestState::kRevoked || state == RequestState::kReleased;
}

bool HasSession(const Request& request, const std::string& id) {
  return std::any_of(request.sessions.begin(), request.sessions.end(),
                     [&](const AccessSession& session) { return session.id == id; });
}

}  // namespace

/// What the request has in a cluster, if that is what it is for; nothing was made there before its first session. It is
/// read again, as one may have begun just before its end. REQUIRES: the request has ended, so that none begins any
/// more.
void Reaper::CloseCluster(Store& store, const std::string& id) const {
  const auto request = store.Find(id);
  if (!request || request->sessions.empty()) return;
  if (const auto scope = ScopeInCluster(*request)) effects_.cluster()->Close(scope->object, id);
}

/// What a session whose service was killed may have made there after its request had ended, and was closed.
void Reaper::CloseClusterOf(Store& store, const std::string& session) const {
  for (const Request& request : store.All()) {
    if (request.state == RequestState::kActive || !HasSession(request, session)) continue;
    try {
      CloseCluster(store, request.id);
    } catch (const base::Error&) {
      // A request that still waits for the cluster goes on trying; its session has ended all the same.
      if (!WaitsToBeClosed(request.state)) throw;
    }
  }
}

/// All that is due for one request; each part is recorded when it is done, and may be done twice.
void Reaper::Step(ports::Session& session, const Request& request) const {
  Store store(session, request.container);
  TemporaryLogin login(session, role_prefix_, request.id);
  switch (request.state) {
    case RequestState::kPending:
    case RequestState::kApproved:
      store.Lapse(request.id);
      return;
    case RequestState::kActive:
      store.Finish(request.id, "yellow", RequestState::kExpired, kOver);
      [[fallthrough]];
    case RequestState::kExpired:
    case RequestState::kRevoked:
    case RequestState::kReleased:
      CloseCluster(store, request.id);
      store.Disabled(request.id, login.Quiesce(effects_.clock));
      [[fallthrough]];
    case RequestState::kDisabled:
      login.Quiesce(effects_.clock);
      login.Drop();
      store.Dropped(request.id, ReviewWithin(request.content));
      effects_.report("Access " + request.id + " of " + request.content.person + " to " + request.content.scope +
                      " is over, and its login is gone");
      return;
    case RequestState::kDropped:
    case RequestState::kInReview:
    case RequestState::kAccepted:
    case RequestState::kEscalated:
    case RequestState::kDenied:
    case RequestState::kWithdrawn:
    case RequestState::kLapsed:
      return;
  }
}

std::unique_ptr<ports::Session> Reaper::Open(const std::string& container) const {
  return effects_.connector.Open(effects_.endpoints.Service(container, ports::ServiceRole::kAccess, "reaper"));
}

/// False when something is in the way. On a session of its own, so that what is wrong with one keeps no other.
bool Reaper::TryStep(const std::string& container, const std::string& id, std::vector<std::string>& in_the_way) const {
  try {
    const auto session = Open(container);
    const auto request = Store(*session, container).Find(id);
    if (request) Step(*session, *request);
  } catch (const base::Error& error) {
    if (error.sqlstate == "55000") return true;  // another yellow was faster
    in_the_way.push_back("the access of request " + id + " has to end and does not: " + error.what());
    return false;
  }
  return true;
}

void Reaper::LookHere(const std::string& container, std::vector<std::string>& in_the_way) {
  std::unique_ptr<ports::Session>& watching = watching_[container];
  if (watching == nullptr) watching = Open(container);
  Store store(*watching, container);
  std::vector<std::string> of_cluster;
  for (const Store::Due& due : store.WhatIsDue()) {
    const auto request = store.Find(due.request);
    if (request && ScopeInCluster(*request) && !request->sessions.empty())
      of_cluster.push_back(due.request);
    else
      TryStep(container, due.request, in_the_way);
  }
  // Last, and no more of them when one has failed: a cluster that does not answer must not keep a login alive.
  for (const std::string& id : of_cluster)
    if (!TryStep(container, id, in_the_way)) break;
  CloseSessions(*watching, container, in_the_way);
}

/// Nothing is left of a session whose service was killed but its recording, which ends where it was: as soon as it has
/// not changed for a while.
void Reaper::CloseSessions(ports::Session& session, const std::string& container,
                           std::vector<std::string>& in_the_way) {
  Store store(session, container);
  for (const Store::OpenSession& open : store.OpenSessions()) {
    if (open.holder == effects_.holder || (effects_.may_be_alive(open.holder) && !open.is_over)) continue;
    session.Execute({"SELECT yellow_sec.tmp_end_some($1, $2)", {open.request, open.processes}});
    const auto recording = FactsOf(effects_.files, effects_.data + "/" + open.recording);
    const auto statements = FactsOf(effects_.files, effects_.data + "/" + StatementsOf(open.recording));
    const std::string digest = (recording ? recording->sha256 : "") + (statements ? statements->sha256 : "");
    Left& left = left_[open.id];
    const ports::TimePoint now = effects_.clock.Now();
    if (left.digest != digest || left.since == ports::TimePoint{}) left = {digest, now};
    if (now - left.since < kQuiet) continue;
    try {
      CloseClusterOf(store, open.id);
    } catch (const base::Error& error) {
      in_the_way.push_back("session " + open.id + " may have left something in the cluster: " + error.what());
      continue;
    }
    store.SessionEnded(open.id,
                       recording ? "its service was killed" : "its service was killed, and its recording is elsewhere",
                       recording, statements);
    left_.erase(open.id);
  }
}

std::vector<std::string> Reaper::Look() {
  std::vector<std::string> in_the_way;
  for (const std::string& container : containers_) {
    try {
      LookHere(container, in_the_way);
    } catch (const base::Error& error) {
      watching_.erase(container);
      in_the_way.push_back("the access of " + container + " cannot be looked after: " + base::Describe(error));
    }
  }
  return in_the_way;
}

}  // namespace yellow::access
