#include "check/rules.h"

namespace yellow::check {

void CheckTransformers(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer) continue;
    const model::DataTransformer& transformer = *workspace.transformer;
    const model::Datastore* output = model.FindDatastore(transformer.output.text);
    if (transformer.mode == model::Mode::kIncremental) {
      diagnostics.Error("Y611", transformer.where,
                        "this version runs transformers in full mode only: " + workspace.name, "leave mode out");
    }
    if (output != nullptr && output->datasets.empty()) {
      diagnostics.Error("Y612", transformer.output.where, "the output has no datasets: " + transformer.output.text,
                        "name at least one");
    }
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
    }
    bool used = false;
    for (const model::Workspace& other : model.workspaces) {
      if (other.name == workspace.name) continue;
      for (const model::DatasetGroup& group : other.groups) {
        for (const model::DatasetSink& sink : group.sinks) used |= sink.dataset.store == transformer.output.text;
      }
    }
    if (!used) {
      diagnostics.Warning(
          "Y614", transformer.output.where,
          "nobody uses the output of " + workspace.name + ", so it never runs: " + transformer.output.text,
          "use it in another Workspace");
    }
    bool triggers = false;
    for (const model::DatasetGroup& group : workspace.groups) {
      for (const model::DatasetSink& sink : group.sinks)
        triggers |= !sink.reference && sink.dataset.store != transformer.output.text;
    }
    if (!triggers && transformer.trigger.kind != model::TriggerKind::kCron) {
      diagnostics.Warning(
          "Y615", workspace.where,
          "nothing triggers the transformer of " + workspace.name + ": all its inputs are references or its own output",
          "give it an input that triggers, or a cron trigger");
    }
  }
}

}  // namespace yellow::check
