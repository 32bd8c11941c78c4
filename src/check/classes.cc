#include <algorithm>

#include "base/suggest.h"
#include "check/rules.h"

namespace yellow::check {
namespace {

const std::vector<std::string>& BuiltIn() {
  static const std::vector<std::string> kWords{
      "public",      "internal",  "confidential",      "pii",      "pii.name",   "pii.contact",
      "pii.address", "pii.birth", "pii.government_id", "customer", "market.mnpi"};
  return kWords;
}

bool IsKnown(const model::Model& model, const std::string& word) {
  const auto& extra = model.ecosystem.extra_classes;
  const auto is_family_of = [&](const std::string& known) { return model::IsInClass(known, word); };
  return std::any_of(BuiltIn().begin(), BuiltIn().end(), is_family_of) ||
         std::any_of(extra.begin(), extra.end(), [&](const model::Name& known) { return is_family_of(known.text); });
}

void CheckWord(const model::Model& model, const model::Name& word, base::Diagnostics& diagnostics) {
  if (word.text.empty() || IsKnown(model, word.text)) return;
  std::vector<std::string> known = BuiltIn();
  for (const model::Name& extra : model.ecosystem.extra_classes) {
    known.push_back(extra.text);
    known.push_back(extra.text.substr(0, extra.text.find('.')));
  }
  const std::string near = base::Suggest(word.text, known);
  diagnostics.Error("Y501", word.where, "there is no such class: " + word.text,
                    near.empty()
                        ? "use a class of the list, or add it in the Ecosystem: classes: {add: [" + word.text + "]}"
                        : "did you mean " + near + "?");
}

/// `family` or `family.member`, in lower case.
bool IsClassWord(const std::string& word) {
  const auto part = [](std::string_view text) {
    return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
  };
  const size_t dot = word.find('.');
  return part(std::string_view(word).substr(0, dot)) &&
         (dot == std::string::npos || part(std::string_view(word).substr(dot + 1)));
}

/// Classes that are named elsewhere than at a column.
void CheckWords(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Name& word : model.ecosystem.extra_classes) {
    if (!IsClassWord(word.text))
      diagnostics.Error("Y401", word.where, "a class is a word, or a family and a member: " + word.text,
                        "write it like pii.name, in lower case");
  }
  for (const model::Name& word : model.ecosystem.restricted_classes) CheckWord(model, word, diagnostics);
  for (const model::GovernanceZone& zone : model.zones) {
    for (const auto* list : {&zone.policies.classes.allowed, &zone.policies.classes.forbidden}) {
      for (const model::Name& word : *list) CheckWord(model, word, diagnostics);
    }
  }
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer) continue;
    for (const model::Declassification& item : workspace.transformer->declassify)
      CheckWord(model, item.to, diagnostics);
  }
  if (!model.environment) return;
  for (const model::Name& word : model.environment->allowed_classes) CheckWord(model, word, diagnostics);
}

bool Covers(const std::vector<model::Name>& families, const std::string& word) {
  return std::any_of(families.begin(), families.end(),
                     [&](const model::Name& family) { return model::IsInClass(word, family.text); });
}

/// A Workspace that sees a restricted column has no standing readers; its data needs an approved request.
void CheckReaders(const model::Model& model, const model::Workspace& workspace, base::Diagnostics& diagnostics) {
  if (workspace.readers.empty()) return;
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
      const model::Dataset* dataset = model.FindDataset(sink.dataset);
      if (dataset == nullptr) continue;
      for (const model::Column& column : dataset->columns) {
        const model::Name* restricted = RestrictedClass(model.ecosystem, column);
        if (restricted == nullptr) continue;
        diagnostics.Error("Y502", workspace.readers.front().where,
                          "a Workspace with a restricted column has no readers: " + workspace.name + " sees " +
                              ToString(sink.dataset) + "." + column.name + " (" + restricted->text + ")",
                          "take the readers out, or use a masked store");
        return;
      }
    }
  }
}

/// What enters from outside; outputs hold nothing else.
void CheckEntry(const model::Model& model, const model::Column& column, base::Diagnostics& diagnostics) {
  for (const model::Name& word : column.classes) {
    if (!Covers(model.ecosystem.restricted_classes, word.text) || Covers(model.environment->allowed_classes, word.text))
      continue;
    diagnostics.Error("Y507", column.where,
                      "environment " + model.environment->name + " does not allow this restricted class: " + word.text,
                      "add it to the environment: classes: {allowed: [pii]}");
  }
}

}  // namespace

void CheckClasses(const model::Model& model, base::Diagnostics& diagnostics) {
  CheckWords(model, diagnostics);
  for (const model::Datastore& store : model.datastores) {
    const bool enters = model.environment && std::holds_alternative<model::SqlSnapshot>(store.capture);
    for (const model::Dataset& dataset : store.datasets) {
      for (const model::Column& column : dataset.columns) {
        for (const model::Name& word : column.classes) CheckWord(model, word, diagnostics);
        if (enters) CheckEntry(model, column, diagnostics);
      }
    }
  }
  for (const model::Workspace& workspace : model.workspaces) CheckReaders(model, workspace, diagnostics);
}

}  // namespace yellow::check
