#include "load/resolve.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/suggest.h"

namespace yellow::load {
namespace {

template <typename T>
std::vector<std::string> NamesOf(const std::vector<T>& items) {
  std::vector<std::string> names;
  for (const T& item : items) names.push_back(item.name);
  return names;
}

template <typename T>
void SortByName(std::vector<T>& items) {
  std::stable_sort(items.begin(), items.end(), [](const T& a, const T& b) { return a.name < b.name; });
}

/// Sorts and drops the later of two equal names, with a diagnostic.
template <typename T>
void SortUnique(std::vector<T>& items, const char* what, base::Diagnostics& diagnostics) {
  SortByName(items);
  std::vector<T> unique;
  for (T& item : items) {
    if (!unique.empty() && unique.back().name == item.name) {
      diagnostics.Error("Y301", item.where, std::string("this ") + what + " is declared twice: " + item.name,
                        "the other is in " + unique.back().where.file + ", line " +
                            std::to_string(unique.back().where.begin.line) + "; rename one");
    } else {
      unique.push_back(std::move(item));
    }
  }
  items = std::move(unique);
}

/// Finds drafts through chains of `like`; remembers which are under way, so that a cycle is seen.
class Outputs {
 public:
  Outputs(model::Model& model, std::vector<OutputDraft> drafts, base::Diagnostics& diagnostics)
      : model_(model), drafts_(std::move(drafts)), diagnostics_(diagnostics), state_(drafts_.size()) {}

  void Make() {
    for (size_t i = 0; i < drafts_.size(); ++i) Settle(i);
    for (OutputDraft& draft : drafts_) {
      for (model::Datastore& store : model_.datastores) {
        const auto* output = std::get_if<model::TransformerOutput>(&store.capture);
        if (output != nullptr && store.name == draft.store && output->workspace == draft.workspace)
          store.datasets.push_back(draft.dataset);
      }
    }
  }

 private:
  enum class State { kNew, kUnderWay, kDone };

  const OutputDraft* FindDraft(const model::DatasetAddress& address, size_t& index) const {
    for (index = 0; index < drafts_.size(); ++index) {
      if (drafts_[index].store == address.store && drafts_[index].dataset.name == address.dataset)
        return &drafts_[index];
    }
    return nullptr;
  }

  void Settle(size_t i) {
    if (state_[i] != State::kNew) return;
    state_[i] = State::kUnderWay;
    OutputDraft& draft = drafts_[i];
    if (draft.like) CopyFrom(draft);
    Declassify(draft);
    state_[i] = State::kDone;
  }

  void CopyFrom(OutputDraft& draft) {
    const auto address = ParseAddress(draft.like->text);
    const model::Dataset* origin = nullptr;
    size_t other = 0;
    if (address && FindDraft(*address, other) != nullptr) {
      if (state_[other] == State::kUnderWay) {
        diagnostics_.Error("Y303", draft.like->where,
                           "these datasets are like each other in a circle: " + draft.like->text,
                           "give one of them columns of its own");
        return;
      }
      Settle(other);
      origin = &drafts_[other].dataset;
    } else if (address) {
      origin = FindDeclared(*address);
    }
    if (origin == nullptr) {
      diagnostics_.Error("Y303", draft.like->where, "there is no such dataset: " + draft.like->text,
                         base::DidYouMean(draft.like->text, Addresses()));
      return;
    }
    for (const model::Name& dropped : draft.drop) {
      if (origin->FindColumn(dropped.text) == nullptr) {
        std::vector<std::string> columns;
        for (const model::Column& column : origin->columns) columns.push_back(column.name);
        diagnostics_.Error("Y303", dropped.where, "there is no such column to drop: " + dropped.text,
                           base::DidYouMean(dropped.text, columns));
      }
      if (std::any_of(origin->key.begin(), origin->key.end(),
                      [&](const auto& key) { return key.text == dropped.text; })) {
        diagnostics_.Error("Y411", dropped.where, "a column of the key cannot be dropped: " + dropped.text,
                           "keep it, or write key and columns in full");
      }
    }
    const auto is_dropped = [&](const std::string& column) {
      return std::any_of(draft.drop.begin(), draft.drop.end(),
                         [&](const model::Name& name) { return name.text == column; });
    };
    for (const model::Column& column : origin->columns) {
      if (is_dropped(column.name)) continue;
      model::Column copy = column;
      copy.from = copy.name;
      copy.where = draft.dataset.where;
      draft.dataset.columns.push_back(std::move(copy));
    }
    for (const model::Name& key : origin->key) {
      if (!is_dropped(key.text)) draft.dataset.key.push_back({key.text, draft.like->where});
    }
  }

