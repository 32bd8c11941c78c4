#include "cli/transformer_sql.h"

#include "graph/intention_graph.h"
#include "plan/physical.h"
#include "sql/transformer_select.h"

namespace yellow::cli {
namespace {

void CheckOne(const plan::Transformer& transformer, const sql::TableLayout& output, const std::string& folder,
              const model::DataTransformer& declared, const load::Files& files, base::Diagnostics& diagnostics) {
  const std::string path = folder + "/" + output.dataset.dataset + ".sql";
  const auto text = files.find(path);
  if (text == files.end()) {
    diagnostics.Error("Y616", declared.code.where,
                      "there is no SELECT for output dataset " + output.dataset.dataset + ": " + path,
                      "write the file");
    return;
  }
  const auto result = sql::RewriteSelect(text->second, plan::SelectInputs(transformer), declared.mode);
  const auto* problems = std::get_if<std::vector<sql::SelectProblem>>(&result);
  if (problems == nullptr) return;
  for (const sql::SelectProblem& problem : *problems) {
    diagnostics.Error("Y616", {path, {problem.line, problem.column}, {problem.line, problem.column + 1}},
                      problem.message,
                      problem.remedy.empty() ? "names that are words of SQL need double quotes" : problem.remedy);
  }
}

}  // namespace

base::Diagnostics CheckTransformerSql(const model::Model& model, const load::Files& files) {
  base::Diagnostics diagnostics;
  const plan::Physical physical = plan::Lay(model, graph::Build(model), files);
  for (const plan::Transformer& transformer : physical.transformers) {
    const model::DataTransformer& declared = *model.FindWorkspace(transformer.workspace)->transformer;
    if (!declared.code.sql) continue;
    for (const sql::TableLayout& output : transformer.outputs) {
      CheckOne(transformer, output, declared.code.sql->folder, declared, files, diagnostics);
    }
  }
  return diagnostics;
}

}  // namespace yellow::cli
