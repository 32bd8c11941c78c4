#include <algorithm>

#include "check/rules.h"

// Masking without code: rules fit their columns, every restricted column has one, every output masks one input.
namespace yellow::check {
namespace {

constexpr int kPseudonymLength = 16;

bool IsText(const model::Column& column) {
  using model::TypeKind;
  const TypeKind kind = column.type.kind;
  return !column.type.array && (kind == TypeKind::kText || kind == TypeKind::kVarchar || kind == TypeKind::kChar);
}

bool HasYear(const model::Column& column) {
  using model::TypeKind;
  const TypeKind kind = column.type.kind;
  return !column.type.array &&
         (kind == TypeKind::kDate || kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampTz);
}

bool IsKey(const model::Dataset& dataset, const std::string& column) {
  return std::any_of(dataset.key.begin(), dataset.key.end(),
                     [&](const model::Name& key) { return key.text == column; });
}

struct Misfit {
  std::string message;
  std::string remedy;
};

/// Why a rule cannot be for a column, or nothing.
std::optional<Misfit> MisfitOf(const model::MaskRule& rule, const model::Dataset& dataset, const model::Column& column,
                               bool has_key) {
  using model::MaskRuleKind;
  const MaskRuleKind kind = rule.kind;
  if (IsKey(dataset, column.name) && kind != MaskRuleKind::kKeep && kind != MaskRuleKind::kPseudonym)
    return Misfit{"this rule makes equal what the key tells apart", "use pseudonym, or {keep: reason}"};
  switch (kind) {
    case MaskRuleKind::kKeep:
      return std::nullopt;
    case MaskRuleKind::kNull:
      if (column.not_null)
        return Misfit{"a column that is not null cannot become null", "use redact, or let the column be null"};
      return std::nullopt;
    case MaskRuleKind::kYear:
      if (!HasYear(column)) return Misfit{"year is a rule for dates and timestamps", "use another rule"};
      return std::nullopt;
    case MaskRuleKind::kPseudonym:
      if (!has_key) return Misfit{"pseudonym needs a key", "add mask_key: <credential>"};
      if (column.type.length.value_or(kPseudonymLength) < kPseudonymLength)
        return Misfit{"a pseudonym has 16 characters and does not fit", "use a column of 16 characters or more"};
      [[fallthrough]];
    case MaskRuleKind::kRedact:
    case MaskRuleKind::kLast:
      if (!IsText(column)) return Misfit{"this rule is for texts", "use null, or {keep: reason}"};
      return std::nullopt;
  }
  return std::nullopt;
}

void CheckRules(const model::Datastore& output, const model::MaskCode& mask, base::Diagnostics& diagnostics) {
  for (const auto& [name, rules] : mask.rules) {
    const model::Dataset* dataset = output.FindDataset(name);
    for (const auto& [column_name, rule] : rules) {
      const model::Column* column = dataset == nullptr ? nullptr : dataset->FindColumn(column_name);
      if (column == nullptr) {
        diagnostics.Error("Y504", rule.where,
                          "the mask has a rule for a column that the output does not have: " + name + "." + column_name,
                          "take the rule out");
      } else if (const auto misfit = MisfitOf(rule, *dataset, *column, mask.mask_key.has_value())) {
        diagnostics.Error("Y504", rule.where, misfit->message + ": " + name + "." + column_name, misfit->remedy);
      }
    }
  }
}

void CheckComplete(const model::Ecosystem& ecosystem, const model::Dataset& dataset, const model::MaskCode& mask,
                   base::Diagnostics& diagnostics) {
  const auto rules = mask.rules.find(dataset.name);
  for (const model::Column& column : dataset.columns) {
    const model::Name* restricted = RestrictedClass(ecosystem, column);
    if (restricted == nullptr || (rules != mask.rules.end() && rules->second.count(column.name) != 0)) continue;
    diagnostics.Error(
        "Y503", dataset.where,
        "a restricted column has no mask rule: " + dataset.name + "." + column.name + " (" + restricted->text + ")",
        "add a rule, or drop the column");
  }
}

/// The rows come from the one input that is called like the output dataset.
void CheckInput(const model::Model& model, const model::Workspace& workspace, const model::Dataset& output,
                base::Diagnostics& diagnostics) {
  std::vector<const model::Dataset*> inputs;
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
      const model::Dataset* input = model.FindDataset(sink.dataset);
      if (input != nullptr && input->name == output.name && sink.dataset.store != workspace.transformer->output.text)
        inputs.push_back(input);
    }
  }
  if (inputs.size() != 1) {
    diagnostics.Error(
        "Y617", output.where,
        "a mask writes what one input of the same name holds, and there are " + std::to_string(inputs.size()) + ": " +
            output.name,
        inputs.empty() ? "add the sink, or name the output as the input it masks" : "leave one of the sinks out");
    return;
  }
  for (const model::Column& column : output.columns) {
    if (inputs.front()->FindColumn(column.name) != nullptr) continue;
    diagnostics.Error("Y617", column.where,
                      "the input of this mask has no such column: " + output.name + "." + column.name,
                      "take the column out of the output");
  }
}

}  // namespace

void CheckMasks(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer || !workspace.transformer->code.mask) continue;
    const model::MaskCode& mask = *workspace.transformer->code.mask;
    const model::Datastore* output = model.FindDatastore(workspace.transformer->output.text);
    if (output == nullptr) continue;
    CheckRules(*output, mask, diagnostics);
    for (const model::Dataset& dataset : output->datasets) {
      CheckComplete(model.ecosystem, dataset, mask, diagnostics);
      CheckInput(model, workspace, dataset, diagnostics);
    }
  }
}

}  // namespace yellow::check
