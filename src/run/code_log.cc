#include "run/code_log.h"

#include <algorithm>

#include "base/blotting.h"
#include "base/error.h"

namespace yellow::run {
namespace {

constexpr size_t kMostKept = size_t{64} << 20;  // of a log that held secrets
constexpr int64_t kPiece = int64_t{4} << 20;
constexpr size_t kLongestForm = size_t{64} << 10;

/// Read in pieces, each with the beginning of the next.
bool HasSecrets(ports::FileSystem& files, const std::string& path, const std::vector<base::Secret>& secrets) {
  for (int64_t at = 0;; at += kPiece) {
    const auto piece = files.ReadPart(path, at, static_cast<size_t>(kPiece) + kLongestForm);
    if (!piece || piece->empty()) return false;
    if (base::WithoutSecrets(*piece, secrets) != *piece) return true;
  }
}

bool EndIsCut(ports::FileSystem& files, const PrintedLog& log) {
  if (log.limit == 0) return false;
  const auto last = files.ReadPart(log.path, log.limit - 1, 1);
  return last && !last->empty();
}

}  // namespace

std::vector<base::Secret> SecretsIn(const std::map<std::string, std::string>& environment) {
  std::vector<base::Secret> secrets;
  for (const auto& [name, value] : environment) {
    if (name == "PGPASSWORD" ||
        (name.starts_with("YELLOW_CREDENTIAL_") && (name.ends_with("__PASSWORD") || name.ends_with("__TOKEN"))))
      secrets.emplace_back(value);
  }
  return secrets;
}

std::string WithholdLog(ports::FileSystem& files, const PrintedLog& log) {
  files.RemoveTree(log.path);
  return "(what it has printed is not kept: the secrets that it was given cannot be read any more, so that they cannot "
         "be blotted out)\n";
}

std::string TakeLog(ports::FileSystem& files, Reporter& reporter, const std::vector<base::Secret>& secrets,
                    const PrintedLog& log, size_t most) {
  const bool end_is_cut = !secrets.empty() && EndIsCut(files, log);
  if (!end_is_cut && !HasSecrets(files, log.path, secrets)) return files.ReadTail(log.path, most);
  std::string text = files.ReadTail(log.path, kMostKept + kLongestForm);
  const bool beginning_is_cut = text.size() == kMostKept + kLongestForm;
  text = base::WithoutSecrets(std::move(text), secrets);
  if (end_is_cut) text.resize(text.size() - std::min(text.size(), kLongestForm));
  if (beginning_is_cut) text.erase(0, kLongestForm);
  try {
    files.WriteAtomically(log.path, text, true);
  } catch (const base::Error& error) {  // then nobody has it
    files.RemoveTree(log.path);
    reporter.Line("The log " + log.path + " held secrets and is removed: " + error.what());
  }
  return text.size() > most ? text.substr(text.size() - most) : text;
}

}  // namespace yellow::run
