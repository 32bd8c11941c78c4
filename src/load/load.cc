#include "load/load.h"

#include <algorithm>

#include "base/suggest.h"
#include "load/node.h"
#include "load/readers.h"
#include "load/resolve.h"
#include "load/shape.h"

namespace yellow::load {
namespace {

std::vector<std::string> Parts(const std::string& path) {
  std::vector<std::string> parts{""};
  for (const char c : path) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

/// model/zones/<zone>/<team>/… belongs to that team; model/zones/<zone>/zone.yaml to the zone; the rest to Default.
Place PlaceOf(const std::string& path) {
  const std::vector<std::string> parts = Parts(path);
  Place place;
  place.owner = {"Default", "Default"};
  if (parts.size() >= 4 && parts[1] == "zones") {
    place.owner.zone = parts[2];
    place.owner.team = parts.size() >= 5 ? parts[3] : "";
  }
  place.folder = path.substr(0, path.rfind('/'));
  return place;
}

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
    const std::string near = base::Suggest(kind, Kinds());
    diagnostics.Error("Y204", word->where, "there is no such kind: " + kind,
                      near.empty() ? "there are: " + list : "did you mean " + near + "?");
  }
  return shape;
}

bool IsEnvironmentFile(const std::string& path, const std::string& environment) {
  return path == "environments/" + environment + ".yaml" || path.starts_with("environments/" + environment + "/");
}

}  // namespace

Loaded Load(const Files& files, const std::string& environment) {
  Loaded loaded;
  std::vector<OutputDraft> outputs;
  Reader reader(loaded.model, outputs, loaded.diagnostics);
  bool environment_read = false;
  for (const auto& [path, text] : files) {
    const bool of_model = path.starts_with("model/");
    const bool of_environment = !environment.empty() && IsEnvironmentFile(path, environment);
    if (!IsYaml(path) || (!of_model && !of_environment)) continue;
    for (const Node& node : ParseYaml(path, text, loaded.diagnostics)) {
      std::string kind;
      const Shape* shape = KindOf(node, kind, loaded.diagnostics);
      if (shape == nullptr) continue;
      CheckShape(node, *shape, loaded.diagnostics);
      if ((kind == "Environment") != of_environment) {
        loaded.diagnostics.Error("Y302", node.where, "a document of this kind does not belong in this folder: " + kind,
                                 "environments live in environments/, everything else in model/");
      } else if (of_environment) {
        reader.ReadEnvironment(node);
        environment_read = true;
      } else {
        reader.ReadDocument(kind, node, PlaceOf(path));
      }
    }
  }
  AddDefaults(loaded.model, environment, environment_read, loaded.diagnostics);
  Resolve(loaded.model, std::move(outputs), loaded.diagnostics);
  loaded.diagnostics.Sort();
  return loaded;
}

}  // namespace yellow::load
