#include "cli/project.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "check/check.h"
#include "graph/intention_graph.h"

namespace yellow::cli {
namespace {

std::string Parent(const std::string& folder) {
  const size_t slash = folder.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : folder.substr(0, slash);
}

std::string FindRoot(const Program& program, const Options& options) {
  if (!options.project.empty()) {
    const std::string root = AbsolutePath(program, options.project);
    if (program.files.Exists(root + "/model")) return root;
    throw base::UsageError("no model/ folder in the project: " + root).Remedy("yellow init makes one");
  }
  for (std::string folder = program.working_directory;; folder = Parent(folder)) {
    if (program.files.Exists(folder + "/model")) return folder;
    if (folder == "/") break;
  }
  throw base::UsageError("no project here: neither this folder nor one above it has a model/ folder")
      .Remedy("go to a project, name one with --project DIR, or make one: yellow init");
}

/// Secrets in files may be named relative to the project.
void AnchorPaths(model::Model& model, const std::string& root) {
  if (!model.environment) return;
  for (model::CredentialPlace& place : model.environment->credentials) {
    if (auto* file = std::get_if<model::FileSecret>(&place.source); file != nullptr && !file->path.starts_with('/')) {
      file->path = root + "/" + file->path;
    }
  }
  for (model::NoticeReceiver& receiver : model.environment->receivers) {
    auto* webhook = std::get_if<model::WebhookUrl>(&receiver.channel);
    auto* file = webhook == nullptr ? nullptr : std::get_if<model::UrlInFile>(webhook);
    if (file != nullptr && !file->path.starts_with('/')) file->path = root + "/" + file->path;
    auto* mail = std::get_if<model::Mail>(&receiver.channel);
    if (mail != nullptr && !mail->ca.empty() && !mail->ca.starts_with('/')) mail->ca = root + "/" + mail->ca;
  }
  if (auto* file = std::get_if<model::TicketFile>(&model.environment->tickets);
      file != nullptr && !file->path.starts_with('/'))
    file->path = root + "/" + file->path;
  for (model::ContainerPlace& place : model.environment->containers) {
    if (auto* server = std::get_if<model::NamedServer>(&place.server)) {
      if (!server->ca.empty() && !server->ca.starts_with('/')) server->ca = root + "/" + server->ca;
    }
  }
}

}  // namespace

std::ostream& Narration(const Program& program, const Options& options) {
  return options.json ? program.err : program.out;
}

std::string AbsolutePath(const Program& program, const std::string& path) {
  const std::string whole = path.starts_with('/') ? path : program.working_directory + "/" + path;
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= whole.size();) {
    const size_t end = std::min(whole.find('/', begin), whole.size());
    const std::string part = whole.substr(begin, end - begin);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    begin = end + 1;
  }
  std::string absolute;
  for (const std::string& part : parts) absolute += "/" + part;
  return absolute.empty() ? "/" : absolute;
}

namespace {

/// Those that there are, when the one that is asked for is not there.
std::vector<std::string> KnownEnvironments(const Program& program, const Project& project) {
  const auto has_one = project.files.lower_bound("environments/");
  if (has_one != project.files.end() && has_one->first.starts_with("environments/")) return {};
  std::set<std::string> names;
  for (const auto& [path, text] : program.files.ReadTree(project.root, "environments")) {
    const std::string below = path.substr(path.find('/') + 1);
    const size_t slash = below.find('/');
    if (slash != std::string::npos) names.insert(below.substr(0, slash));
    if (slash == std::string::npos && below.ends_with(".yaml")) names.insert(below.substr(0, below.size() - 5));
  }
  return {names.begin(), names.end()};
}

}  // namespace

std::string DigestOf(const load::Files& files) {
  std::string all;
  for (const auto& [path, text] : files) all += path + '\0' + base::Sha256Hex(text) + '\n';
  return base::Sha256Hex(all);
}

Project OpenProject(const Program& program, const Options& options) {
  Project project;
  project.root = FindRoot(program, options);
  project.data = options.data.empty() ? project.root + "/.yellow" : AbsolutePath(program, options.data);
  project.environment = options.environment;
  project.files = program.files.ReadTree(project.root, "model");
  const std::string single = "environments/" + options.environment + ".yaml";
  if (auto text = program.files.Read(project.root + "/" + single)) project.files[single] = *text;
  project.files.merge(program.files.ReadTree(project.root, "environments/" + options.environment));
  project.digest = DigestOf(project.files);
  project.loaded = load::Load(project.files, options.environment, KnownEnvironments(program, project));
  project.loaded.diagnostics.Append(check::Check(project.loaded.model, project.files));
  project.loaded.diagnostics.Sort();
  AnchorPaths(project.loaded.model, project.root);
  return project;
}

void RequireNoErrors(const Program& program, const Project& project) {
  if (!project.loaded.diagnostics.has_errors()) return;
  base::Diagnostics errors;
  int count = 0;
  for (const base::Diagnostic& item : project.loaded.diagnostics.items()) {
    if (item.severity != base::Severity::kError) continue;
    errors.Add(item);
    ++count;
  }
  const std::string text =
      "The model has " + std::to_string(count) + (count == 1 ? " error" : " errors") + "; nothing was done.";
  program.err << base::Render(errors, TextOf(project.files)) << "\n" << text << "\n";
  throw ModelHasErrors{text, std::move(errors)};
}

base::SourceText TextOf(const load::Files& files) {
  return [&files](const std::string& file) -> std::string_view {
    const auto found = files.find(file);
    return found == files.end() ? std::string_view() : found->second;
  };
}

run::Applied Compile(const load::Files& files, const std::string& environment, const std::string& root, int version,
                     const std::string& digest) {
  run::Applied applied;
  applied.version = version;
  applied.digest = digest;
  applied.project_folder = root;
  applied.files = files;
  load::Loaded loaded = load::Load(files, environment);
  applied.model = std::move(loaded.model);
  AnchorPaths(applied.model, root);
  applied.graph = graph::Build(applied.model);
  applied.physical = plan::Lay(applied.model, applied.graph, applied.files);
  return applied;
}

}  // namespace yellow::cli
