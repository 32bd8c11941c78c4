#include <set>

#include "check/rules.h"

namespace yellow::check {
namespace {

bool HasFiles(const Texts& texts, const std::string& folder) {
  const auto first = texts.lower_bound(folder + "/");
  return first != texts.end() && first->first.starts_with(folder + "/");
}

void CheckCode(const model::Workspace& workspace, const Texts& texts, base::Diagnostics& diagnostics) {
  const model::DataTransformer& transformer = *workspace.transformer;
  if (transformer.code.process && !HasFiles(texts, transformer.code.process->folder)) {
    diagnostics.Error("Y618", transformer.code.where,
                      "there is no code in this folder: " + transformer.code.process->folder,
                      "put it there, or name the folder beside this file that has it");
  }
}

void CheckDeclassification(const model::DataTransformer& transformer, const model::Datastore* output,
                           base::Diagnostics& diagnostics) {
  for (const model::Declassification& item : transformer.declassify) {
    for (const model::Name& pattern : item.columns) {
      const size_t dot = pattern.text.find('.');
      const model::Dataset* dataset =
          output == nullptr || dot == std::string::npos ? nullptr : output->FindDataset(pattern.text.substr(0, dot));
      if (dataset != nullptr &&
          (pattern.text.substr(dot + 1) == "*" || dataset->FindColumn(pattern.text.substr(dot + 1)) != nullptr))
        continue;
      diagnostics.Error("Y613", pattern.where,
                        "declassify names a column that the output does not have: " + pattern.text,
                        "write dataset.column, or dataset.*");
    }
    if (item.reason.empty())
      diagnostics.Error("Y613", item.where, "declassify needs a reason", "say why the columns may be seen");
  }
}

/// Outputs that a Workspace other than the one that writes them uses.
std::set<std::string> UsedOutputs(const model::Model& model) {
  std::set<std::string> used;
  for (const model::Workspace& workspace : model.workspaces) {
    for (const model::DatasetGroup& group : workspace.groups) {
      for (const model::DatasetSink& sink : group.sinks) {
        if (!workspace.transformer || sink.dataset.store != workspace.transformer->output.text)
          used.insert(sink.dataset.store);
      }
    }
  }
  return used;
}

/// Of an output that is used: the datasets that no Workspace reads, its own included. They are written all the same,
/// and go no further.
void CheckUnusedDatasets(const model::Model& model, const model::Workspace& workspace, const model::Datastore& output,
                         base::Diagnostics& diagnostics) {
  std::set<std::string> used;
  for (const model::Workspace& reader : model.workspaces) {
    for (const model::DatasetGroup& group : reader.groups) {
      for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
        if (sink.dataset.store == output.name) used.insert(sink.dataset.dataset);
      }
    }
  }
  for (const model::Dataset& dataset : output.datasets) {
    if (used.count(dataset.name) != 0) continue;
    diagnostics.Warning("Y622", dataset.where,
                        "nobody uses this dataset, so what " + workspace.name +
                            " writes into it goes no further: " + output.name + "." + dataset.name,
                        "use it in a Workspace, or take it out of the output");
  }
}

bool HasTriggeringInput(const model::Workspace& workspace) {
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : group.sinks) {
      if (!sink.reference && sink.dataset.store != workspace.transformer->output.text) return true;
    }
  }
  return false;
}

}  // namespace

void CheckTransformers(const model::Model& model, const Texts& texts, base::Diagnostics& diagnostics) {
  const std::set<std::string> used = UsedOutputs(model);
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer) continue;
    const model::DataTransformer& transformer = *workspace.transformer;
    const model::Datastore* output = model.FindDatastore(transformer.output.text);
    CheckCode(workspace, texts, diagnostics);
    CheckDeclassification(transformer, output, diagnostics);
    if (output != nullptr && output->datasets.empty()) {
      diagnostics.Error("Y612", transformer.output.where, "the output has no datasets: " + transformer.output.text,
                        "name at least one");
    }
    if (used.count(transformer.output.text) == 0) {
      diagnostics.Warning(
          "Y614", transformer.output.where,
          "nobody uses the output of " + workspace.name + ", so it never runs: " + transformer.output.text,
          "use it in another Workspace");
    } else if (output != nullptr) {
      CheckUnusedDatasets(model, workspace, *output, diagnostics);
    }
    if (!HasTriggeringInput(workspace) && transformer.trigger.kind != model::TriggerKind::kCron) {
      diagnostics.Warning(
          "Y615", workspace.where,
          "nothing triggers the transformer of " + workspace.name + ": all its inputs are references or its own output",
          "give it an input that triggers, or a cron trigger");
    }
  }
}

}  // namespace yellow::check
