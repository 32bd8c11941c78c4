#include <set>

#include "check/rules.h"

// What a Workspace uses, and what it says about it.
namespace yellow::check {
namespace {

/// A second mention would be dropped, with what it says.
void CheckRepeated(const model::Workspace& workspace, const model::DatasetGroup& group,
                   base::Diagnostics& diagnostics) {
  std::set<model::DatasetAddress> seen;
  for (const model::DatasetSink& sink : group.sinks) {
    if (!seen.insert(sink.dataset).second) {
      diagnostics.Error(
          "Y418", sink.where,
          "this sink stands twice in " + workspace.name + "." + group.name + ": " + ToString(sink.dataset), "keep one");
    }
    if (sink.dataset.dataset == "*" && !sink.alias.empty()) {
      diagnostics.Error("Y419", sink.where,
                        "as is a name for one dataset, and this is all of " + sink.dataset.store + ": " + sink.alias,
                        "name the dataset, or leave as out");
    }
  }
}

void CheckUse(const model::Model& model, const model::Workspace& workspace, const model::DatasetSink& sink,
              base::Diagnostics& diagnostics) {
  const model::Datastore* store = model.FindDatastore(sink.dataset.store);
  const model::Dataset* dataset = store == nullptr ? nullptr : store->FindDataset(sink.dataset.dataset);
  if (dataset == nullptr) return;
  if (dataset->deprecated && !sink.deprecated_allowed) {
    diagnostics.Error("Y416", sink.where, "this dataset is deprecated: " + ToString(sink.dataset),
                      "use another, or write {dataset: …, deprecated: allowed}");
  }
  const auto* output = std::get_if<model::TransformerOutput>(&store->capture);
  const bool own = output != nullptr && output->workspace == workspace.name;
  if (workspace.production && !store->production && !own) {
    diagnostics.Error("Y417", sink.where,
                      "a Workspace that is production uses production stores only, and this one is not: " + store->name,
                      output == nullptr
                          ? "say production: true in the Datastore, or leave it out here"
                          : "say production: true in Workspace " + output->workspace + ", or leave it out here");
  }
}

}  // namespace

void CheckSinks(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Workspace& workspace : model.workspaces) {
    for (const model::DatasetGroup& group : workspace.groups) {
      CheckRepeated(workspace, group, diagnostics);
      for (const model::DatasetSink& sink : ExpandSinks(model, group)) CheckUse(model, workspace, sink, diagnostics);
    }
  }
}

}  // namespace yellow::check
