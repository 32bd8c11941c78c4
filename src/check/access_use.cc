#include <algorithm>

#include "check/rules.h"

// What is declared as it should be, and yet lets nobody in.
namespace yellow::check {
namespace {

using People = std::vector<const model::Person*>;

/// Those who have one of these roles and may act in what the scope belongs to.
People With(const model::Model& model, const model::Scope& scope, const std::vector<std::string_view>& roles) {
  People people;
  for (const model::Person& person : model.people)
    if (person.MayActIn(scope.owner) &&
        std::any_of(roles.begin(), roles.end(), [&](std::string_view role) { return person.Has(role); }))
      people.push_back(&person);
  return people;
}

/// The same without one of them: nobody approves or reviews what they have asked for.
People But(People people, const model::Person& person) {
  std::erase_if(people, [&](const model::Person* one) { return one->name == person.name; });
  return people;
}

/// A scope for which there are seniors enough, unless who asks is one of them.
void CheckWhoIsLetIn(const model::Model& model, const model::Scope& scope, base::Diagnostics& diagnostics) {
  const People seniors = With(model, scope, {model::kSeniorDevops});
  const auto enough = static_cast<size_t>(scope.approvers);
  if (seniors.size() < enough) return;  // Y433
  bool somebody = false, with_reviewer = false;
  for (const model::Person* asker : With(model, scope, {model::kDevops, model::kSeniorDevops})) {
    const People others = But(seniors, *asker);
    if (others.size() < enough) continue;
    somebody = true;
    with_reviewer |= std::any_of(others.begin(), others.end(),
                                 [](const model::Person* senior) { return !senior->review_key.empty(); });
  }
  if (!somebody)
    diagnostics.Warning("Y439", scope.where,
                        "nobody can have " + scope.Text() + ": it needs " + std::to_string(scope.approvers) +
                            " with the role senior_devops besides who asks, and all who may ask are among the " +
                            std::to_string(seniors.size()) + " there are",
                        "give one person more the role devops or senior_devops, in the Ecosystem or the zone");
  else if (!with_reviewer && scope.kind != model::ScopeKind::kOperation)
    diagnostics.Warning("Y440", scope.where,
                        "no session begins under " + scope.Text() +
                            ": nobody with the role senior_devops, besides who asks, has a review_key",
                        "yellow access keygen FILE makes one; write what it prints as the person's review_key");
}

}  // namespace

void CheckUseOfScopes(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Scope& scope : model.scopes) CheckWhoIsLetIn(model, scope, diagnostics);
  if (model.scopes.empty() || !model.environment) return;
  if (std::holds_alternative<std::monostate>(model.environment->tickets))
    diagnostics.Warning("Y441", model.scopes.front().where,
                        "nobody can ask for " + model.scopes.front().Text() + " or any other scope: environment " +
                            model.environment->name + " has no ticket system",
                        "add to the environment: tickets: {file: tickets.json}, or {http: …}");
}

}  // namespace yellow::check
