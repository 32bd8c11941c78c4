#include <algorithm>
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

/// A limit for set-aside rows means nothing where none are set aside, and what a source may do nothing where none is.
void CheckGuards(const model::Datastore& store, base::Diagnostics& diagnostics) {
  const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
  if (snapshot != nullptr) {
    if (snapshot->guards.max_rejected && snapshot->on_bad_rows != model::OnBadRows::kQuarantine) {
      diagnostics.Error("Y415", store.where,
                        "max_rejected limits rows that are set aside, and this store sets none "
                        "aside: " +
                            store.name,
                        "add on_bad_rows: quarantine, or leave max_rejected out");
    }
    return;
  }
  const model::Guards& guards = std::get<model::TransformerOutput>(store.capture).guards;
  if (guards.max_rejected)
    diagnostics.Error("Y415", store.where,
                      "the output of a transformer sets no rows aside, its tables refuse bad "
                      "ones: " +
                          store.name,
                      "leave max_rejected out");
  if (guards.may_go_back)
    diagnostics.Error("Y415", store.where,
                      "the output of a transformer has no source that could go back in time: " + store.name,
                      "leave may_go_back out, or write it at the stores that the transformer reads");
}

/// Who asks for history, and platforms that keep nothing else.
void CheckHistory(const model::Model& model, const graph::Built& built, base::Diagnostics& diagnostics) {
  for (const graph::PlacedGroup& placed : built.groups) {
    const model::DataPlatform& platform = *model.FindPlatform(placed.platform);
    const bool forensic_only = std::find(platform.milestoning.begin(), platform.milestoning.end(),
                                         model::Milestoning::kLive) == platform.milestoning.end();
    for (const model::DatasetGroup& group : model.FindWorkspace(placed.workspace)->groups) {
      if (group.name != placed.group) continue;
      if (!forensic_only && group.requirements.milestoning != model::Milestoning::kForensic) continue;
      for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
        const model::Dataset* dataset = model.FindDataset(sink.dataset);
        if (dataset == nullptr || dataset->columns.empty() || !dataset->key.empty()) continue;
        diagnostics.Error("Y414", sink.where, "a dataset without a key has no history: " + ToString(sink.dataset),
                          forensic_only ? "give it a key; platform " + platform.name + " offers history only"
                                        : "give it a key, or ask for live");
      }
    }
  }
}

}  // namespace

void CheckKeys(const model::Model& model, const graph::Built& built, base::Diagnostics& diagnostics) {
  CheckHistory(model, built, diagnostics);
  for (const model::Datastore& store : model.datastores) {
    CheckGuards(store, diagnostics);
    for (const model::Dataset& dataset : store.datasets) CheckDataset(store, dataset, diagnostics);
  }
}

}  // namespace yellow::check
