#include "access/desk.h"

#include <algorithm>

#include "access/audit_store.h"
#include "access/store.h"
#include "base/error.h"

namespace yellow::access {
namespace {

using Kind = Refusal::Kind;

constexpr int kDigitsOfId = 16, kDigitsOfSalt = 32;

tl::unexpected<Refusal> No(Refusal refusal) { return tl::unexpected<Refusal>(std::move(refusal)); }

/// What the database has refused by its own rules; everything else is a failure of the service.
std::optional<Refusal> RefusedBy(const base::Error& error) {
  if (error.sqlstate == "42501") return Refusal{Kind::kForbidden, "refused", error.what()};
  if (error.sqlstate == "55000") return Refusal{Kind::kState, "state", error.what()};
  if (error.sqlstate == "P0002") return Refusal{Kind::kNotFound, "not_found", error.what()};
  return std::nullopt;
}

Refusal NoSuchRequest(const std::string& id) {
  const bool plain = id.find_first_not_of("0123456789abcdef") == std::string::npos;
  return {Kind::kNotFound, "not_found", "there is no such request" + (plain ? ": " + id : ""), "yellow access list"};
}

}  // namespace

bool Place::Has(const model::Scope& scope) const {
  if (scope.IsOfWorkspace()) return workspaces.count(scope.object) > 0;
  if (scope.IsOfDatastore()) return stores.count(scope.object) > 0;
  return true;
}

std::optional<Refusal> WhyNoCluster(const Effects& effects, const model::Scope& scope) {
  if (scope.kind != model::ScopeKind::kKubernetes) return std::nullopt;
  try {
    effects.cluster();
    return std::nullopt;
  } catch (const base::Error& error) {
    return Refusal{Kind::kUnavailable, "no_cluster",
                   "the service has no cluster that " + scope.Text() + " could be in: " + error.what(), error.remedy};
  }
}

std::unique_ptr<ports::Session> Desk::Open(const Place& place, const std::string& identity) const {
  auto session =
      effects_.connector.Open(effects_.endpoints.Service(place.container, ports::ServiceRole::kAccess, "access"));
  SetIdentity(*session, identity);
  return session;
}

std::optional<Refusal> Desk::AskTicketSystem(const Place& place, const model::Person& person,
                                             const Content& content) const {
  const auto& environment = place.model.environment;
  if (!environment || std::holds_alternative<std::monostate>(environment->tickets))
    return Refusal{Kind::kUnavailable, "no_ticket_system", "the environment has no ticket system, so nobody is let in",
                   "add to the environment: tickets: {file: tickets.json}; then yellow apply"};
  try {
    return Supports(person, content, effects_.tickets.Find(*environment, content.ticket));
  } catch (const base::Error& error) {
    return Refusal{Kind::kUnavailable, "tickets", error.what(), error.remedy};
  }
}

Result<Found> Desk::Find(const std::string& identity, const std::string& id) const {
  bool known = false;
  for (const auto& place : effects_.places()) {
    const model::Person* person = PersonOf(place->model, identity);
    if (person == nullptr) continue;
    known = true;
    if (const auto refusal = MaySee(*person)) return No(*refusal);
    auto session = Open(*place, identity);
    std::optional<Request> request = Store(*session, place->container).Find(id);
    if (request) return Found{place, person, identity, std::move(session), std::move(*request)};
  }
  return No(known ? NoSuchRequest(id) : UnknownPerson(identity));
}

template <typename Change>
Result<Request> Desk::Do(Found& found, Change change) const {
  Store store(*found.session, found.place->container);
  try {
    change(store);
  } catch (const base::Error& error) {
    if (auto refusal = RefusedBy(error)) return No(std::move(*refusal));
    throw;
  }
  return store.Find(found.request.id).value();
}

/// An erasure is of one merge database; whoever asks has to know that there are more.
std::optional<Refusal> Desk::IsInOnePlace(const Wanted& wanted) const {
  std::string all, first;
  int places = 0;
  for (const auto& place : effects_.places()) {
    const model::Scope* scope = ScopeOf(place->model, wanted.scope);
    if (scope == nullptr || scope->operation != model::Operation::kErase || !place->Has(*scope)) continue;
    all += (all.empty() ? "" : ", ") + place->container;
    if (first.empty()) first = place->container;
    ++places;
  }
  if (places < 2 || !wanted.container.empty()) return std::nullopt;
  return Refusal{Kind::kInvalid, "container",
                 "several merge databases have it, each of which is erased by itself: " + all,
                 "ask for each: --container " + first};
}

Result<Request> Desk::Ask(const std::string& identity, const Wanted& wanted) {
  const model::Person* person = nullptr;
  for (const auto& place : effects_.places()) {
    person = PersonOf(place->model, identity);
    if (person == nullptr || (!wanted.container.empty() && place->container != wanted.container)) continue;
    Content content{person->name,  wanted.scope,      wanted.seconds.value_or(0),
                    wanted.ticket, wanted.reason,     {},
                    wanted.kind,   wanted.parameters, {}};
    if (const auto refusal = MayAsk(place->model, *person, content)) return No(*refusal);
    content = Spelled(place->model, std::move(content));
    const model::Scope& scope = *ScopeOf(place->model, content.scope);
    if (!place->Has(scope)) continue;
    if (const auto refusal = IsInOnePlace(wanted)) return No(*refusal);
    if (const auto refusal = WhyNoCluster(effects_, scope)) return No(*refusal);
    if (!content.parameters.empty()) content.salt = effects_.entropy.Hex(kDigitsOfSalt);
    if (const auto refusal = AskTicketSystem(*place, *person, content)) return No(*refusal);
    content.grants = GrantsOf(scope, place->RolePrefix());
    Found found{place, person, identity, Open(*place, identity), {}};
    if (const auto refusal = Blocked(*person, Store(*found.session, place->container).All())) return No(*refusal);
    found.request.id = effects_.entropy.Hex(kDigitsOfId);
    return Do(found, [&](Store& store) {
      store.Ask(found.request.id, content, ApproversOf(scope, content.kind), kLapsesAfter);
    });
  }
  if (person == nullptr) return No(UnknownPerson(identity));
  return No(
      {Kind::kState, "not_realised", "what it is about is not realised anywhere yet: " + wanted.scope, "yellow apply"});
}

Result<Request> Desk::Edit(const std::string& identity, const std::string& id, const Wanted& wanted) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  Content content = found->request.content;
  if (content.person != found->person->name)
    return No({Kind::kForbidden, "not_yours", "only who has asked may change it"});
  // Before its parameters, which are forgotten at its end.
  if (const auto refusal = MayHappen(found->request, RequestEvent::kEdited)) return No(*refusal);
  if (wanted.seconds) content.seconds = *wanted.seconds;
  if (!wanted.ticket.empty()) content.ticket = wanted.ticket;
  if (!wanted.reason.empty()) content.reason = wanted.reason;
  if (!wanted.parameters.empty()) {
    for (const auto& [name, value] : wanted.parameters) content.parameters[name] = value;
    content.salt = effects_.entropy.Hex(kDigitsOfSalt);
  }
  if (const auto refusal = MayAsk(found->place->model, *found->person, content)) return No(*refusal);
  content = Spelled(found->place->model, std::move(content));
  if (const auto refusal = AskTicketSystem(*found->place, *found->person, content)) return No(*refusal);
  return Do(*found, [&](Store& store) { store.Edit(id, found->person->name, content); });
}

