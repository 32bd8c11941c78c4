#include "plan/erasure.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"

namespace yellow::plan {
namespace {

const model::Column* ColumnOf(const sql::TableLayout& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const model::Column& column) { return column.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

bool HasSameKey(const sql::TableLayout& one, const sql::TableLayout& other) {
  if (std::set(one.key.begin(), one.key.end()) != std::set(other.key.begin(), other.key.end())) return false;
  return std::all_of(one.key.begin(), one.key.end(),
                     [&](const std::string& name) { return ColumnOf(one, name)->type == ColumnOf(other, name)->type; });
}

/// A value of one is a value of the other, within their limits.
model::DataType KindOf(const model::Column& column) {
  model::DataType type = model::WithoutLimits(column.type);
  if (type.kind == model::TypeKind::kVarchar) type.kind = model::TypeKind::kText;
  return type;
}

/// A mask makes each output from the first input of its name, column by column.
bool KeepsKey(const model::DataTransformer& declared, const Transformer& transformer, const sql::TableLayout& from,
              const sql::TableLayout& output) {
  if (!declared.code.mask) return false;
  const auto input = std::find_if(
      transformer.inputs.begin(), transformer.inputs.end(),
      [&](const TransformerInput& one) { return !one.own_output && one.address.dataset == output.dataset.dataset; });
  if (input == transformer.inputs.end() || input->table.dataset != from.dataset || !HasSameKey(from, output))
    return false;
  const auto rules = declared.code.mask->rules.find(output.dataset.dataset);
  return std::all_of(output.key.begin(), output.key.end(), [&](const std::string& name) {
    if (rules == declared.code.mask->rules.end()) return true;
    const auto rule = rules->second.find(name);
    return rule == rules->second.end() || rule->second.kind == model::MaskRuleKind::kKeep;
  });
}

class ErasurePlanner {
 public:
  ErasurePlanner(const model::Model& model, const Physical& physical, const std::string& container)
      : model_(model), physical_(physical), container_(container) {}

  Erasure Plan(const model::DatasetAddress& dataset) {
    AddDataset(dataset);
    // Both grow while they are walked, so each is copied out.
    for (size_t i = 0; i < erasure_.datasets.size(); ++i) {
      const sql::TableLayout table = erasure_.datasets[i].table;
      FollowRow(table);
    }
    for (size_t i = 0; i < made_.size(); ++i) {
      const model::DatasetAddress made = made_[i].dataset;
      Follow(made, [&](const Transformer& transformer) {
        for (const sql::TableLayout& output : transformer.outputs) Made(output);
      });
    }
    std::map<model::DatasetAddress, sql::TableLayout> derived;
    for (const sql::TableLayout& one : made_)
      if (erased_.count(one.dataset) == 0) derived.emplace(one.dataset, one);
    for (auto& one : derived) erasure_.derived.push_back(std::move(one.second));
    erasure_.streams.assign(streams_.begin(), streams_.end());
    erasure_.transformers.assign(transformers_.begin(), transformers_.end());
    erasure_.run_again.assign(run_again_.begin(), run_again_.end());
    return std::move(erasure_);
  }

 private:
  void AddDataset(const model::DatasetAddress& dataset) {
    if (!erased_.insert(dataset).second) return;
    bool found = false;
    for (const Stream& stream : physical_.streams) {
      if (stream.container != container_) continue;
      for (const sql::TableLayout& table : stream.tables) {
        if (table.dataset != dataset) continue;
        erasure_.datasets.push_back({stream.key, table});
        streams_.insert(stream.key);
        // What it has made, and not been taken in yet, holds the row as well.
        for (const Transformer& writer : physical_.transformers)
          if (writer.output_stream == stream.key) transformers_.insert(writer.key);
        found = true;
      }
    }
    if (!found) AddUnused(dataset);
  }

  /// A dataset that nobody uses any more keeps its table.
  void AddUnused(const model::DatasetAddress& dataset) {
    const model::Datastore* store = model_.FindDatastore(dataset.store);
    YELLOW_CHECK(store != nullptr && store->FindDataset(dataset.dataset) != nullptr);
    for (const model::DataPlatform& platform : model_.platforms) {
      if (platform.container.text != container_) continue;
      erasure_.datasets.push_back({"", sql::MakeLayout(platform.name, *store, *store->FindDataset(dataset.dataset),
                                                       model::Milestoning::kLive, false, false)});
    }
  }

  static bool Reads(const Transformer& transformer, const model::DatasetAddress& dataset) {
    return std::any_of(transformer.inputs.begin(), transformer.inputs.end(),
                       [&](const TransformerInput& input) { return input.table.dataset == dataset; });
  }

  void Follow(const model::DatasetAddress& dataset, auto each) {
    for (const Transformer& transformer : physical_.transformers) {
      if (transformer.container != container_ || !Reads(transformer, dataset)) continue;
      transformers_.insert(transformer.key);
      streams_.insert(transformer.output_stream);
      each(transformer);
    }
  }

  void FollowRow(const sql::TableLayout& from) {
    Follow(from.dataset, [&](const Transformer& transformer) {
      run_again_.insert(transformer.key);
      const model::DataTransformer& declared = *model_.FindWorkspace(transformer.workspace)->transformer;
      for (const sql::TableLayout& output : transformer.outputs) {
        if (KeepsKey(declared, transformer, from, output))
          AddDataset(output.dataset);
        else if (!declared.code.mask || output.dataset.dataset == from.dataset.dataset)
          Made(output);
      }
    });
  }

  void Made(const sql::TableLayout& output) {
    const bool known = std::any_of(made_.begin(), made_.end(),
                                   [&](const sql::TableLayout& one) { return one.dataset == output.dataset; });
    if (!known) made_.push_back(output);
  }

  const model::Model& model_;
  const Physical& physical_;
  const std::string& container_;
  Erasure erasure_;
  std::vector<sql::TableLayout> made_;
  std::set<model::DatasetAddress> erased_;
  std::set<std::string> streams_, transformers_, run_again_;
};

}  // namespace

Erasure PlanErasure(const model::Model& model, const Physical& physical, const model::DatasetAddress& dataset,
                    const std::string& container) {
  return ErasurePlanner(model, physical, container).Plan(dataset);
}

std::vector<std::vector<std::string>> NamesOfTheKey(const sql::TableLayout& table, const sql::TableLayout& from) {
  std::vector<std::vector<std::string>> names;
  const bool by_name = std::all_of(from.key.begin(), from.key.end(), [&](const std::string& name) {
    const model::Column* column = ColumnOf(table, name);
    return column != nullptr && KindOf(*column) == KindOf(*ColumnOf(from, name));
  });
  if (by_name) names.push_back(from.key);
  if (from.key.size() != 1) return names;
  const model::Column& only = *ColumnOf(from, from.key.front());
  for (const model::Column& column : table.columns)
    if (column.name != only.name && KindOf(column) == KindOf(only)) names.push_back({column.name});
  return names;
}

}  // namespace yellow::plan