  const model::Dataset* FindDeclared(const model::DatasetAddress& address) const {
    for (const model::Datastore& store : model_.datastores) {
      if (store.name == address.store && std::holds_alternative<model::SqlSnapshot>(store.capture))
        return store.FindDataset(address.dataset);
    }
    return nullptr;
  }

  std::vector<std::string> Addresses() const {
    std::vector<std::string> all;
    for (const model::Datastore& store : model_.datastores) {
      for (const model::Dataset& dataset : store.datasets) all.push_back(store.name + "." + dataset.name);
    }
    for (const OutputDraft& draft : drafts_) all.push_back(draft.store + "." + draft.dataset.name);
    return all;
  }

  /// What the transformer's owner declassifies, and what a mask rule other than keep has made harmless.
  void Declassify(OutputDraft& draft) {
    for (const model::Workspace& workspace : model_.workspaces) {
      if (workspace.name != draft.workspace || !workspace.transformer) continue;
      for (model::Column& column : draft.dataset.columns) {
        for (const model::Declassification& item : workspace.transformer->declassify) {
          for (const model::Name& pattern : item.columns) {
            if (pattern.text == draft.dataset.name + ".*" || pattern.text == draft.dataset.name + "." + column.name) {
              column.classes = {item.to};
            }
          }
        }
        if (!workspace.transformer->code.mask) continue;
        const auto& rules = workspace.transformer->code.mask->rules;
        const auto dataset = rules.find(draft.dataset.name);
        if (dataset == rules.end()) continue;
        const auto rule = dataset->second.find(column.name);
        if (rule != dataset->second.end()) column.classes = {{"internal", rule->second.where}};
      }
    }
  }

  model::Model& model_;
  std::vector<OutputDraft> drafts_;
  base::Diagnostics& diagnostics_;
  std::vector<State> state_;
};

void CheckName(const model::Name& name, const char* what, const std::vector<std::string>& known,
               base::Diagnostics& diagnostics) {
  if (name.text.empty() || std::find(known.begin(), known.end(), name.text) != known.end()) return;
  diagnostics.Error("Y303", name.where, std::string("there is no such ") + what + ": " + name.text,
                    base::DidYouMean(name.text, known));
}

void CheckSinks(const model::Model& model, const model::Workspace& workspace, base::Diagnostics& diagnostics) {
  const std::vector<std::string> stores = NamesOf(model.datastores);
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : group.sinks) {
      const model::Datastore* store = model.FindDatastore(sink.dataset.store);
      if (store == nullptr) {
        diagnostics.Error("Y303", sink.where, "there is no such Datastore: " + sink.dataset.store,
                          base::DidYouMean(sink.dataset.store, stores));
      } else if (sink.dataset.dataset != "*" && store->FindDataset(sink.dataset.dataset) == nullptr) {
        diagnostics.Error("Y303", sink.where,
                          "there is no such Dataset in " + store->name + ": " + sink.dataset.dataset,
                          base::DidYouMean(sink.dataset.dataset, NamesOf(store->datasets)));
      }
    }
  }
}

