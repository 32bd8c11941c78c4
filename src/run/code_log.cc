#include "run/code_log.h"

#include "base/blotting.h"
#include "base/error.h"

namespace yellow::run {
namespace {

constexpr size_t kMostKept = size_t{64} << 20;  // of a log that held secrets
constexpr int64_t kPiece = int64_t{4} << 20;
constexpr size_t kLongestForm = size_t{64} << 10;

/// Read in pieces, each with the beginning of the next.
bool HasSecrets(const Effects& effects, const std::string& path, const std::vector<base::Secret>& secrets) {
  for (int64_t at = 0;; at += kPiece) {
    const auto piece = effects.files.ReadPart(path, at, static_cast<size_t>(kPiece) + kLongestForm);
    if (!piece || piece->empty()) return false;
    if (base::WithoutSecrets(*piece, secrets) != *piece) return true;
  }
}

}  // namespace

std::string TakeLog(const Effects& effects, const std::map<std::string, std::string>& environment,
                    const std::string& path, size_t most) {
  std::vector<base::Secret> secrets;
  for (const auto& [name, value] : environment) {
    if (name == "PGPASSWORD" ||
        (name.starts_with("YELLOW_CREDENTIAL_") && (name.ends_with("__PASSWORD") || name.ends_with("__TOKEN"))))
      secrets.emplace_back(value);
  }
  if (!HasSecrets(effects, path, secrets)) return effects.files.ReadTail(path, most);
  // Its end, so much that no form of a secret is cut where it begins.
  std::string log = base::WithoutSecrets(effects.files.ReadTail(path, kMostKept), secrets);
  try {
    effects.files.WriteAtomically(path, log, true);
  } catch (const base::Error& error) {  // then nobody has it
    effects.files.RemoveTree(path);
    effects.reporter.Line("The log " + path + " held secrets and is removed: " + error.what());
  }
  return log.size() > most ? log.substr(log.size() - most) : log;
}

std::optional<std::map<std::string, std::string>> KnownEnvironment(const Effects& effects, const CodeContext& context) {
  try {
    return EnvironmentOf(effects, context);
  } catch (const base::Error&) {  // a secret that is not there any more
    return std::nullopt;
  }
}

}  // namespace yellow::run
