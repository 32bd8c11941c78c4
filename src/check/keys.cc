#include <set>

#include "check/rules.h"

namespace yellow::check {
namespace {

bool CanBeKey(const model::DataType& type) { return type.kind != model::TypeKind::kJson; }

void CheckDataset(const model::Datastore& store, const model::Dataset& dataset, base::Diagnostics& diagnostics) {
  const std::string address = store.name + "." + dataset.name;
  if (dataset.columns.empty()) return;  // what it is like was not found: said elsewhere
  if (dataset.key.empty()) {
    diagnostics.Warning("Y413", dataset.where, "this dataset has no key: " + address,
                        "its rows are compared as a whole and can be kept live only; name a key if there is one");
  }
  std::set<std::string> seen;
  for (const model::Name& key : dataset.key) {
    const model::Column* column = dataset.FindColumn(key.text);
    if (column == nullptr) {
      diagnostics.Error("Y411", key.where, "the key names a column that " + address + " does not have: " + key.text,
                        "add the column, or take it out of the key");
    } else if (!CanBeKey(column->type)) {
      diagnostics.Error("Y412", key.where,
                        "a column of type " + model::ToSql(column->type) + " cannot be in a key: " + key.text,
                        "use jsonb, or another column");
    }
    if (!seen.insert(key.text).second)
      diagnostics.Error("Y411", key.where, "the key names a column twice: " + key.text, "keep one");
  }
}

}  // namespace

void CheckKeys(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Datastore& store : model.datastores) {
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    if (snapshot != nullptr && snapshot->on_bad_rows == model::OnBadRows::kQuarantine) {
      diagnostics.Error("Y705", store.where,
                        "this version holds a batch with bad rows and sets none aside: " + store.name,
                        "leave on_bad_rows out");
    }
    for (const model::Dataset& dataset : store.datasets) CheckDataset(store, dataset, diagnostics);
  }
  for (const model::Workspace& workspace : model.workspaces) {
    for (const model::DatasetGroup& group : workspace.groups) {
      if (group.requirements.milestoning != model::Milestoning::kForensic) continue;
      for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
        const model::Dataset* dataset = model.FindDataset(sink.dataset);
        if (dataset == nullptr || !dataset->key.empty()) continue;
        diagnostics.Error("Y414", sink.where, "a dataset without a key has no history: " + ToString(sink.dataset),
                          "give it a key, or ask for live");
      }
    }
  }
}

}  // namespace yellow::check
