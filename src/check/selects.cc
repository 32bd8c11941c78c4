#include "check/rules.h"
#include "sql/names.h"
#include "sql/transformer_select.h"

// The SELECTs of sql transformers, against the inputs of their Workspaces; findings are at their place in the .sql
// file.
namespace yellow::check {
namespace {

/// Nothing when a sink names what is not there: that is said, and would only repeat itself in every SELECT.
std::optional<std::vector<sql::SelectInput>> InputsOf(const model::Model& model, const model::Workspace& workspace) {
  const bool incremental = workspace.transformer->mode == model::Mode::kIncremental;
  std::vector<sql::SelectInput> inputs;
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : group.sinks) {
      const model::Datastore* store = model.FindDatastore(sink.dataset.store);
      if (store == nullptr || (sink.dataset.dataset != "*" && store->FindDataset(sink.dataset.dataset) == nullptr))
        return std::nullopt;
    }
    for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
      const model::InputAddress input{group.name, sink.dataset.store, sink.dataset.dataset};
      inputs.push_back({input, sql::WorkspaceSchema(workspace.name), sql::InputView(input),
                        incremental ? sql::ChangesView(input) : ""});
    }
  }
  return inputs;
}

void CheckSelect(const model::DataTransformer& transformer, const std::vector<sql::SelectInput>& inputs,
                 const std::string& dataset, const Texts& texts, base::Diagnostics& diagnostics) {
  const std::string path = transformer.code.sql->folder + "/" + dataset + ".sql";
  const auto text = texts.find(path);
  if (text == texts.end()) {
    diagnostics.Error("Y616", transformer.code.where, "there is no SELECT for output dataset " + dataset + ": " + path,
                      "write the file");
    return;
  }
  const auto result = sql::RewriteSelect(text->second, inputs, transformer.mode);
  const auto* problems = std::get_if<std::vector<sql::SelectProblem>>(&result);
  if (problems == nullptr) return;
  for (const sql::SelectProblem& problem : *problems) {
    diagnostics.Error("Y616", {path, {problem.line, problem.column}, {problem.line, problem.column + 1}},
                      problem.message,
                      problem.remedy.empty() ? "names that are words of SQL need double quotes" : problem.remedy);
  }
}

}  // namespace

void CheckSelects(const model::Model& model, const Texts& texts, base::Diagnostics& diagnostics) {
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer || !workspace.transformer->code.sql) continue;
    const model::Datastore* output = model.FindDatastore(workspace.transformer->output.text);
    const auto inputs = InputsOf(model, workspace);
    if (output == nullptr || !inputs) continue;
    for (const model::Dataset& dataset : output->datasets)
      CheckSelect(*workspace.transformer, *inputs, dataset.name, texts, diagnostics);
  }
}

}  // namespace yellow::check
