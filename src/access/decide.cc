#include "access/decide.h"

#include <algorithm>

#include "access/erase_key.h"
#include "base/check.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "sql/names.h"

namespace yellow::access {
namespace {

using Kind = Refusal::Kind;

constexpr size_t kShortestHash = 12;
constexpr int64_t kHour = 3600;
constexpr size_t kLongestParameter = 1000;

bool IsTicket(const std::string& text) {
  constexpr std::string_view kMarks = "-_#/.";
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 64 && letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || kMarks.find(c) != std::string_view::npos; }) &&
         text.find("..") == std::string::npos;
}

bool IsBlank(const std::string& text) { return text.find_first_not_of(' ') == std::string::npos; }

std::optional<Refusal> IsSeniorFor(const model::Model& model, const model::Person& person, const Request& request,
                                   const std::string& what) {
  const model::Scope* scope = ScopeOf(model, request.content.scope);
  if (scope == nullptr)
    return Refusal{Kind::kForbidden, "scope",
                   "the model does not declare this scope any more: " + request.content.scope};
  if (person.Has(model::kSeniorDevops) && person.MayActIn(scope->owner)) return std::nullopt;
  return Refusal{
      Kind::kForbidden, "not_senior",
      person.name + " may not " + what + " " + request.content.scope + ", which takes the role senior_devops",
      "ask one of those who may"};
}

std::optional<Refusal> IsAskable(const Content& content) {
  if (!IsTicket(content.ticket))
    return Refusal{Kind::kInvalid, "ticket",
                   "this is no ticket: " + (base::IsPlainLine(content.ticket) ? content.ticket : ""),
                   "give the open ticket that this is for: --ticket OPS-142"};
  if (IsBlank(content.reason) || content.reason.size() > kLongestReason || !base::IsPlainLine(content.reason))
    return Refusal{Kind::kInvalid, "reason", "a reason is one line of text, of at most 1000 bytes",
                   "say what is to be done: --reason \"names are missing in Germany\""};
  return std::nullopt;
}

/// Exactly what the operation has to be told, and nothing for any other scope.
std::optional<Refusal> HasParameters(const model::Model& model, const model::Scope& scope, const Content& content) {
  static const std::vector<std::string> kNone;
  const std::vector<std::string>& wanted = scope.operation ? ParametersOf(*scope.operation) : kNone;
  for (const auto& [name, value] : content.parameters) {
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end())
      return Refusal{Kind::kInvalid, "parameter",
                     scope.Text() + " has no parameter" + (base::IsPlainLine(name) ? ": " + name : ""), "leave it out"};
    if (IsBlank(value) || value.size() > kLongestParameter || !base::IsPlainLine(value))
      return Refusal{Kind::kInvalid, "parameter", "a parameter is one line of text, of at most 1000 bytes: " + name};
  }
  for (const std::string& name : wanted)
    if (content.parameters.count(name) == 0)
      return Refusal{Kind::kInvalid, "parameter", scope.Text() + " has to be told its " + name,
                     "add --parameter " + name + "=…"};
  if (scope.operation == model::Operation::kErase) {
    const std::string& name = content.parameters.at("dataset");
    const model::Dataset* dataset = model.FindDataset({scope.object, name});
    if (dataset == nullptr)
      return Refusal{Kind::kInvalid, "parameter", scope.object + " has no such dataset: " + name,
                     "give one that the model declares there"};
    if (const auto key = EraseKey(scope.object, *dataset, content.parameters.at("key")); !key) return key.error();
  }
  return std::nullopt;
}

std::optional<model::Operation> OperationOf(const Request& request) {
  const auto scope = model::ParseScope(request.content.scope);
  return scope ? scope->operation : std::nullopt;
}

std::string HowItIsUsed(const Request& request) {
  if (OperationOf(request)) return "yellow access show " + request.id + " says how far it is";
  return "it is used by: yellow access " + std::string(request.content.grants.empty() ? "shell " : "sql ") + request.id;
}

std::string HowToAskAnew(const Request& request) {
  if (OperationOf(request) == model::Operation::kErase) return "ask anew: yellow erase";
  return "ask anew: yellow access request --scope " + request.content.scope;
}

/// What may be done with a request in this state, which is not Request::state of one whose time is over.
std::string WhatMayBeDone(const Request& request, RequestState state) {
  switch (state) {
    case RequestState::kPending:
      return "a senior approves it: yellow access approve " + request.id + " --content " +
             request.content_hash.substr(0, kShortestHash);
    case RequestState::kApproved:
      return "who has asked may begin: yellow access activate " + request.id;
    case RequestState::kActive:
      return HowItIsUsed(request);
    case RequestState::kExpired:
    case RequestState::kRevoked:
    case RequestState::kReleased:
    case RequestState::kDisabled:
    case RequestState::kDropped:
    case RequestState::kInReview:
    case RequestState::kAccepted:
    case RequestState::kEscalated:
    case RequestState::kDenied:
    case RequestState::kWithdrawn:
    case RequestState::kLapsed:
      return HowToAskAnew(request);
  }
  YELLOW_CHECK(false);
}

}  // namespace

