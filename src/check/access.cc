#include <algorithm>
#include <map>

#include "base/suggest.h"
#include "check/rules.h"
#include "model/webhook.h"

namespace yellow::check {
namespace {

bool IsIdentity(const std::string& text) {
  for (const char* kind : {"os:", "oidc:", "ticket:"})
    if (text.starts_with(kind) && text.size() > std::string_view(kind).size()) return true;
  return false;
}

/// `yellow-review-1:` and 32 bytes in Base64 (RFC 4648).
bool IsReviewKey(const std::string& text) {
  constexpr std::string_view kPrefix = "yellow-review-1:";
  constexpr size_t kDigits = 43;
  const std::string digits = text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : "";
  const auto in_alphabet = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return digits.size() == kDigits + 1 && digits.back() == '=' &&
         std::all_of(digits.begin(), digits.end() - 1, in_alphabet);
}

void CheckReviewKey(const model::Person& person, base::Diagnostics& diagnostics) {
  if (person.review_key.empty() || IsReviewKey(person.review_key)) return;
  diagnostics.Error("Y436", person.where, "this is not a key of a reviewer: " + person.review_key,
                    "yellow access keygen makes one, and prints its public part, which belongs here");
}

void CheckRoles(const model::Person& person, base::Diagnostics& diagnostics) {
  const std::vector<std::string> known{std::string(model::kDevops), std::string(model::kSeniorDevops),
                                       std::string(model::kAuditor)};
  for (const std::string& role : person.roles) {
    if (std::find(known.begin(), known.end(), role) != known.end()) continue;
    const std::string near = base::Suggest(role, known);
    diagnostics.Error("Y438", person.where, "there is no such role: " + role,
                      near.empty() ? "write devops, senior_devops or auditor" : "did you mean " + near + "?");
  }
}

/// Who comes in as somebody is nobody else; else one person could approve what another name of theirs has asked for.
void CheckPeople(const model::Model& model, base::Diagnostics& diagnostics) {
  std::map<std::string, std::string> known;
  for (const model::Person& person : model.people) {
    CheckReviewKey(person, diagnostics);
    CheckRoles(person, diagnostics);
    for (const std::string& identity : person.identities) {
      if (!IsIdentity(identity)) {
        diagnostics.Error("Y432", person.where, "this is nobody's identity: " + identity,
                          "write os:<user>, oidc:<address> or ticket:<name>");
        continue;
      }
      const auto [other, fresh] = known.try_emplace(identity, person.name);
      if (!fresh && other->second != person.name)
        diagnostics.Error(
            "Y432", person.where,
            "two people have the same identity: " + other->second + " and " + person.name + ", " + identity,
            "an identity belongs to one person");
    }
  }
}

/// What is declared under the name that a scope has; null when nothing is.
template <typename Declared>
const Declared* ObjectOf(const std::vector<Declared>& all, const char* kind, const model::Scope& scope,
                         base::Diagnostics& diagnostics) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Declared& one) { return one.name == scope.object; });
  if (found == all.end()) {
    std::vector<std::string> names;
    for (const Declared& one : all) names.push_back(one.name);
    const std::string near = base::Suggest(scope.object, names);
    diagnostics.Error("Y431", scope.where, "there is no such " + std::string(kind) + ": " + scope.object,
                      near.empty() ? "name one that is there" : "did you mean " + near + "?");
    return nullptr;
  }
  if (!scope.owner.zone.empty() && scope.owner.zone != found->owner.zone)
    diagnostics.Error("Y434", scope.where,
                      "this " + std::string(kind) + " belongs to zone " + found->owner.zone + ": " + scope.object,
                      "declare the scope there, or in the Ecosystem");
  return &*found;
}

void CheckObject(const model::Model& model, const model::Scope& scope, base::Diagnostics& diagnostics) {
  if (scope.IsOfWorkspace()) {
    const model::Workspace* workspace = ObjectOf(model.workspaces, "Workspace", scope, diagnostics);
    if (workspace != nullptr && scope.kind != model::ScopeKind::kWsRead && !workspace->transformer)
      diagnostics.Error("Y431", scope.where, "this Workspace has no transformer: " + scope.object,
                        "to read what it sees: ws_read:" + scope.object);
  }
  if (scope.IsOfDatastore()) {
    const model::Datastore* store = ObjectOf(model.datastores, "Datastore", scope, diagnostics);
    const auto writer = std::find_if(
        model.workspaces.begin(), model.workspaces.end(),
        [&](const model::Workspace& one) { return one.transformer && one.transformer->output.text == scope.object; });
    if (store != nullptr && scope.kind == model::ScopeKind::kStageRead && writer != model.workspaces.end())
      diagnostics.Error("Y431", scope.where, "an output is not staged: " + scope.object,
                        "to read the tables that its transformer writes: dt_read:" + writer->name);
  }
  if (scope.kind == model::ScopeKind::kShell || scope.kind == model::ScopeKind::kKubernetes) {
    if (!scope.owner.zone.empty())
      diagnostics.Error("Y434", scope.where, "machines and clusters belong to no zone: " + scope.Text(),
                        "declare the scope in the Ecosystem");
  }
}

