#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "base/suggest.h"
#include "check/check.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/views/author_json.h"
#include "load/datastore_text.h"
#include "model/name_rule.h"
#include "plan/import.h"
#include "plan/source_names.h"
#include "run/source_catalogue.h"

namespace yellow::cli {
namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string EnvironmentFile(const Project& project) { return "environments/" + project.environment + ".yaml"; }

/// Where a team's containers and credentials are declared already, or may be.
std::string TeamFile(const model::Model& model) {
  for (const model::DataContainer& container : model.containers) {
    if (container.owner.team == "Default" && !container.where.file.empty()) return container.where.file;
  }
  return "model/team.yaml";
}

std::string InModel(const Project& project, const std::string& container, const std::string& credential) {
  std::string lines = "add to " + TeamFile(project.loaded.model) + " (kind: Team, name: Default):\n";
  if (!container.empty()) lines += "      containers: {" + container + ": {postgres: {database: NAME}}}\n";
  return lines + "      credentials: {" + credential + ": {type: user_password}}\n    and ";
}

std::string InEnvironment(const Project& project, const std::string& container, const std::string& credential,
                          const std::string& variable) {
  std::string lines = "add to " + EnvironmentFile(project) + " (kind: Environment, name: " + project.environment + "):";
  if (!container.empty()) lines += "\n      containers: {" + container + ": {host: HOST, port: 5432}}";
  if (!credential.empty())
    lines += "\n      credentials: {" + credential + ": {env: " + variable + "}}     # " + variable + "_USER, " +
             variable + "_PASSWORD";
  return lines;
}

const model::DataContainer& ContainerOf(const Project& project, const ImportOptions& import) {
  const model::Model& model = project.loaded.model;
  if (const model::DataContainer* container = model.FindContainer(import.container)) return *container;
  std::vector<std::string> names;
  for (const model::DataContainer& container : model.containers) names.push_back(container.name);
  const std::string near = base::Suggest(import.container, names);
  const std::string credential =
      import.credential.empty() ? plan::CredentialNameFor(import.container) : import.credential;
  throw base::UsageError("the model has no container " + import.container)
      .Remedy((near.empty() ? "" : "did you mean " + near + "? If not, ") +
              InModel(project, import.container, credential) +
              InEnvironment(project, import.container, credential, plan::VariablesFor(import.container)));
}

/// The Datastore that `--update` adds to, or the one whose name is taken.
const model::Datastore* StoreOf(const model::Model& model, const ImportOptions& import) {
  const model::Datastore* only = nullptr;
  for (const model::Datastore& store : model.datastores) {
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    if (snapshot == nullptr || snapshot->container.text != import.container) continue;
    if (!import.store.empty() && store.name != import.store) continue;
    if (!import.schema.empty() && snapshot->schema != import.schema) continue;
    if (only != nullptr)
      throw base::UsageError("several Datastores read container " + import.container + ": " + only->name + ", " +
                             store.name)
          .Remedy("name one with --store");
    only = &store;
  }
  if (only != nullptr) return only;
  throw base::UsageError("no Datastore of the model reads container " + import.container +
                         (import.schema.empty() ? "" : ", schema " + import.schema) + " yet")
      .Remedy("leave --update out to write one");
}

bool MayUse(const model::Owner& user, const model::Owner& owner) {
  return owner.zone.empty() || (owner.zone == user.zone && (owner.team.empty() || owner.team == user.team));
}

std::string CredentialOf(const Project& project, const model::DataContainer& container, const ImportOptions& import,
                         const model::Datastore* existing) {
  const model::Model& model = project.loaded.model;
  std::string suggested = plan::CredentialNameFor(container.name);
  const std::string variables = plan::VariablesFor(container.name);
  if (!import.credential.empty()) {
    if (model.FindCredential(import.credential) != nullptr) return import.credential;
    throw base::UsageError("the model has no credential " + import.credential)
        .Remedy(InModel(project, "", import.credential) + InEnvironment(project, "", import.credential, variables));
  }
  if (existing != nullptr) return std::get<model::SqlSnapshot>(existing->capture).credential.text;
  for (const model::Datastore& store : model.datastores) {
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    if (snapshot != nullptr && snapshot->container.text == container.name) return snapshot->credential.text;
  }
  std::vector<std::string> fit;
  std::string list;
  for (const model::Credential& credential : model.credentials) {
    if (credential.type != model::CredentialType::kUserPassword || !MayUse(container.owner, credential.owner)) continue;
    fit.push_back(credential.name);
    list += (list.empty() ? "" : ", ") + credential.name;
  }
  if (fit.size() == 1) return fit.front();
  if (std::find(fit.begin(), fit.end(), suggested) != fit.end()) return suggested;
  if (!fit.empty()) throw base::UsageError("which credential? There are: " + list).Remedy("name one with --credential");
  throw base::UsageError("the model has no credential to read " + container.name + " with")
      .Remedy(InModel(project, "", suggested) + InEnvironment(project, "", suggested, variables));
}

void RequirePlaces(const Project& project, const std::string& container, const std::string& credential) {
  const auto& environment = project.loaded.model.environment;
  const bool has_container = environment && environment->FindContainer(container) != nullptr;
  const bool has_credential =
      environment && std::any_of(environment->credentials.begin(), environment->credentials.end(),
                                 [&](const auto& place) { return place.credential == credential; });
  if (has_container && has_credential) return;
  const std::string what = has_container    ? "credential " + credential
                           : has_credential ? "container " + container
                                            : "container " + container + " and credential " + credential;
  throw base::UsageError("environment " + project.environment + " does not say where " + what +
                         (has_container || has_credential ? " is" : " are"))
      .Remedy(InEnvironment(project, has_container ? "" : container, has_credential ? "" : credential,
                            plan::VariablesFor(container)));
}

/// `model/shop_masked.yaml`, in the folder of the container's owner.
std::string DefaultFile(const model::DataContainer& container, const std::string& store) {
  const std::string name = plan::FileNameFor(store);
  const model::Owner& owner = container.owner;
  if (owner.zone.empty() || (owner.zone == "Default" && owner.team == "Default")) return "model/" + name + ".yaml";
  if (owner.team.empty()) {
    throw base::UsageError("container " + container.name + " belongs to zone " + owner.zone + ", whose team is open")
        .Remedy("name the file with --output-file model/zones/" + owner.zone + "/TEAM/" + name + ".yaml");
  }
  return "model/zones/" + owner.zone + "/" + owner.team + "/" + name + ".yaml";
}

/// What the import is about, found out before anything is read.
struct Subject {
  std::string store, schema, credential;
  const model::Datastore* existing = nullptr;  ///< with --update
  std::string path;                            ///< of the file, relative to the project if it is below it
};

Subject SubjectOf(const Program& program, const Project& project, const ImportOptions& import) {
  const model::Model& model = project.loaded.model;
  const model::DataContainer& container = ContainerOf(project, import);
  Subject subject;
  if (import.update) {
    subject.existing = StoreOf(model, import);
    subject.store = subject.existing->name;
    subject.schema = std::get<model::SqlSnapshot>(subject.existing->capture).schema;
    subject.path = subject.existing->where.file;
  } else {
    subject.schema = import.schema.empty() ? "public" : import.schema;
    subject.store = import.store.empty() ? plan::StoreNameFor(import.container, subject.schema) : import.store;
    if (const std::string fault = model::NameFault(subject.store); !fault.empty())
      throw base::UsageError("the name of a Datastore " + fault + ": " + subject.store);
    subject.path = import.file.empty() ? DefaultFile(container, subject.store) : AbsolutePath(program, import.file);
    if (subject.path.starts_with(project.root + "/")) subject.path = subject.path.substr(project.root.size() + 1);
    if (!import.to_stdout) {
      if (const model::Datastore* taken = model.FindDatastore(subject.store))
        throw base::UsageError("there is a Datastore " + subject.store + " already, in " + taken->where.file)
            .Remedy("--update adds what is new to it; --store names another; --stdout only prints");
      const std::string file = subject.path.starts_with('/') ? subject.path : project.root + "/" + subject.path;
      if (program.files.Exists(file))
        throw base::UsageError("there is a file already: " + subject.path).Remedy("name another with --output-file");
    }
  }
  subject.credential = CredentialOf(project, container, import, subject.existing);
  RequirePlaces(project, container.name, subject.credential);
  return subject;
}

plan::SourceCatalogue ReadSource(const Program& program, const Project& project, const ImportOptions& import,
                                 const Subject& subject) {
  const auto servers = program.open_servers(project.loaded.model, project.data);
  servers->Prepare({}, {import.container});
  ProgressReporter reporter(program, program.err);
  const run::Busy busy(reporter);
  reporter.UnderWay({import.container, "reads the catalogue of schema " + subject.schema});
  const auto source = program.connector.Open(servers->Source(import.container, subject.credential, "import"));
  return run::ReadCatalogue(*source, subject.schema);
}

/// The tables that a person named, as the source calls them.
std::vector<std::string> NamedTables(const plan::SourceCatalogue& catalogue, const std::vector<std::string>& wanted) {
  std::vector<std::string> names, found;
  for (const plan::SourceTable& table : catalogue.tables) names.push_back(table.name);
  for (const std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      found.push_back(name);
      continue;
    }
    std::vector<std::string> same;
    std::copy_if(names.begin(), names.end(), std::back_inserter(same),
                 [&](const std::string& other) { return Lower(other) == Lower(name); });
    if (same.size() != 1) {
      const std::string near = base::Suggest(name, names);
      throw base::UsageError("schema " + catalogue.schema + " of database " + catalogue.database + " has no table " +
                             name)
          .Remedy(near.empty() ? "leave --tables out to see what there is" : "did you mean " + near + "?");
    }
    found.push_back(same.front());
  }
  return found;
}

