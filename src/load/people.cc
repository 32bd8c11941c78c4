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
    const size_t colon = name.text.find(':');
    const auto kind = model::ScopeKindOf(name.text.substr(0, colon));
    if (!kind || colon == std::string::npos) {
      diagnostics_.Error("Y431", name.where, "there is no such scope: " + name.text,
                         "write dt_write:<Workspace> or ws_read:<Workspace>");
      continue;
    }
    model::Scope scope;
    scope.kind = *kind;
    scope.workspace = name.text.substr(colon + 1);
    if (const auto longest = ReadDuration(value.Find("longest"))) scope.longest = *longest;
    scope.approvers = Integer(value.Find("approvers"), scope.approvers);
    scope.owner = owner;
    scope.where = name.where;
    model_.scopes.push_back(std::move(scope));
  }
}

}  // namespace yellow::load
