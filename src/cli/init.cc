#include <fmt/format.h>

#include <map>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/example_source.h"
#include "cli/exit_status.h"
#include "cli/start_example.h"
#include "cli/views/author_json.h"
#include "plan/source_address.h"
#include "plan/source_names.h"

namespace yellow::cli {
namespace {

plan::SourceAddress ReadAddress(const std::string& text) {
  const auto parsed = plan::ParseSourceAddress(text);
  if (const auto* address = std::get_if<plan::SourceAddress>(&parsed)) return *address;
  base::UsageError error("--source is not the address of a database: " + std::get<std::string>(parsed));
  error.Remedy("write postgresql://[user@]host[:port]/database[?sslmode=…]");
  throw error;
}

/// Names of a project for one source.
struct SourceNames {
  std::string container, credential, variables;
};

std::map<std::string, std::string> FilesFor(const plan::SourceAddress& address, const SourceNames& names) {
  const auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  std::map<std::string, std::string> files;
  files["model/team.yaml"] = fmt::format(
      R"(# Whose containers and credentials these are. A small project has one team, Default.
kind: Team
name: Default
containers:
  {0}: {{postgres: {{database: {1}}}}}
credentials:
  {2}: {{type: user_password}}             # a reference; environments/local.yaml says where the secret is
)",
      names.container, quoted(address.database), names.credential);
  files["environments/local.yaml"] = fmt::format(
      R"(# Where things are, seen from this machine.
kind: Environment
name: local
containers:
  MergeDB: embedded                        # the private PostgreSQL that Yellow starts itself, for the copies
  {0}: {{host: {1}, port: {2}, sslmode: {3}}}
credentials:
  {4}: {{env: {5}}}                        # {5}_USER and {5}_PASSWORD
# classes: {{allowed: [pii]}}              # restricted classes that may be copied here: say so before they are
)",
      names.container, quoted(address.host), address.port, address.sslmode, names.credential, names.variables);
  return files;
}

std::map<std::string, std::string> ExampleFiles() {
  std::map<std::string, std::string> files;
  for (const auto& [path, text] : kStartExample) {
    if (path.starts_with("model/") || path.starts_with("environments/")) files[std::string(path)] = text;
  }
  return files;
}

std::string ExampleScript() {
  for (const auto& [path, text] : kStartExample) {
    if (path == "source.sql") return std::string(text);
  }
  throw base::Error("init", "the example has no source.sql");
}

/// Writes all or nothing; a file that is there with this very text was written by an init that was cut short.
void WriteNew(const Program& program, const std::string& root, const std::map<std::string, std::string>& files) {
  for (const auto& [path, text] : files) {
    const auto there = program.files.Read(root + "/" + path);
    if (there && *there != text)
      throw base::UsageError("there is a file already: " + root + "/" + path).Remedy("name another folder");
  }
  for (const auto& [path, text] : files) program.files.WriteAtomically(root + "/" + path, text, false);
}

void Print(const Program& program, const Options& options, const std::string& heading,
           const std::map<std::string, std::string>& files, const std::string& next) {
  if (options.json) {
    program.out << Printed(WrittenFileRecord().List(WrittenFiles(files)));
    return;
  }
  program.out << heading << "\n";
  for (const auto& [path, text] : files) program.out << "  " << path << "\n";
  program.out << "\nWhat next?\n" << next;
}

std::string GoThere(const InitOptions& init) { return init.folder == "." ? "" : "  cd " + init.folder + "\n"; }

int InitExample(const Program& program, const Options& options, const InitOptions& init,
                const std::map<std::string, std::string>& files) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  const auto servers = program.open_servers(project.loaded.model, project.data);
  servers->Prepare({}, {"ExampleDB"});
  MakeExampleSource(program, *servers, project, {"ExampleDB", ExampleScript(), "people", "example_reader"});
  const ports::ConnectionTarget source = servers->Service("ExampleDB", ports::ServiceRole::kSuperuser, "init");
  Print(
      program, options, "Made a project with a source database of five people:", files,
      GoThere(init) +
          fmt::format(R"(  yellow run --apply                                   # make tables and views, read the source
  yellow sql -w Readers -c "SELECT * FROM now__example__people"
  yellow init transformer MaskPeople --language sql    # code that turns one store into another
  psql -h {} -p {} -U {} {}   # the source, as its owner; change it, then: yellow run Example
)",
                      source.host, source.port, source.user, source.database));
  return kDone;
}

}  // namespace

int Init(const Program& program, const Options& options, const InitOptions& init) {
  Options here = options;
  here.project = AbsolutePath(program, init.folder);
  std::map<std::string, std::string> files;
  plan::SourceAddress address;
  SourceNames names;
  if (init.source.empty()) {
    files = ExampleFiles();
  } else {
    address = ReadAddress(init.source);
    const std::string container = plan::ContainerNameFor(address.database);
    names = {container, plan::CredentialNameFor(container), plan::VariablesFor(container)};
    files = FilesFor(address, names);
  }
  for (const auto& [path, text] : program.files.ReadTree(here.project, "model")) {
    if (files.count(path) == 0)
      throw base::UsageError("there is a model already: " + here.project + "/" + path)
          .Remedy("yellow lint checks it; name another folder for a new project");
  }
  if (!program.files.Exists(here.project + "/.gitignore")) files[".gitignore"] = ".yellow/\n";
  WriteNew(program, here.project, files);
  if (init.source.empty()) return InitExample(program, here, init, files);
  Print(
      program, options,
      fmt::format("Made a project for database {} at {}:{}:", address.database, address.host, address.port), files,
      GoThere(init) +
          fmt::format(R"(  export {0}_USER={1} {0}_PASSWORD=…       # a login that may read; no file holds its password
  yellow import postgres --container {2}       # a Datastore from the database's catalogue
  yellow init transformer NAME --input {3}.DATASET
  yellow run --apply
)",
                      names.variables, address.user.empty() ? "…" : address.user, names.container,
                      plan::StoreNameFor(names.container, "public")));
  return kDone;
}

}  // namespace yellow::cli