const model::Person* PersonOf(const model::Model& model, const std::string& identity) {
  for (const model::Person& person : model.people)
    if (std::find(person.identities.begin(), person.identities.end(), identity) != person.identities.end())
      return &person;
  return nullptr;
}

const model::Scope* ScopeOf(const model::Model& model, const std::string& text) {
  for (const model::Scope& scope : model.scopes)
    if (scope.Text() == text) return &scope;
  return nullptr;
}

std::vector<std::string> SeniorsFor(const model::Model& model, const model::Scope& scope) {
  std::vector<std::string> names;
  for (const model::Person& person : model.people)
    if (person.Has(model::kSeniorDevops) && person.MayActIn(scope.owner)) names.push_back(person.name);
  return names;
}

const std::vector<std::string>& ParametersOf(model::Operation operation) {
  static const std::vector<std::string> kNone, kErase{"dataset", "key"};
  switch (operation) {
    case model::Operation::kReingest:
      return kNone;
    case model::Operation::kErase:
      return kErase;
  }
  YELLOW_CHECK(false);
}

std::vector<std::string> GrantsOf(const model::Scope& scope, const std::string& role_prefix) {
  const sql::Roles roles(role_prefix);
  switch (scope.kind) {
    case model::ScopeKind::kDtWrite:
      return {roles.OutputGroup(scope.object)};
    case model::ScopeKind::kDtRead:
      return {roles.OutputReaders(scope.object)};
    case model::ScopeKind::kWsRead:
      return {roles.WorkspaceGroup(scope.object)};
    case model::ScopeKind::kStageRead:
      return {roles.StagingReaders(scope.object)};
    case model::ScopeKind::kOperation:
    case model::ScopeKind::kShell:
    case model::ScopeKind::kKubernetes:
      break;
  }
  return {};
}

int64_t LongestOf(const model::Scope& scope, RequestKind kind) {
  return kind == RequestKind::kBreakGlass ? std::min(scope.longest.seconds, kLongestBreakGlass) : scope.longest.seconds;
}

int ApproversOf(const model::Scope& scope, RequestKind kind) {
  return kind == RequestKind::kBreakGlass ? std::max(scope.approvers, kBreakGlassApprovers) : scope.approvers;
}

int64_t ReviewWithin(const Content& content) {
  if (content.kind == RequestKind::kBreakGlass) return kHour;
  const auto scope = model::ParseScope(content.scope);
  const bool reads = scope && (scope->kind == model::ScopeKind::kWsRead || scope->kind == model::ScopeKind::kDtRead ||
                               scope->kind == model::ScopeKind::kStageRead || scope->kind == model::ScopeKind::kShell);
  return reads ? 24 * kHour : 4 * kHour;
}

Content Spelled(const model::Model& model, Content content) {
  const model::Scope* scope = ScopeOf(model, content.scope);
  if (scope == nullptr || scope->operation != model::Operation::kErase) return content;
  const model::Dataset& dataset = *model.FindDataset({scope->object, content.parameters.at("dataset")});
  content.parameters["key"] = EraseKey(scope->object, dataset, content.parameters.at("key")).value();
  return content;
}

std::optional<Refusal> MayAsk(const model::Model& model, const model::Person& person, const Content& content) {
  if (!person.Has(model::kDevops) && !person.Has(model::kSeniorDevops))
    return Refusal{Kind::kForbidden, "not_devops", person.name + " may not ask for access, which takes the role devops",
                   "the role is given in the model, under people"};
  const model::Scope* scope = ScopeOf(model, content.scope);
  if (scope == nullptr) {
    std::vector<std::string> names;
    for (const model::Scope& one : model.scopes) names.push_back(one.Text());
    const std::string near = base::Suggest(content.scope, names);
    return Refusal{Kind::kInvalid, "scope",
                   "there is no such scope" + (base::IsPlainLine(content.scope) ? ": " + content.scope : ""),
                   !near.empty()   ? "did you mean " + near + "?"
                   : names.empty() ? "the model declares none; see scopes in the Ecosystem"
                                   : "yellow access scopes lists them"};
  }
  if (!person.MayActIn(scope->owner))
    return Refusal{Kind::kForbidden, "zone",
                   content.scope + " belongs to zone " + scope->owner.zone + ", and " + person.name + " to another",
                   "ask somebody of that zone"};
  const bool breaks_glass = content.kind == RequestKind::kBreakGlass;
  if (const int64_t longest = LongestOf(*scope, content.kind); content.seconds < kShortest || content.seconds > longest)
    return Refusal{Kind::kInvalid, "duration",
                   "access is given for one minute at least, and " + content.scope +
                       (breaks_glass ? " in an emergency for " : " for ") + std::to_string(longest / 60) +
                       " minutes at most",
                   content.seconds < kShortest ? "ask for more: --for 30m"
                   : breaks_glass              ? "ask for less: --for 30m"
                                               : "ask for less: --for 1h"};
  if (const auto refusal = IsAskable(content)) return refusal;
  return HasParameters(model, *scope, content);
}

