#include "model/people.h"

#include <algorithm>

#include "base/check.h"

namespace yellow::model {

std::string_view Word(ScopeKind kind) {
  switch (kind) {
    case ScopeKind::kDtWrite:
      return "dt_write";
    case ScopeKind::kDtRead:
      return "dt_read";
    case ScopeKind::kWsRead:
      return "ws_read";
    case ScopeKind::kStageRead:
      return "stage_read";
    case ScopeKind::kOperation:
      return "op";
    case ScopeKind::kShell:
      return "shell";
    case ScopeKind::kKubernetes:
      return "kubernetes";
  }
  YELLOW_CHECK(false);
}

std::string_view Word(Operation operation) {
  switch (operation) {
    case Operation::kReingest:
      return "reingest";
    case Operation::kErase:
      return "erase";
  }
  YELLOW_CHECK(false);
}

std::optional<Operation> OperationOf(std::string_view word) {
  for (const Operation operation : {Operation::kReingest, Operation::kErase})
    if (Word(operation) == word) return operation;
  return std::nullopt;
}

std::optional<Scope> ParseScope(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  Scope scope;
  for (const ScopeKind kind : {ScopeKind::kDtWrite, ScopeKind::kDtRead, ScopeKind::kWsRead, ScopeKind::kStageRead,
                               ScopeKind::kOperation, ScopeKind::kShell, ScopeKind::kKubernetes}) {
    if (Word(kind) != word) continue;
    scope.kind = kind;
    scope.object = rest;
    if (kind == ScopeKind::kShell) return colon == std::string_view::npos ? std::optional(scope) : std::nullopt;
    if (kind == ScopeKind::kOperation) {
      const size_t second = rest.find(':');
      scope.operation = OperationOf(rest.substr(0, second));
      scope.object = second == std::string_view::npos ? "" : rest.substr(second + 1);
      if (!scope.operation) return std::nullopt;
    }
    return scope.object.empty() ? std::nullopt : std::optional(scope);
  }
  return std::nullopt;
}

bool Scope::IsOfWorkspace() const {
  return kind == ScopeKind::kDtWrite || kind == ScopeKind::kDtRead || kind == ScopeKind::kWsRead ||
         operation == Operation::kReingest;
}

bool Scope::IsOfDatastore() const { return kind == ScopeKind::kStageRead || operation == Operation::kErase; }

bool Person::Has(std::string_view role) const { return std::find(roles.begin(), roles.end(), role) != roles.end(); }

std::string Scope::Text() const {
  std::string text(Word(kind));
  if (operation) text.append(":").append(Word(*operation));
  if (!object.empty()) text.append(":").append(object);
  return text;
}

}  // namespace yellow::model
