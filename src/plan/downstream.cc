#include "plan/downstream.h"

#include <algorithm>
#include <set>

namespace yellow::plan {
namespace {

std::vector<std::string> Sorted(const std::set<std::string>& names) { return {names.begin(), names.end()}; }

bool Triggers(const Transformer& transformer, const std::string& stream) {
  return std::any_of(transformer.inputs.begin(), transformer.inputs.end(), [&](const TransformerInput& input) {
    return input.stream == stream && !input.reference && !input.own_output;
  });
}

bool Shows(const PlacedWorkspace& workspace, const Physical& physical, const std::string& key) {
  const Stream* stream = physical.FindStream(key);
  return stream != nullptr && workspace.platform == stream->platform &&
         std::any_of(workspace.views.begin(), workspace.views.end(), [&](const WorkspaceView& view) {
           return view.input.store == stream->store &&
                  (stream->dataset.empty() || view.input.dataset == stream->dataset);
         });
}

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) list += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return list;
}

}  // namespace

Downstream DownstreamOf(const Physical& physical, const std::string& key) {
  std::set<std::string> reached, transformers, stores, readers;
  std::vector<std::string> pending;
  const auto reach = [&](const std::string& stream) {
    if (reached.insert(stream).second) pending.push_back(stream);
  };
  const auto follow = [&](const Transformer& transformer) {
    const Stream* output = physical.FindStream(transformer.output_stream);
    if (output != nullptr) stores.insert(output->store);
    reach(transformer.output_stream);
  };
  if (const Transformer* transformer = physical.FindTransformer(key)) follow(*transformer);
  if (physical.FindStream(key) != nullptr) reach(key);
  while (!pending.empty()) {
    const std::string stream = pending.back();
    pending.pop_back();
    for (const Transformer& transformer : physical.transformers) {
      if (!Triggers(transformer, stream)) continue;
      transformers.insert(transformer.workspace);
      follow(transformer);
    }
  }
  for (const PlacedWorkspace& workspace : physical.workspaces) {
    const bool shows = std::any_of(reached.begin(), reached.end(),
                                   [&](const std::string& stream) { return Shows(workspace, physical, stream); });
    if (shows && transformers.count(workspace.workspace) == 0) readers.insert(workspace.workspace);
  }
  return {Sorted(transformers), Sorted(stores), Sorted(readers)};
}

std::string ToSentence(const Downstream& downstream) {
  std::string sentence;
  const auto add = [&](const std::string& part) { sentence += (sentence.empty() ? "" : ", ") + part; };
  if (!downstream.transformers.empty()) add("runs " + Listed(downstream.transformers));
  if (!downstream.stores.empty()) add("writes " + Listed(downstream.stores));
  if (!downstream.readers.empty()) add("is seen in " + Listed(downstream.readers));
  return sentence.empty() ? "nothing" : sentence;
}

}  // namespace yellow::plan