const load::Node* DocumentOf(const std::vector<load::Node>& documents, const std::string& store) {
  for (const load::Node& document : documents) {
    const load::Node* kind = document.Find("kind");
    const load::Node* name = document.Find("name");
    if (kind != nullptr && kind->text == "Datastore" && name != nullptr && name->text == store) return &document;
  }
  return nullptr;
}

/// The text that the file is to have; `import` says what was added.
std::string NewText(const Project& project, const Subject& subject, const plan::SourceCatalogue& catalogue,
                    const ImportOptions& options, plan::Import& import) {
  plan::ImportRequest request;
  request.tables = NamedTables(catalogue, options.tables);
  request.existing = subject.existing;
  if (subject.existing == nullptr) {
    import = plan::ImportTables(catalogue, request);
    return load::WriteDatastore({subject.store, options.container, subject.credential, subject.schema,
                                 fmt::format("Read from schema {} of database {} by yellow import postgres; --update "
                                             "adds what is new there.",
                                             subject.schema, catalogue.database),
                                 import.datasets});
  }
  const std::string& text = project.files.at(subject.path);
  base::Diagnostics ignored;  // said by lint
  const std::vector<load::Node> documents = load::ParseYaml(subject.path, text, ignored);
  const load::Node* document = DocumentOf(documents, subject.store);
  if (document == nullptr || document->Find("datasets") == nullptr)
    throw base::Error("import", "cannot read the Datastore in " + subject.path)
        .Remedy("yellow lint says what is wrong");
  std::set<std::string> tables;
  for (const plan::SourceTable& table : catalogue.tables) {
    tables.insert(table.name);
    tables.insert(model::LegalName(table.name, "t"));
  }
  load::CommentedOut declined = load::FindCommentedOut(text, *document, tables);
  request.declined_datasets = std::move(declined.datasets);
  request.declined_columns = std::move(declined.columns);
  import = plan::ImportTables(catalogue, request);
  for (const auto& [dataset, columns] : import.columns) {
    const load::Node* node = document->Find("datasets")->Find(dataset);
    if (node == nullptr || node->Find("columns") == nullptr)
      throw base::Error("import", "dataset " + dataset + " has no columns in " + subject.path)
          .Remedy("yellow lint says what is wrong");
  }
  return load::AddToDatastore(text, *document, {import.datasets, import.columns});
}

