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
  return std::find(BuiltIn().begin(), BuiltIn().end(), word) != BuiltIn().end() ||
         std::find(extra.begin(), extra.end(), word) != extra.end();
}

void CheckWord(const model::Model& model, const model::Name& word, base::Diagnostics& diagnostics) {
  if (IsKnown(model, word.text)) return;
  std::vector<std::string> known = BuiltIn();
  known.insert(known.end(), model.ecosystem.extra_classes.begin(), model.ecosystem.extra_classes.end());
  const std::string near = base::Suggest(word.text, known);
  diagnostics.Error("Y501", word.where, "there is no such class: " + word.text,
                    near.empty()
                        ? "use a class of the list, or add it in the Ecosystem: classes: {add: [" + word.text + "]}"
                        : "did you mean " + near + "?");
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
        if (!IsRestricted(model.ecosystem, column)) continue;
        diagnostics.Error("Y502", workspace.readers.front().where,
                          "a Workspace with a restricted column has no readers: " + workspace.name + " sees " +
                              ToString(sink.dataset) + "." + column.name + " (" + column.classes.front().text + ")",
                          "take the readers out, or use a masked store");
        return;
      }
    }
  }
}

void CheckMask(const model::Model& model, const model::Workspace& workspace, const model::MaskCode& mask,
               base::Diagnostics& diagnostics) {
  const model::Datastore* output = model.FindDatastore(workspace.transformer->output.text);
  if (output == nullptr) return;
  for (const auto& [name, rules] : mask.rules) {
    const model::Dataset* dataset = output->FindDataset(name);
    for (const auto& [column, rule] : rules) {
      if (dataset == nullptr || dataset->FindColumn(column) == nullptr) {
        diagnostics.Error("Y504", rule.where,
                          "the mask has a rule for a column that the output does not have: " + name + "." + column,
                          "take the rule out");
      } else if (rule.kind == model::MaskRuleKind::kNull && dataset->FindColumn(column)->not_null) {
        diagnostics.Error("Y504", rule.where, "a column that is not null cannot become null: " + name + "." + column,
                          "use redact, or let the column be null");
      } else if (rule.kind == model::MaskRuleKind::kPseudonym && !mask.mask_key) {
        diagnostics.Error("Y504", rule.where, "pseudonym needs a key: " + name + "." + column,
                          "add mask_key: <credential>");
      } else if (rule.kind == model::MaskRuleKind::kPseudonym &&
                 dataset->FindColumn(column)->type.length.value_or(64) < 16) {
        diagnostics.Error("Y504", rule.where,
                          "a pseudonym has at least 16 digits and does not fit: " + name + "." + column,
                          "use a column of 16 characters or more");
      } else if (rule.kind == model::MaskRuleKind::kYear &&
                 dataset->FindColumn(column)->type.kind != model::TypeKind::kDate &&
                 dataset->FindColumn(column)->type.kind != model::TypeKind::kTimestamp &&
                 dataset->FindColumn(column)->type.kind != model::TypeKind::kTimestampTz) {
        diagnostics.Error("Y504", rule.where, "year is a rule for dates and timestamps: " + name + "." + column,
                          "use another rule");
      }
    }
  }
  for (const model::Dataset& dataset : output->datasets) {
    for (const model::Column& column : dataset.columns) {
      const auto rules = mask.rules.find(dataset.name);
      if (!IsRestricted(model.ecosystem, column) ||
          (rules != mask.rules.end() && rules->second.count(column.name) != 0))
        continue;
      diagnostics.Error("Y503", dataset.where,
                        "a restricted column has no mask rule: " + dataset.name + "." + column.name + " (" +
                            column.classes.front().text + ")",
                        "add a rule, or drop the column");
    }
  }
}

}  // namespace

void CheckClasses(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Datastore& store : model.datastores) {
    for (const model::Dataset& dataset : store.datasets) {
      for (const model::Column& column : dataset.columns) {
        for (const model::Name& word : column.classes) CheckWord(model, word, diagnostics);
        if (!model.environment || !std::holds_alternative<model::SqlSnapshot>(store.capture) ||
            !IsRestricted(model.ecosystem, column))
          continue;
        if (Covers(model.environment->allowed_classes, column.classes.front().text)) continue;
        diagnostics.Error("Y507", column.where,
                          "environment " + model.environment->name +
                              " does not allow this restricted class: " + column.classes.front().text,
                          "add it to the environment: classes: {allowed: [pii]}");
      }
    }
  }
  for (const model::Workspace& workspace : model.workspaces) {
    CheckReaders(model, workspace, diagnostics);
    if (workspace.transformer && workspace.transformer->code.mask)
      CheckMask(model, workspace, *workspace.transformer->code.mask, diagnostics);
  }
}

}  // namespace yellow::check