/// A label of the DNS (RFC 1123), as namespaces are named.
bool IsNamespace(const std::string& name) {
  constexpr size_t kLongest = 63;
  const auto in = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= kLongest && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), in);
}

void CheckFields(const model::Scope& scope, base::Diagnostics& diagnostics) {
  const bool in_cluster = scope.kind == model::ScopeKind::kKubernetes;
  if (in_cluster && !IsNamespace(scope.object))
    diagnostics.Error("Y431", scope.where, "no namespace is named so: " + scope.object,
                      "lower-case letters, digits and - make a name of at most 63");
  if (in_cluster == scope.role.empty())
    diagnostics.Error("Y431", scope.where,
                      in_cluster ? "it has to say which ClusterRole is bound: " + scope.Text()
                                 : "a role is bound in a namespace only, not for " + scope.Text(),
                      in_cluster ? "write {role: edit}" : "leave role out");
  for (const std::string& folder : scope.folders)
    if (scope.kind != model::ScopeKind::kShell || !folder.starts_with('/') || folder.find("/..") != std::string::npos)
      diagnostics.Error(
          "Y431", scope.where, "a shell cannot be given this folder to read: " + folder,
          scope.kind == model::ScopeKind::kShell ? "write it whole, from / on" : "only the scope shell has folders");
  if (scope.kind == model::ScopeKind::kOperation && scope.approvers < model::kOperationApprovers)
    diagnostics.Error("Y433", scope.where, "two people at least approve an operation: " + scope.Text(),
                      "leave approvers out, or write 2 or more");
}

void CheckApprovers(const model::Model& model, const model::Scope& scope, base::Diagnostics& diagnostics) {
  const auto seniors = std::count_if(model.people.begin(), model.people.end(), [&](const model::Person& person) {
    return person.Has(model::kSeniorDevops) && person.MayActIn(scope.owner);
  });
  if (seniors >= scope.approvers) return;
  diagnostics.Error("Y433", scope.where,
                    "too few people may approve " + scope.Text() + ": it needs " + std::to_string(scope.approvers) +
                        ", and " + std::to_string(seniors) + " with the role senior_devops may",
                    "give people this role, in the Ecosystem or the zone");
}

void CheckTickets(const model::Environment& environment, base::Diagnostics& diagnostics) {
  const auto* service = std::get_if<model::TicketService>(&environment.tickets);
  if (service == nullptr) return;
  const std::string& url = service->url;
  if (url.find("{ticket}") == std::string::npos)
    diagnostics.Error("Y435", service->where, "this URL asks for no ticket: " + url,
                      "write {ticket} where the ticket stands");
  if (const auto why = model::WhyNotWebhook(url))
    diagnostics.Error("Y435", service->where, "no ticket can be asked for at this URL: " + *why,
                      "write https://<host>/…; a user and password belong in a Credential");
  std::vector<std::string> pointers{service->state, service->owner};
  if (!service->name.empty()) pointers.push_back(service->name);
  for (const std::string& pointer : pointers)
    if (!pointer.starts_with('/'))
      diagnostics.Error("Y435", service->where, "this is not a JSON pointer: " + pointer, "write /fields/status");
}

/// host:port, or [address]:port.
bool IsHostAndPort(const std::string& address) {
  constexpr int kHighestPort = 65535, kLongestPort = 5;
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  const std::string host = address.substr(0, colon), port = address.substr(colon + 1);
  if (port.empty() || port.size() > kLongestPort || port.find_first_not_of("0123456789") != std::string::npos)
    return false;
  const int number = std::stoi(port);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  return number >= 1 && number <= kHighestPort && (host.find(':') == std::string::npos || bracketed);
}

void CheckListener(const model::AccessListener& access, base::Diagnostics& diagnostics) {
  if (!IsHostAndPort(access.listen))
    diagnostics.Error("Y437", access.where, "this is not host:port: " + access.listen, "write listen: 127.0.0.1:8443");
  if (const auto why = model::WhyNotWebhook(access.issuer))
    diagnostics.Error("Y437", access.where, "no keys can be fetched from this issuer: " + *why,
                      "write https://<host>, as the tokens' iss says it");
  else if (access.issuer.find_first_of("?#") != std::string::npos)
    diagnostics.Error("Y437", access.where, "the URL of an issuer has no query: " + access.issuer,
                      "write it as the tokens' iss says it");
  if (access.audience.empty() || access.claim.empty())
    diagnostics.Error("Y437", access.where, "a token has to be for somebody, and to name somebody",
                      "write audience: yellow, and leave claim out for email");
}

}  // namespace

void CheckAccess(const model::Model& model, base::Diagnostics& diagnostics) {
  CheckPeople(model, diagnostics);
  std::map<std::string, const model::Scope*> known;
  for (const model::Scope& scope : model.scopes) {
    if (!known.try_emplace(scope.Text(), &scope).second)
      diagnostics.Error("Y431", scope.where, "this scope is declared twice: " + scope.Text(), "keep one");
    CheckObject(model, scope, diagnostics);
    CheckFields(scope, diagnostics);
    CheckApprovers(model, scope, diagnostics);
  }
  if (!model.environment) return;
  CheckTickets(*model.environment, diagnostics);
  if (model.environment->access) CheckListener(*model.environment->access, diagnostics);
}

}  // namespace yellow::check
