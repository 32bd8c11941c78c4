#include "access/reaper.h"

#include <algorithm>

#include "access/login.h"
#include "access/store.h"
#include "base/digest.h"
#include "base/error.h"

namespace yellow::access {
namespace {

constexpr const char* kOver = "its time is over";
constexpr std::chrono::seconds kQuiet{3};

bool HasSession(const Request& request, const std::string& id) {
  return std::any_of(request.sessions.begin(), request.sessions.end(),
                     [&](const AccessSession& session) { return session.id == id; });
}

}  // namespace

/// What the request has in a cluster, if that is what it is for.
void Reaper::CloseCluster(const Request& request) const {
  const auto scope = model::ParseScope(request.content.scope);
  if (scope && scope->kind == model::ScopeKind::kKubernetes) effects_.cluster()->Close(scope->object, request.id);
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
      CloseCluster(request);
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

void Reaper::LookHere(const std::string& container, std::vector<std::string>& in_the_way) {
  std::unique_ptr<ports::Session>& watching = watching_[container];
  if (watching == nullptr) watching = Open(container);
  for (const Store::Due& due : Store(*watching, container).WhatIsDue()) {
    try {  // each on a session of its own, so that what is wrong with one keeps no other
      const auto session = Open(container);
      const auto request = Store(*session, container).Find(due.request);
      if (request) Step(*session, *request);
    } catch (const base::Error& error) {
      if (error.sqlstate == "55000") continue;  // another yellow was faster
      in_the_way.push_back("the access of request " + due.request + " has to end and does not: " + error.what());
    }
  }
  CloseSessions(*watching, container);
}

/// Nothing is left of a session whose service was killed but its recording, which ends where it was: as soon as it has
/// not changed for a while.
void Reaper::CloseSessions(ports::Session& session, const std::string& container) {
  Store store(session, container);
  for (const Store::OpenSession& open : store.OpenSessions()) {
    if (open.holder == effects_.holder || (effects_.may_be_alive(open.holder) && !open.is_over)) continue;
    const std::optional<std::string> recording = effects_.read(open.recording);
    const std::string digest = recording ? base::Sha256Hex(*recording) : "";
    Left& left = left_[open.id];
    const ports::TimePoint now = effects_.clock.Now();
    if (left.digest != digest || left.since == ports::TimePoint{}) left = {digest, now};
    if (now - left.since < kQuiet) continue;
    // It may have been opened after its request was over, and its service have been killed before it saw that.
    for (const Request& request : store.All())
      if (request.state != RequestState::kActive && HasSession(request, open.id)) CloseCluster(request);
    store.SessionEnded(open.id,
                       recording ? "its service was killed" : "its service was killed, and its recording is elsewhere",
                       recording ? static_cast<int64_t>(recording->size()) : 0, digest);
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
