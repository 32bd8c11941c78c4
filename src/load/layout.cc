#include "load/layout.h"

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

std::string Stem(const std::string& file) { return file.substr(0, file.rfind('.')); }

/// Where a document of this kind belongs, or nothing when it may stand in this file.
std::string Belongs(const std::string& kind, const std::vector<std::string>& parts) {
  const bool zoned = parts.size() > 2 && parts[1] == "zones";
  const bool of_team = zoned && parts.size() >= 5, of_zone = zoned && parts.size() == 4;
  if (kind == "Ecosystem") return zoned ? "the Ecosystem is the owner of zones: model/ecosystem.yaml" : "";
  if (kind == "GovernanceZone") return of_zone || !zoned ? "" : "a zone's document is model/zones/<zone>/zone.yaml";
  if (!zoned || of_team) return "";
  return "a team owns it: model/zones/<zone>/<team>/";
}

}  // namespace

Place PlaceOf(const std::string& path) {
  const std::vector<std::string> parts = Parts(path);
  Place place;
  place.folder = path.substr(0, path.rfind('/'));
  if (parts[0] == "environments") {
    if (parts.size() == 4) place.owner = {parts[2], Stem(parts[3])};
    return place;
  }
  place.owner = {"Default", "Default"};
  if (parts.size() >= 4 && parts[1] == "zones") place.owner = {parts[2], parts.size() >= 5 ? parts[3] : ""};
  return place;
}

bool IsEnvironmentFile(const std::string& path, const std::string& environment) {
  return path == "environments/" + environment + ".yaml" || path.starts_with("environments/" + environment + "/");
}

bool CheckPlace(const std::string& kind, const Node& node, const std::string& path, base::Diagnostics& diagnostics) {
  const bool of_environment = path.starts_with("environments/");
  if ((kind == "Environment") != of_environment) {
    diagnostics.Error("Y302", node.where, "a document of this kind does not belong in this folder: " + kind,
                      "environments live in environments/, everything else in model/");
    return false;
  }
  const std::string where = of_environment ? "" : Belongs(kind, Parts(path));
  if (where.empty()) return true;
  diagnostics.Error("Y302", node.where, "a document of this kind does not belong in this folder: " + kind, where);
  return false;
}

bool CheckEnvironmentPath(const std::string& path, bool has_single_file, const Node& node,
                          base::Diagnostics& diagnostics) {
  const std::vector<std::string> parts = Parts(path);
  if (parts.size() == 2) return true;
  if (has_single_file) {
    diagnostics.Error(
        "Y302", node.where,
        "this environment is written in one file and in a folder: environments/" + parts[1] + ".yaml and " + path,
        "keep one of them");
    return false;
  }
  if (!(parts.size() == 3 && parts[2] == "platform.yaml") && !(parts.size() == 4 && parts[3].ends_with(".yaml"))) {
    diagnostics.Error("Y302", node.where, "an environment has no such file: " + path,
                      "the ecosystem's file is environments/" + parts[1] + "/platform.yaml, a team's environments/" +
                          parts[1] + "/<zone>/<team>.yaml");
    return false;
  }
  return true;
}

}  // namespace yellow::load