std::optional<Refusal> Supports(const model::Person& person, const Content& content,
                                const std::optional<ports::Ticket>& ticket) {
  const std::string& name = content.ticket;
  if (!ticket)
    return Refusal{Kind::kForbidden, "ticket_unknown", "there is no such ticket: " + name, "give one that is there"};
  if (!ticket->open)
    return Refusal{Kind::kForbidden, "ticket_closed", "the ticket is not open: " + name,
                   "open it, or give another one"};
  // Who is there in an emergency is seldom who has been told of it.
  if (content.kind == RequestKind::kBreakGlass) return std::nullopt;
  const std::vector<std::string>& known = person.identities;
  const auto is = [&](const std::string& identity) {
    return std::find(known.begin(), known.end(), identity) != known.end();
  };
  if (!ticket->owner.empty() &&
      (ticket->owner == person.name || is("ticket:" + ticket->owner) || is("oidc:" + ticket->owner)))
    return std::nullopt;
  return Refusal{Kind::kForbidden, "ticket_owner", "the ticket is not " + person.name + "'s: " + name,
                 "take it on in the ticket system, or give another one"};
}

Refusal NotInItsState(const Request& request) {
  const bool over = request.state == RequestState::kActive && request.seconds_left <= 0;
  const RequestState state = over ? RequestState::kExpired : request.state;
  return {Kind::kState, "state", "the request is " + std::string(Word(state)), WhatMayBeDone(request, state)};
}

std::optional<Refusal> MayHappen(const Request& request, RequestEvent event) {
  if (Next(request.state, event)) return std::nullopt;
  return NotInItsState(request);
}

std::optional<Refusal> MayVote(const model::Model& model, const model::Person& voter, const Request& request,
                               const std::string& hash) {
  if (request.content.person == voter.name)
    return Refusal{Kind::kForbidden, "own_request", "nobody votes on a request of their own", "another senior has to"};
  if (const auto refusal = IsSeniorFor(model, voter, request, "approve")) return refusal;
  if (hash.size() < kShortestHash || !request.content_hash.starts_with(hash))
    return Refusal{Kind::kState, "content", "the request is not what the vote is for; it may have been changed",
                   "look at it and vote again: yellow access show " + request.id};
  return std::nullopt;
}

std::optional<Refusal> MayRevoke(const model::Model& model, const model::Person& person, const Request& request) {
  // A scope that was taken out of the model must not keep its access open.
  if (ScopeOf(model, request.content.scope) == nullptr && person.Has(model::kSeniorDevops)) return std::nullopt;
  return IsSeniorFor(model, person, request, "revoke");
}

std::optional<Refusal> MayReview(const model::Model& model, const model::Person& reviewer, const Request& request,
                                 const std::string& sentence) {
  if (request.content.person == reviewer.name)
    return Refusal{Kind::kForbidden, "own_session", "nobody reviews a session of their own", "another senior has to"};
  if (IsBlank(sentence) || sentence.size() > kLongestReason || !base::IsPlainLine(sentence))
    return Refusal{Kind::kInvalid, "sentence", "a review says in one line what was found, in at most 1000 bytes"};
  if (ScopeOf(model, request.content.scope) == nullptr && reviewer.Has(model::kSeniorDevops)) return std::nullopt;
  return IsSeniorFor(model, reviewer, request, "review");
}

Refusal UnknownPerson(const std::string& identity) {
  return {Kind::kForbidden, "unknown_person", "the model knows nobody as " + identity,
          "a person is declared in the Ecosystem or a zone: people: {alice: {identities: [\"" + identity + "\"], …}}"};
}

std::optional<Refusal> MaySee(const model::Person& person) {
  for (const std::string_view role : {model::kDevops, model::kSeniorDevops, model::kAuditor})
    if (person.Has(role)) return std::nullopt;
  return Refusal{Kind::kForbidden, "no_role", person.name + " has no role that sees requests for access",
                 "roles are given in the model, under people"};
}

std::optional<Refusal> MayReport(const model::Person& person) {
  if (person.Has(model::kSeniorDevops) || person.Has(model::kAuditor)) return std::nullopt;
  return Refusal{Kind::kForbidden, "not_auditor",
                 person.name + " may not have the report, which takes the role senior_devops or auditor",
                 "roles are given in the model, under people"};
}

std::optional<Refusal> MayReadAudit(const model::Person& person) {
  if ((person.Has(model::kSeniorDevops) || person.Has(model::kAuditor)) && person.owner.zone.empty())
    return std::nullopt;
  return Refusal{Kind::kForbidden, "not_auditor",
                 person.name +
                     " may not read the audit log, which takes the role auditor or senior_devops, given by "
                     "the Ecosystem",
                 "roles are given in the model, under people"};
}

std::optional<Refusal> Blocked(const model::Person& person, const std::vector<Request>& requests) {
  for (const Request& request : requests) {
    if (request.content.person != person.name || !request.review_overdue) continue;
    return Refusal{
        Kind::kForbidden, "review_overdue",
        "the review of " + person.name + "'s request " + request.id + " is overdue, since " + request.review_due_at,
        "a senior has to review it first: yellow access review " + request.id};
  }
  return std::nullopt;
}

}  // namespace yellow::access
