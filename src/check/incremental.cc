#include "check/rules.h"

namespace yellow::check {
namespace {

/// Changes of an input are read by key, and those of an output are merged by key.
void CheckKeyed(const model::Model& model, const model::Workspace& workspace, base::Diagnostics& diagnostics) {
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
      const model::Dataset* dataset = model.FindDataset(sink.dataset);
      if (dataset == nullptr || !dataset->key.empty()) continue;
      diagnostics.Error(
          "Y619", sink.where,
          "an incremental transformer follows its inputs by key, and this one has none: " + ToString(sink.dataset),
          "give the dataset a key, or leave mode: incremental out");
    }
  }
  const model::Datastore* output = model.FindDatastore(workspace.transformer->output.text);
  if (output == nullptr) return;
  for (const model::Dataset& dataset : output->datasets) {
    if (!dataset.key.empty() || dataset.columns.empty()) continue;
    diagnostics.Error("Y619", dataset.where,
                      "changes of an output are merged by key, and this one has none: " + dataset.name,
                      "give the dataset a key, or leave mode: incremental out");
  }
}

/// Two rows of the source that become one key would be refused in full mode, and overwrite each other here.
void CheckMaskedKeys(const model::Model& model, const model::Workspace& workspace, base::Diagnostics& diagnostics) {
  const model::DataTransformer& transformer = *workspace.transformer;
  const model::Datastore* output = model.FindDatastore(transformer.output.text);
  if (!transformer.code.mask || output == nullptr) return;
  for (const model::Dataset& dataset : output->datasets) {
    const auto rules = transformer.code.mask->rules.find(dataset.name);
    if (rules == transformer.code.mask->rules.end()) continue;
    for (const model::Name& key : dataset.key) {
      const auto rule = rules->second.find(key.text);
      if (rule == rules->second.end() || rule->second.kind == model::MaskRuleKind::kKeep ||
          rule->second.kind == model::MaskRuleKind::kPseudonym)
        continue;
      diagnostics.Error("Y620", rule->second.where,
                        "in mode incremental a masked key still tells rows apart, which this rule does not: " +
                            dataset.name + "." + key.text,
                        "use pseudonym, or {keep: reason}");
    }
  }
}

}  // namespace

void CheckIncremental(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer || workspace.transformer->mode != model::Mode::kIncremental) continue;
    CheckKeyed(model, workspace, diagnostics);
    CheckMaskedKeys(model, workspace, diagnostics);
  }
}

}  // namespace yellow::check