Result<Request> Desk::Vote(const std::string& identity, const std::string& id, const std::string& hash, bool approves,
                           const std::string& note) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  const Request& request = found->request;
  if (const auto refusal = MayHappen(request, approves ? RequestEvent::kApproved : RequestEvent::kDenied))
    return No(*refusal);
  if (const auto refusal = MayVote(found->place->model, *found->person, request, hash)) return No(*refusal);
  const auto asker = std::find_if(found->place->model.people.begin(), found->place->model.people.end(),
                                  [&](const model::Person& person) { return person.name == request.content.person; });
  if (approves && asker == found->place->model.people.end())
    return No({Kind::kForbidden, "unknown_person", "the model knows " + request.content.person + " no more"});
  if (approves) {
    if (const auto refusal = MayAsk(found->place->model, *asker, request.content)) return No(*refusal);
    if (const auto refusal = AskTicketSystem(*found->place, *asker, request.content)) return No(*refusal);
  }
  return Do(*found, [&](Store& store) { store.Vote(id, found->person->name, request.content_hash, approves, note); });
}

Result<Request> Desk::Withdraw(const std::string& identity, const std::string& id) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  return Do(*found, [&](Store& store) { store.Withdraw(id, found->person->name); });
}

Result<Request> Desk::Activate(const std::string& identity, const std::string& id) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  const Request& request = found->request;
  const Place& place = *found->place;
  if (request.content.person != found->person->name)
    return No({Kind::kForbidden, "not_yours", "only who has asked may use it"});
  if (const auto refusal = MayHappen(request, RequestEvent::kActivated)) return No(*refusal);
  if (const auto refusal = MayAsk(place.model, *found->person, request.content)) return No(*refusal);
  if (const auto refusal = AskTicketSystem(place, *found->person, request.content)) return No(*refusal);
  if (const auto refusal = Blocked(*found->person, Store(*found->session, place.container).All())) return No(*refusal);
  const model::Scope& scope = *ScopeOf(place.model, request.content.scope);
  if (const auto refusal = WhyNoCluster(effects_, scope)) return No(*refusal);
  if (GrantsOf(scope, place.RolePrefix()) != request.content.grants ||
      ApproversOf(scope, request.content.kind) > request.approvers)
    return No({Kind::kState, "scope_changed", "the scope is not what was approved any more: " + request.content.scope,
               "ask again: yellow access request"});
  return Do(*found, [&](Store& store) {
    store.Activate(id, found->person->name, request.content_hash, SeniorsFor(place.model, scope));
  });
}

Result<Request> Desk::Release(const std::string& identity, const std::string& id) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  return Do(*found, [&](Store& store) {
    store.Finish(id, found->person->name, RequestState::kReleased, GivenBackBy(found->person->name));
  });
}