/// Errors in one file.
std::set<std::string> ErrorsIn(const std::string& path, const model::Model& model, const load::Files& files,
                               base::Diagnostics diagnostics) {
  diagnostics.Append(check::Check(model, files));
  std::set<std::string> errors;
  for (const base::Diagnostic& item : diagnostics.items()) {
    if (item.severity == base::Severity::kError && item.where.file == path)
      errors.insert(item.code + ": " + item.message);
  }
  return errors;
}

/// The new text makes no error in its file that was not there before, and says what it brings to others.
void CheckNewText(const Project& project, const Subject& subject, const std::string& text, plan::Import& import) {
  load::Files files = project.files;
  const std::string path = subject.path.starts_with("model/") ? subject.path : "model/yellow_import.yaml";
  files[path] = text;
  const load::Loaded before = load::Load(project.files, project.environment);
  const load::Loaded after = load::Load(files, project.environment);
  for (plan::ImportFinding& finding : plan::FindSpreading(import, before.model, after.model))
    import.findings.push_back(std::move(finding));
  const std::set<std::string> known = ErrorsIn(path, before.model, project.files, before.diagnostics);
  for (const std::string& error : ErrorsIn(path, after.model, files, after.diagnostics)) {
    if (known.count(error) != 0) continue;
    throw base::Error("import", "what would be written does not lint: " + error)
        .Remedy("nothing was written; --stdout shows the text");
  }
}

std::string Address(const plan::ImportFinding& finding) {
  return finding.column.empty() ? finding.table : finding.table + "." + finding.column;
}

