#include "sql/names.h"

#include <cctype>

#include "base/digest.h"

namespace yellow::sql {
namespace {

constexpr size_t kNameLimit = 63;  // NAMEDATALEN - 1 of PostgreSQL
constexpr size_t kKeptBytes = 54;
constexpr size_t kDigestDigits = 8;

std::string Mapped(std::string_view text, int (*map)(int)) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(map(static_cast<unsigned char>(c)));
  return out;
}

std::string Joined(std::string_view prefix, const model::DatasetAddress& a) {
  return FitName(std::string(prefix) + a.store + "__" + a.dataset);
}

}  // namespace

std::string FitName(std::string_view whole) {
  std::string name = Mapped(whole, std::tolower);
  if (name.size() <= kNameLimit) return name;
  size_t kept = kKeptBytes;
  while (kept > 0 && (name[kept] & 0xC0) == 0x80) --kept;
  return name.substr(0, kept) + "_" + base::Sha256Hex(name).substr(0, kDigestDigits);
}

std::string PlatformSchema(std::string_view platform) { return FitName("dp_" + std::string(platform)); }
std::string WorkspaceSchema(std::string_view workspace) { return FitName("ws_" + std::string(workspace)); }
std::string MergeTable(const model::DatasetAddress& dataset) { return Joined("", dataset); }
std::string StagingTable(const model::DatasetAddress& dataset) { return Joined("stg__", dataset); }
std::string ChangeLogTable(const model::DatasetAddress& dataset) { return Joined("chg__", dataset); }
std::string RejectedTable(const model::DatasetAddress& dataset) { return Joined("rej__", dataset); }
std::string OutputTable(const model::DatasetAddress& dataset) { return Joined("dt_", dataset); }
std::string IndexOn(std::string_view table, std::string_view what) {
  return FitName(std::string(table) + "__" + std::string(what));
}
std::string InputView(const model::InputAddress& i) { return FitName(i.group + "__" + i.store + "__" + i.dataset); }
std::string HistoryView(const model::InputAddress& i) {
  return FitName(i.group + "__" + i.store + "__" + i.dataset + "__history");
}
std::string ChangesView(const model::InputAddress& i) {
  return FitName(i.group + "__" + i.store + "__" + i.dataset + "__changes");
}
std::string AliasView(std::string_view alias) { return FitName(alias); }

std::string Roles::WorkspaceGroup(std::string_view workspace) const {
  return FitName(prefix + "_ws_" + std::string(workspace));
}
std::string Roles::OutputGroup(std::string_view workspace) const {
  return FitName(prefix + "_dt_" + std::string(workspace));
}
std::string Roles::OutputReaders(std::string_view workspace) const {
  return FitName(prefix + "_dr_" + std::string(workspace));
}
std::string Roles::StagingReaders(std::string_view store) const {
  return FitName(prefix + "_st_" + std::string(store));
}
std::string Roles::TemporaryLogin(std::string_view request) const {
  return FitName(prefix + "_tmp_" + std::string(request));
}
std::string Roles::RunLogin(std::string_view run_id) const { return FitName(prefix + "_run_" + std::string(run_id)); }

std::string ScratchSchema(std::string_view run_id) { return FitName("scratch_" + std::string(run_id)); }

std::string EnvironmentVariable(std::string_view kind, const std::vector<std::string>& parts) {
  std::string name(kind);
  for (const std::string& part : parts) name += "__" + Mapped(part, std::toupper);
  return name;
}

}  // namespace yellow::sql