Result<Request> Desk::Revoke(const std::string& identity, const std::string& id, const std::string& why) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  if (const auto refusal = MayRevoke(found->place->model, *found->person, found->request)) return No(*refusal);
  return Do(*found, [&](Store& store) {
    store.Finish(id, found->person->name, RequestState::kRevoked,
                 why.empty() ? "revoked by " + found->person->name : why);
  });
}

Result<Request> Desk::Review(const std::string& identity, const std::string& id, bool accepts,
                             const std::string& sentence) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  if (const auto refusal = MayReview(found->place->model, *found->person, found->request, sentence))
    return No(*refusal);
  return Do(*found, [&](Store& store) { store.Judge(id, found->person->name, accepts, sentence); });
}

Result<std::vector<Request>> Desk::List(const std::string& identity) {
  std::vector<Request> all;
  bool known = false;
  for (const auto& place : effects_.places()) {
    const model::Person* person = PersonOf(place->model, identity);
    if (person == nullptr) continue;
    known = true;
    if (const auto refusal = MaySee(*person)) return No(*refusal);
    const auto session = Open(*place, identity);
    std::vector<Request> here = Store(*session, place->container).All();
    std::move(here.begin(), here.end(), std::back_inserter(all));
  }
  if (!known) return No(UnknownPerson(identity));
  std::stable_sort(all.begin(), all.end(),
                   [](const Request& a, const Request& b) { return a.requested_at > b.requested_at; });
  return all;
}

Result<std::vector<ReportLine>> Desk::Report(const std::string& identity, const std::string& from,
                                             const std::string& to) {
  for (const std::string& day : {from, to})
    if (!IsDay(day))
      return No({Kind::kInvalid, "day", "a day is written as 2026-01-31", "--from 2026-01-01 --to 2026-01-31"});
  if (from > to)
    return No({Kind::kInvalid, "day", "the first day is later than the last: " + from + ", " + to,
               "--from " + to + " --to " + from});
  std::vector<Request> all;
  bool known = false;
  for (const auto& place : effects_.places()) {
    const model::Person* person = PersonOf(place->model, identity);
    if (person == nullptr) continue;
    known = true;
    if (const auto refusal = MayReport(*person)) return No(*refusal);
    const auto session = Open(*place, identity);
    Store store(*session, place->container);
    store.ReportRead(person->name, from, to);
    std::vector<Request> here = store.All();
    std::move(here.begin(), here.end(), std::back_inserter(all));
  }
  if (!known) return No(UnknownPerson(identity));
  return ReportOf(all, from, to);
}

Result<Request> Desk::Show(const std::string& identity, const std::string& id) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  return std::move(found->request);
}

Result<std::vector<Statement>> Desk::Statements(const std::string& identity, const std::string& id) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  Store store(*found->session, found->place->container);
  store.FactsRead(found->person->name, id);
  return store.Statements(id);
}

Result<std::vector<Evidence>> Desk::ListEvidence(const std::string& identity, const std::string& id) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  return Store(*found->session, found->place->container).EvidenceOf(id);
}

Result<GivenFile> Desk::GiveEvidence(const std::string& identity, const std::string& id, const std::string& session,
                                     const std::string& what) {
  Result<Found> found = Find(identity, id);
  if (!found) return No(found.error());
  if (const auto refusal = MayReadEvidence(found->place->model, *found->person, found->request)) return No(*refusal);
  Store store(*found->session, found->place->container);
  const std::vector<Evidence> all = store.EvidenceOf(id);
  const auto one = std::find_if(all.begin(), all.end(),
                                [&](const Evidence& it) { return it.session == session && it.what == what; });
  if (one == all.end())
    return No({Kind::kNotFound, "no_recording", "no session of this request that has ended has such a recording",
               "yellow access show " + id});
  if (!one->deleted_at.empty())
    return No({Kind::kState, "recording_deleted",
               one->file + " was kept as long as retention.evidence says, until " + one->deleted_at});
  if (const auto refusal = WhyNotWhole(effects_.files, effects_.data, *one)) {
    effects_.report("a recording is not as it was: " + refusal->text);
    return No(*refusal);
  }
  try {
    store.EvidenceRead(found->person->name, id, *one);
  } catch (const base::Error& error) {
    if (auto refusal = RefusedBy(error)) return No(std::move(*refusal));
    throw;
  }
  return Give(effects_.files, effects_.data, *one);
}

Result<std::vector<model::Scope>> Desk::Scopes(const std::string& identity) {
  std::vector<model::Scope> scopes;
  bool known = false;
  for (const auto& place : effects_.places()) {
    const model::Person* person = PersonOf(place->model, identity);
    if (person == nullptr) continue;
    known = true;
    if (const auto refusal = MaySee(*person)) return No(*refusal);
    for (const model::Scope& scope : place->model.scopes)
      if (place->Has(scope) && person->MayActIn(scope.owner)) scopes.push_back(scope);
  }
  if (!known) return No(UnknownPerson(identity));
  return scopes;
}

}  // namespace yellow::access