/// How a column's type is carried is said beside the column.
bool IsInFileOnly(const plan::ImportFinding& finding) { return finding.state == "note" && finding.code == "type"; }

void PrintGroup(std::ostream& out, const plan::Import& import, std::initializer_list<std::string_view> states,
                const char* heading) {
  std::vector<std::vector<std::string>> rows;
  for (const plan::ImportFinding& finding : import.findings) {
    if (std::find(states.begin(), states.end(), finding.state) == states.end() || IsInFileOnly(finding)) continue;
    const bool guess = finding.state == "guess";
    rows.push_back({"  " + Address(finding), guess ? finding.code + " ?  " + finding.text : finding.text});
  }
  if (!rows.empty()) out << heading << "\n" << TextTable(rows);
}

void PrintReport(std::ostream& out, const ImportOptions& options, const Subject& subject,
                 const plan::SourceCatalogue& catalogue, const plan::Import& import, bool changed) {
  size_t columns = 0, new_columns = 0;
  for (const model::ImportedDataset& dataset : import.datasets) columns += dataset.columns.size();
  for (const auto& [dataset, added] : import.columns) new_columns += added.size();
  out << fmt::format("Read schema {} of database {} as {}: {} tables and views\n", catalogue.schema, catalogue.database,
                     catalogue.login, catalogue.tables.size());
  if (!changed) {
    out << "Nothing is new: " << subject.path << " stays as it is\n";
  } else if (!options.to_stdout) {
    out << fmt::format("{} {}: {} {}datasets with {} columns", options.update ? "Added to" : "Wrote", subject.path,
                       import.datasets.size(), options.update ? "new " : "", columns);
    out << (options.update ? fmt::format(", {} columns in datasets that were there\n", new_columns) : "\n");
  }
  PrintGroup(out, import, {"guess"}, "Classes to confirm; they stand in the file as comments:");
  PrintGroup(out, import, {"renamed"}, "Called otherwise in the model:");
  PrintGroup(out, import, {"no_key", "note"}, "To know:");
  const auto types = std::count_if(import.findings.begin(), import.findings.end(), &IsInFileOnly);
  if (types > 0)
    out << types << " columns of types that the model does not have as such; the file says how each is carried\n";
  PrintGroup(out, import, {"declined", "left_out"}, "Not taken:");
  PrintGroup(out, import, {"spreads"}, "Reaches others by your model, which you decide:");
  PrintGroup(out, import, {"gone"}, "Gone from the source; the model keeps them until you take them out:");
  PrintGroup(out, import, {"differs"}, "Otherwise at the source than in the model, which you decide:");
  if (changed && !options.to_stdout) out << "Next: yellow lint; then use the datasets in a Workspace\n";
}

}  // namespace

int ImportPostgres(const Program& program, const Options& options, const ImportOptions& import) {
  if (options.json && import.to_stdout)
    throw base::UsageError("--stdout prints the model's text, and --output json would print JSON")
        .Remedy("leave one of them out");
  const Project project = OpenProject(program, options);
  const Subject subject = SubjectOf(program, project, import);
  const plan::SourceCatalogue catalogue = ReadSource(program, project, import, subject);
  plan::Import result;
  const std::string text = NewText(project, subject, catalogue, import, result);
  const bool changed = !result.datasets.empty() || !result.columns.empty();
  if (!changed && !import.update) {
    for (const plan::ImportFinding& finding : result.findings)
      program.err << Address(finding) << ": " << finding.text << "\n";
    throw base::Error("import",
                      "there is nothing to take in schema " + subject.schema + " of database " + catalogue.database)
        .Remedy("name another schema with --schema, or tables and views with --tables");
  }
  if (changed) CheckNewText(project, subject, text, result);
  if (import.to_stdout) {
    program.out << text;
  } else if (changed) {
    program.files.WriteAtomically(subject.path.starts_with('/') ? subject.path : project.root + "/" + subject.path,
                                  text, false);
  }
  if (options.json) {
    std::vector<ImportedThing> things;
    for (const plan::ImportFinding& finding : result.findings) things.push_back({catalogue.schema, finding});
    program.out << Printed(ImportedThingRecord().List(things));
  } else {
    PrintReport(import.to_stdout ? program.err : program.out, import, subject, catalogue, result, changed);
  }
  const bool findings = std::any_of(result.findings.begin(), result.findings.end(), [](const auto& finding) {
    return finding.state == "gone" || finding.state == "differs" || finding.state == "spreads";
  });
  return findings ? kFindings : kDone;
}

}  // namespace yellow::cli
