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

}  // namespace

void CheckIncremental(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer || workspace.transformer->mode != model::Mode::kIncremental) continue;
    CheckKeyed(model, workspace, diagnostics);
  }
}

}  // namespace yellow::check