void CheckReferences(const model::Model& model, base::Diagnostics& diagnostics) {
  const std::vector<std::string> containers = NamesOf(model.containers);
  const std::vector<std::string> credentials = NamesOf(model.credentials);
  const std::vector<std::string> platforms = NamesOf(model.platforms);
  for (const model::DataPlatform& platform : model.platforms)
    CheckName(platform.container, "container", containers, diagnostics);
  for (const model::Datastore& store : model.datastores) {
    if (store.primary) CheckName(*store.primary, "platform", platforms, diagnostics);
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    const model::Guards& guards =
        snapshot != nullptr ? snapshot->guards : std::get<model::TransformerOutput>(store.capture).guards;
    for (const model::Name& name : guards.may_become_empty)
      CheckName(name, "dataset", NamesOf(store.datasets), diagnostics);
    if (snapshot == nullptr) continue;
    CheckName(snapshot->container, "container", containers, diagnostics);
    CheckName(snapshot->credential, "credential", credentials, diagnostics);
  }
  for (const model::Workspace& workspace : model.workspaces) {
    CheckSinks(model, workspace, diagnostics);
    if (workspace.container) CheckName(*workspace.container, "container", containers, diagnostics);
    for (const model::DatasetGroup& group : workspace.groups) {
      if (group.requirements.platform) CheckName(*group.requirements.platform, "platform", platforms, diagnostics);
    }
    if (!workspace.transformer) continue;
    if (!model.people.empty()) {
      for (const model::Declassification& item : workspace.transformer->declassify)
        CheckName(item.approved_by, "person", NamesOf(model.people), diagnostics);
    }
    if (workspace.transformer->platform)
      CheckName(*workspace.transformer->platform, "platform", platforms, diagnostics);
    for (const model::Name& credential : workspace.transformer->credentials)
      CheckName(credential, "credential", credentials, diagnostics);
    if (workspace.transformer->code.mask && workspace.transformer->code.mask->mask_key) {
      CheckName(*workspace.transformer->code.mask->mask_key, "credential", credentials, diagnostics);
    }
  }
  if (!model.environment) return;
  for (const model::ContainerPlace& place : model.environment->containers) {
    CheckName({place.container, place.where}, "container", containers, diagnostics);
  }
  for (const model::NoticeReceiver& receiver : model.environment->receivers) {
    const auto* mail = std::get_if<model::Mail>(&receiver.channel);
    if (mail != nullptr && mail->credential) CheckName(*mail->credential, "credential", credentials, diagnostics);
  }
  for (const model::CredentialPlace& place : model.environment->credentials) {
    CheckName({place.credential, place.where}, "credential", credentials, diagnostics);
  }
}

}  // namespace

void AddDefaults(model::Model& model, const std::string& environment, bool environment_read,
                 const std::vector<std::string>& environments, base::Diagnostics& diagnostics) {
  if (model.platforms.empty())
    model.platforms.push_back(
        {"Main", {"MergeDB", {}}, {model::Milestoning::kLive, model::Milestoning::kForensic}, {}});
  const bool has_merge =
      std::any_of(model.containers.begin(), model.containers.end(), [](const auto& c) { return c.name == "MergeDB"; });
  const bool needs_merge = std::any_of(model.platforms.begin(), model.platforms.end(),
                                       [](const auto& p) { return p.container.text == "MergeDB"; });
  if (!has_merge && needs_merge) model.containers.push_back({"MergeDB", {}, "merge", {}, {}});
  if (environment.empty() || environment_read) return;
  if (environment != "local") {
    diagnostics.Error("Y701", {"environments/" + environment + ".yaml", {}, {}},
                      "there is no such environment: " + environment,
                      environments.empty() ? "write the file, or leave --environment out"
                                           : base::DidYouMean(environment, environments));
    return;
  }
  model.environment.emplace();
  model.environment->name = "local";
  model.environment->containers.push_back({"MergeDB", model::EmbeddedServer{}, "", {}});
}

void Resolve(model::Model& model, std::vector<OutputDraft> outputs, base::Diagnostics& diagnostics) {
  Outputs(model, std::move(outputs), diagnostics).Make();
  for (model::Workspace& workspace : model.workspaces) {
    SortByName(workspace.groups);
    if (!workspace.transformer) continue;
    for (model::Datastore& store : model.datastores) {
      if (store.name == workspace.transformer->output.text &&
          std::holds_alternative<model::TransformerOutput>(store.capture)) {
        store.owner = workspace.owner;
        store.production = workspace.production;
      }
    }
  }
  for (model::Datastore& store : model.datastores) SortUnique(store.datasets, "dataset", diagnostics);
  SortUnique(model.datastores, "Datastore", diagnostics);
  SortUnique(model.workspaces, "Workspace", diagnostics);
  SortUnique(model.platforms, "platform", diagnostics);
  SortUnique(model.containers, "container", diagnostics);
  SortUnique(model.credentials, "credential", diagnostics);
  SortUnique(model.people, "person", diagnostics);
  std::sort(model.scopes.begin(), model.scopes.end(),
            [](const model::Scope& a, const model::Scope& b) { return a.Text() < b.Text(); });
  SortUnique(model.zones, "GovernanceZone", diagnostics);
  SortUnique(model.teams, "Team", diagnostics);
  CheckReferences(model, diagnostics);
}

}  // namespace yellow::load
