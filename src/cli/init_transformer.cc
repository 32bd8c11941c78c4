#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/author_json.h"
#include "load/readers.h"
#include "model/name_rule.h"
#include "plan/new_transformer.h"

namespace yellow::cli {
namespace {

/// The dataset that a person names, or the only one of the sources.
model::DatasetAddress InputOf(const model::Model& model, const std::string& wanted) {
  std::vector<std::string> all;
  std::string list;
  for (const model::Datastore& store : model.datastores) {
    for (const model::Dataset& dataset : store.datasets) {
      const model::DatasetAddress address{store.name, dataset.name};
      const bool is_source = std::holds_alternative<model::SqlSnapshot>(store.capture);
      if (wanted.empty() && !is_source) continue;
      if (ToString(address) == wanted) return address;
      all.push_back(ToString(address));
      list += (list.empty() ? "" : ", ") + all.back();
    }
  }
  if (wanted.empty() && all.size() == 1) return *load::ParseAddress(all.front());
  if (all.empty())
    throw base::UsageError("the model has no dataset that a transformer could read")
        .Remedy("yellow import postgres --container NAME writes a Datastore from a database's catalogue");
  if (wanted.empty()) throw base::UsageError("which dataset? There are: " + list).Remedy("name one with --input");
  const std::string near = base::Suggest(wanted, all);
  throw base::UsageError("the model has no dataset " + wanted)
      .Remedy(near.empty() ? "there are: " + list : "did you mean " + near + "?");
}

void RequireFreeNames(const model::Model& model, const plan::NewTransformer& transformer) {
  const plan::NewTransformerNames names(transformer);
  for (const std::string& name : {transformer.name, names.readers, names.store}) {
    if (const std::string fault = model::NameFault(name); !fault.empty())
      throw base::UsageError("a name in a model " + fault + ": " + name);
    if (model.FindWorkspace(name) != nullptr || model.FindDatastore(name) != nullptr)
      throw base::UsageError("the model has a " + name + " already").Remedy("choose another name");
  }
}

}  // namespace

int InitTransformer(const Program& program, const Options& options, const InitTransformerOptions& init) {
  const Project project = OpenProject(program, options);
  const model::Model& model = project.loaded.model;
  plan::NewTransformer transformer;
  transformer.name = init.name;
  transformer.language = init.language == "python" ? plan::Language::kPython : plan::Language::kSql;
  transformer.input = InputOf(model, init.input);
  const std::string& file = model.FindDatastore(transformer.input.store)->where.file;
  transformer.folder = file.substr(0, file.rfind('/'));
  RequireFreeNames(model, transformer);
  const auto files = plan::FilesOf(transformer, *model.FindDataset(transformer.input));
  for (const auto& [path, text] : files) {
    if (program.files.Exists(project.root + "/" + path))
      throw base::UsageError("there is a file already: " + path).Remedy("choose another name");
  }
  for (const auto& [path, text] : files) program.files.WriteAtomically(project.root + "/" + path, text, false);
  if (options.json) {
    program.out << Printed(WrittenFileRecord().List(WrittenFiles(files)));
    return kDone;
  }
  program.out << fmt::format("Made transformer {}, which copies {}:\n", init.name, ToString(transformer.input));
  for (const auto& [path, text] : files) program.out << "  " << path << "\n";
  program.out << fmt::format(R"(
What next?
  yellow test {0}          # on the small tables of its tests
  yellow try {0}           # on today's data, when that is applied; commits nothing
  yellow run --apply
)",
                             init.name);
  return kDone;
}

}  // namespace yellow::cli
