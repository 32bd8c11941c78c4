#include "load/load.h"

#include <algorithm>

#include "base/suggest.h"
#include "load/layout.h"
#include "load/node.h"
#include "load/readers.h"
#include "load/resolve.h"
#include "load/secrets.h"
#include "load/shape.h"

namespace yellow::load {
namespace {

bool IsYaml(const std::string& path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

/// Says what kind a document is; nothing (and a diagnostic) when that cannot be known.
const Shape* KindOf(const Node& node, std::string& kind, base::Diagnostics& diagnostics) {
  if (node.kind != Node::Kind::kMapping) {
    diagnostics.Error("Y203", node.where, "a document is a mapping that begins with kind and name",
                      "write kind: Datastore, name: …");
    return nullptr;
  }
  const Node* word = node.Find("kind");
  std::string list;
  for (const std::string& known : Kinds()) list += (list.empty() ? "" : ", ") + known;
  if (word == nullptr) {
    diagnostics.Error("Y202", {node.where.file, node.where.begin, {node.where.begin.line, node.where.begin.column + 1}},
                      "a key is missing: kind", "add one of the kinds: " + list);
    return nullptr;
  }
  kind = word->text;
  const Shape* shape = ShapeOfKind(kind);
  if (shape == nullptr) {
    diagnostics.Error("Y204", word->where, "there is no such kind: " + kind, base::DidYouMean(kind, Kinds()));
  }
  return shape;
}

struct ParsedFile {
  std::string path;
  bool of_environment = false;
  std::vector<Node> documents;
  base::Diagnostics diagnostics;
};

std::vector<ParsedFile> ParseAll(const Files& files, const std::string& environment) {
  std::vector<ParsedFile> parsed;
  for (const auto& [path, text] : files) {
    const bool of_environment = !environment.empty() && IsEnvironmentFile(path, environment);
    if (!IsYaml(path) || (!path.starts_with("model/") && !of_environment)) continue;
    ParsedFile& file = parsed.emplace_back(ParsedFile{path, of_environment, {}, {}});
    file.documents = ParseYaml(path, text, file.diagnostics);
  }
  return parsed;
}

/// YAML below a folder of code is the code's own: a dbt project, a configuration.
void LeaveOutCode(std::vector<ParsedFile>& files) {
  std::vector<std::string> folders;
  for (const ParsedFile& file : files) {
    for (const Node& document : file.documents) {
      const Node* at = &document;
      for (const char* key : {"transformer", "code"}) at = at == nullptr ? nullptr : at->Find(key);
      for (const char* key : {"source", "sql"}) {
        const Node* folder = at == nullptr ? nullptr : at->Find(key);
        if (folder == nullptr) continue;
        if (const auto path = FolderOfCode(PlaceOf(file.path).folder, folder->text)) folders.push_back(*path + "/");
      }
    }
  }
  std::erase_if(files, [&](const ParsedFile& file) {
    return std::any_of(folders.begin(), folders.end(),
                       [&](const std::string& folder) { return file.path.starts_with(folder); });
  });
}

}  // namespace

Loaded Load(const Files& files, const std::string& environment, const std::vector<std::string>& environments) {
  Loaded loaded;
  std::vector<OutputDraft> outputs;
  Reader reader(loaded.model, outputs, loaded.diagnostics);
  const bool single_file = files.count("environments/" + environment + ".yaml") != 0;
  bool environment_read = false;
  std::vector<ParsedFile> parsed = ParseAll(files, environment);
  LeaveOutCode(parsed);
  for (ParsedFile& file : parsed) {
    const auto& [path, of_environment, documents, mistakes] = file;
    environment_read |= of_environment;
    loaded.diagnostics.Append(mistakes);
    for (const Node& node : documents) {
      CheckNoSecrets(node, loaded.diagnostics);
      std::string kind;
      const Shape* shape = KindOf(node, kind, loaded.diagnostics);
      if (shape == nullptr) continue;
      CheckShape(node, *shape, loaded.diagnostics);
      // A misplaced document of an owner would change who owns what; others are read, so that what they declare is
      // known.
      const bool declares = kind == "Datastore" || kind == "Workspace";
      if (!CheckPlace(kind, node, path, loaded.diagnostics) && (!declares || of_environment)) continue;
      if (of_environment) {
        if (!CheckEnvironmentPath(path, single_file, node, loaded.diagnostics)) continue;
        reader.ReadEnvironment(node, environment, PlaceOf(path));
      } else {
        reader.ReadDocument(kind, node, PlaceOf(path));
      }
    }
  }
  AddDefaults(loaded.model, environment, environment_read, environments, loaded.diagnostics);
  Resolve(loaded.model, std::move(outputs), loaded.diagnostics);
  loaded.diagnostics.Sort();
  return loaded;
}

}  // namespace yellow::load
