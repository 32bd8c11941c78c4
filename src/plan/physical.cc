#include "plan/physical.h"

#include <algorithm>

#include "base/digest.h"
#include "plan/test_cases.h"
#include "sql/names.h"

namespace yellow::plan {
namespace {

using graph::NodeKind;

const graph::DatasetNeed* FindNeed(const graph::IntentionGraph& graph, const model::DatasetAddress& address) {
  for (const graph::DatasetNeed& need : graph.needs()) {
    if (need.dataset == address) return &need;
  }
  return nullptr;
}

sql::TableLayout LayoutOf(const model::Model& model, const graph::IntentionGraph& graph,
                          const model::DatasetAddress& address) {
  const model::Datastore& store = *model.FindDatastore(address.store);
  const graph::DatasetNeed* need = FindNeed(graph, address);
  bool incremental_output = false;
  if (const auto* output = std::get_if<model::TransformerOutput>(&store.capture)) {
    incremental_output = model.FindWorkspace(output->workspace)->transformer->mode == model::Mode::kIncremental;
  }
  return sql::MakeLayout(graph.platform(), store, *store.FindDataset(address.dataset),
                         need != nullptr ? need->milestoning : model::Milestoning::kLive,
                         need != nullptr && need->changes, incremental_output);
}

std::string StreamKey(const graph::IntentionGraph& graph, const model::Datastore& store, const std::string& dataset) {
  return "Ingest/" + graph.platform() + "/" + store.name + (store.multi_dataset() ? "" : "/" + dataset);
}

Stream StreamOf(const model::Model& model, const graph::IntentionGraph& graph, const graph::Node& node) {
  Stream stream;
  stream.key = node.key;
  stream.platform = graph.platform();
  stream.container = model.FindPlatform(graph.platform())->container.text;
  stream.store = node.store;
  stream.dataset = node.dataset;
  const model::Datastore& store = *model.FindDatastore(node.store);
  if (const auto* output = std::get_if<model::TransformerOutput>(&store.capture)) stream.workspace = output->workspace;
  for (const graph::DatasetNeed& need : graph.needs()) {
    if (need.dataset.store != node.store || (!node.dataset.empty() && need.dataset.dataset != node.dataset)) continue;
    stream.tables.push_back(LayoutOf(model, graph, need.dataset));
  }
  return stream;
}

bool Exports(const graph::IntentionGraph& graph, const std::string& container, const model::DatasetAddress& address) {
  return graph.Find("Export/" + graph.platform() + "/" + container + "/" + address.store + "/" + address.dataset)
      .has_value();
}

/// Adds the views of one group to its workspace.
void AddViews(const model::Model& model, const graph::IntentionGraph& graph, const model::Workspace& workspace,
              const model::DatasetGroup& group, bool transforms, PlacedWorkspace& placed) {
  for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
    if (!Exports(graph, placed.container, sink.dataset)) continue;
    const model::InputAddress input{group.name, sink.dataset.store, sink.dataset.dataset};
    const sql::TableLayout table = LayoutOf(model, graph, sink.dataset);
    using Kind = WorkspaceView::Kind;
    placed.views.push_back({sql::InputView(input), input, Kind::kCurrent, table});
    if (group.requirements.milestoning == model::Milestoning::kForensic) {
      placed.views.push_back({sql::HistoryView(input), input, Kind::kHistory, table});
    }
    if (transforms && workspace.transformer->mode == model::Mode::kIncremental) {
      placed.views.push_back({sql::ChangesView(input), input, Kind::kChanges, table});
    }
    if (!sink.alias.empty()) placed.views.push_back({sql::AliasView(sink.alias), input, Kind::kAlias, table});
  }
}

const graph::IntentionGraph* GraphOf(const graph::Built& built, const std::string& platform) {
  for (const graph::IntentionGraph& graph : built.graphs) {
    if (graph.platform() == platform) return &graph;
  }
  return nullptr;
}

std::string DescribeColumns(const sql::TableLayout& table) {
  std::string text;
  for (const model::Column& column : table.columns)
    text += column.name + " " + model::ToSql(column.type) + (column.not_null ? " not null" : "") + "\n";
  text += "key";
  for (const std::string& column : table.key) text += " " + column;
  return text + "\n";
}

/// The code's own text: files below its folder, rules, image.
std::string DescribeCode(const model::Code& code, const model::Environment* environment,
                         const std::map<std::string, std::string>& files) {
  std::string text;
  const auto folder = [&](const std::string& name) {
    for (const auto& [path, content] : files) {
      if (path.starts_with(name + "/") && !IsFixture(name, path)) text += path + " " + base::Sha256Hex(content) + "\n";
    }
  };
  if (code.sql) text += "sql\n", folder(code.sql->folder);
  if (code.process) {
    text += "source";
    for (const std::string& word : code.process->command) text += " " + base::Sha256Hex(word);
    text += "\n";
    folder(code.process->folder);
  }
  if (code.image) {
    text += "image " + (environment != nullptr ? environment->ImageOf(code.image->image) : code.image->image);
    for (const std::string& word : code.image->command) text += " " + base::Sha256Hex(word);
    text += "\n";
  }
  for (const std::string& word : code.arguments) text += "argument " + base::Sha256Hex(word) + "\n";
  for (const auto& [name, value] : code.environment) text += "variable " + name + " " + base::Sha256Hex(value) + "\n";
  if (code.mask) {
    for (const auto& [dataset, rules] : code.mask->rules) {
      for (const auto& [column, rule] : rules) {
        text += "mask " + dataset + "." + column + " " + std::to_string(static_cast<int>(rule.kind)) + " " +
                std::to_string(rule.last) + "\n";
      }
    }
    if (code.mask->mask_key) text += "mask_key " + code.mask->mask_key->text + "\n";
  }
  return text;
}

std::string DefinitionOf(const model::Model& model, const graph::IntentionGraph& graph,
                         const model::DataTransformer& transformer, const Transformer& placed,
                         const std::map<std::string, std::string>& files) {
  std::string text = DescribeCode(transformer.code, model.environment ? &*model.environment : nullptr, files);
  text += transformer.mode == model::Mode::kFull ? "full\n" : "incremental\n";
  for (const TransformerInput& input : placed.inputs)
    text += "input " + ToString(input.address) + "\n" + DescribeColumns(input.table);
  for (const sql::TableLayout& output : placed.outputs) {
    text += "output " + ToString(output.dataset) + "\n" + DescribeColumns(output);
    // A dataset that nobody has used so far is empty, and changes alone would not fill it.
    if (output.incremental_output && FindNeed(graph, output.dataset) != nullptr) text += "merged\n";
  }
  return base::Sha256Hex(text);
}

Transformer TransformerOf(const model::Model& model, const graph::IntentionGraph& graph, const graph::Node& node,
                          const std::map<std::string, std::string>& files) {
  const model::Workspace& workspace = *model.FindWorkspace(node.workspace);
  const model::Datastore& store = *model.FindDatastore(workspace.transformer->output.text);
  Transformer placed;
  placed.key = node.key;
  placed.workspace = node.workspace;
  placed.platform = graph.platform();
  placed.container = model.FindPlatform(graph.platform())->container.text;
  placed.workspace_schema = sql::WorkspaceSchema(workspace.name);
  placed.output_stream = StreamKey(graph, store, "");
  placed.priority = node.priority;
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
      TransformerInput input;
      input.address = {group.name, sink.dataset.store, sink.dataset.dataset};
      input.own_output = sink.dataset.store == store.name;
      input.stream = StreamKey(graph, *model.FindDatastore(sink.dataset.store), sink.dataset.dataset);
      input.table = LayoutOf(model, graph, sink.dataset);
      input.reference = sink.reference;
      input.view = sql::InputView(input.address);
      if (group.requirements.milestoning == model::Milestoning::kForensic)
        input.history_view = sql::HistoryView(input.address);
      if (workspace.transformer->mode == model::Mode::kIncremental)
        input.changes_view = sql::ChangesView(input.address);
      placed.inputs.push_back(std::move(input));
    }
  }
  std::sort(placed.inputs.begin(), placed.inputs.end(),
            [](const auto& a, const auto& b) { return a.address < b.address; });
  for (const model::Dataset& dataset : store.datasets)
    placed.outputs.push_back(LayoutOf(model, graph, {store.name, dataset.name}));
  placed.definition = DefinitionOf(model, graph, *workspace.transformer, placed, files);
  return placed;
}

}  // namespace

