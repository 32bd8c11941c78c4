#include <variant>

#include "load/readers.h"

// People, and what they may ask for.
namespace yellow::load {

void Reader::ReadPeople(const Node* node, const model::Owner& owner) {
  if (node == nullptr) return;
  for (const auto& [name, value] : node->entries) {
    model_.people.push_back({name.text, Texts(value.Find("identities")), Texts(value.Find("roles")),
                             Text(value.Find("review_key")), owner, name.where});
  }
}

void Reader::ReadScopes(const Node* node, const model::Owner& owner) {
  if (node == nullptr) return;
  for (const auto& [name, value] : node->entries) {
    auto scope = model::ParseScope(name.text);
    if (!scope) {
      diagnostics_.Error("Y431", name.where, "there is no such scope: " + name.text,
                         "write dt_write:, dt_read: or ws_read:<Workspace>, stage_read:<Datastore>, "
                         "op:reingest:<Workspace>, op:erase:<Datastore>, kubernetes:<namespace> or shell");
      continue;
    }
    if (scope->kind == model::ScopeKind::kOperation) scope->approvers = model::kOperationApprovers;
    if (const auto longest = ReadDuration(value.Find("longest"))) scope->longest = *longest;
    scope->approvers = Integer(value.Find("approvers"), scope->approvers);
    scope->role = Text(value.Find("role"));
    scope->folders = Texts(value.Find("folders"));
    scope->owner = owner;
    scope->where = name.where;
    model_.scopes.push_back(std::move(*scope));
  }
}

}  // namespace yellow::load
