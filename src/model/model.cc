#include "model/model.h"

#include <algorithm>
#include <set>

namespace yellow::model {
namespace {

template <typename T>
const T* FindByName(const std::vector<T>& sorted, const std::string& name) {
  const auto found = std::lower_bound(sorted.begin(), sorted.end(), name,
                                      [](const T& item, const std::string& wanted) { return item.name < wanted; });
  return found != sorted.end() && found->name == name ? &*found : nullptr;
}

}  // namespace

const Datastore* Model::FindDatastore(const std::string& name) const { return FindByName(datastores, name); }
const Workspace* Model::FindWorkspace(const std::string& name) const { return FindByName(workspaces, name); }
const DataPlatform* Model::FindPlatform(const std::string& name) const { return FindByName(platforms, name); }
const DataContainer* Model::FindContainer(const std::string& name) const { return FindByName(containers, name); }
const Credential* Model::FindCredential(const std::string& name) const { return FindByName(credentials, name); }

const Dataset* Model::FindDataset(const DatasetAddress& address) const {
  const Datastore* store = FindDatastore(address.store);
  return store == nullptr ? nullptr : store->FindDataset(address.dataset);
}

std::vector<DatasetSink> ExpandSinks(const Model& model, const DatasetGroup& group) {
  std::set<DatasetAddress> named;
  for (const DatasetSink& sink : group.sinks) {
    if (sink.dataset.dataset != "*") named.insert(sink.dataset);
  }
  std::set<DatasetAddress> taken;
  std::vector<DatasetSink> sinks;
  for (const DatasetSink& sink : group.sinks) {
    if (sink.dataset.dataset != "*") {
      if (taken.insert(sink.dataset).second) sinks.push_back(sink);
      continue;
    }
    const Datastore* store = model.FindDatastore(sink.dataset.store);
    if (store == nullptr) continue;
    for (const Dataset& dataset : store->datasets) {
      const DatasetAddress address{store->name, dataset.name};
      if (named.count(address) != 0 || !taken.insert(address).second) continue;
      DatasetSink expanded = sink;
      expanded.dataset = address;
      sinks.push_back(std::move(expanded));
    }
  }
  return sinks;
}

bool IsInClass(const std::string& word, const std::string& family) {
  return word == family || (word.size() > family.size() && word.starts_with(family) && word[family.size()] == '.');
}

const Name* RestrictedClass(const Ecosystem& ecosystem, const Column& column) {
  for (const Name& word : column.classes) {
    for (const Name& family : ecosystem.restricted_classes) {
      if (IsInClass(word.text, family.text)) return &word;
    }
  }
  return nullptr;
}

std::string_view Word(NoticeEvent event) {
  switch (event) {
    case NoticeEvent::kHeld:
      return "held";
    case NoticeEvent::kFailed:
      return "failed";
    case NoticeEvent::kStale:
      return "stale";
    case NoticeEvent::kAccess:
      return "access";
  }
  return {};
}

}  // namespace yellow::model