const Stream* Physical::FindStream(const std::string& key) const {
  for (const Stream& stream : streams) {
    if (stream.key == key) return &stream;
  }
  return nullptr;
}

const Transformer* Physical::FindTransformer(const std::string& key) const {
  for (const Transformer& transformer : transformers) {
    if (transformer.key == key) return &transformer;
  }
  return nullptr;
}

std::vector<sql::SelectInput> SelectInputs(const Transformer& transformer) {
  std::vector<sql::SelectInput> inputs;
  for (const TransformerInput& input : transformer.inputs)
    inputs.push_back({input.address, transformer.workspace_schema, input.view, input.changes_view});
  return inputs;
}

Physical Lay(const model::Model& model, const graph::Built& built, const std::map<std::string, std::string>& files) {
  Physical physical;
  for (const graph::IntentionGraph& graph : built.graphs) {
    for (const graph::Node& node : graph.nodes()) {
      if (node.kind == NodeKind::kIngest) physical.streams.push_back(StreamOf(model, graph, node));
      if (node.kind == NodeKind::kTransform) physical.transformers.push_back(TransformerOf(model, graph, node, files));
    }
  }
  for (const model::Scope& scope : model.scopes) {
    if (scope.kind == model::ScopeKind::kStageRead)
      for (Stream& stream : physical.streams) stream.staging_readers |= stream.store == scope.object;
    if (scope.kind == model::ScopeKind::kDtRead)
      for (Transformer& one : physical.transformers) one.output_readers |= one.workspace == scope.object;
  }
  for (const graph::PlacedGroup& group : built.groups) {
    const graph::IntentionGraph* graph = GraphOf(built, group.platform);
    if (graph == nullptr) continue;
    const model::Workspace& workspace = *model.FindWorkspace(group.workspace);
    auto placed = std::find_if(physical.workspaces.begin(), physical.workspaces.end(), [&](const PlacedWorkspace& w) {
      return w.workspace == group.workspace && w.platform == group.platform;
    });
    if (placed == physical.workspaces.end()) {
      PlacedWorkspace fresh{
          workspace.name, group.platform, group.container, sql::WorkspaceSchema(workspace.name), {}, {}};
      for (const model::Name& reader : workspace.readers) fresh.readers.push_back(reader.text);
      placed = physical.workspaces.insert(placed, std::move(fresh));
    }
    const bool transforms = graph->Find("Transform/" + group.platform + "/" + workspace.name).has_value();
    for (const model::DatasetGroup& declared : workspace.groups) {
      if (declared.name == group.group) AddViews(model, *graph, workspace, declared, transforms, *placed);
    }
  }
  for (PlacedWorkspace& workspace : physical.workspaces) {
    std::sort(workspace.views.begin(), workspace.views.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
  }
  std::sort(physical.streams.begin(), physical.streams.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  std::sort(physical.transformers.begin(), physical.transformers.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  std::sort(physical.workspaces.begin(), physical.workspaces.end(), [](const auto& a, const auto& b) {
    return std::tie(a.workspace, a.platform) < std::tie(b.workspace, b.platform);
  });
  return physical;
}

}  // namespace yellow::plan
