#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/address.h"

/// The one place that builds names of database objects (DESIGN 7). Every function returns the bare name, lower-cased;
/// above 63 bytes it is its first 54 bytes, `_`, and 8 hexadecimal digits of the SHA-256 of the whole.
namespace yellow::sql {

/// Lower-cases and shortens one whole name by the rule above. (Cuts between code points.)
std::string FitName(std::string_view whole);

std::string PlatformSchema(std::string_view platform);               ///< dp_<platform>
std::string WorkspaceSchema(std::string_view workspace);             ///< ws_<workspace>
std::string MergeTable(const model::DatasetAddress& dataset);        ///< <store>__<dataset>
std::string StagingTable(const model::DatasetAddress& dataset);      ///< stg__<store>__<dataset>
std::string ChangeLogTable(const model::DatasetAddress& dataset);    ///< chg__<store>__<dataset>
std::string RejectedTable(const model::DatasetAddress& dataset);     ///< rej__<store>__<dataset>
std::string OutputTable(const model::DatasetAddress& dataset);       ///< dt_<store>__<dataset>
std::string IndexOn(std::string_view table, std::string_view what);  ///< <table>__<what>
std::string InputView(const model::InputAddress& input);             ///< <group>__<store>__<dataset>
std::string HistoryView(const model::InputAddress& input);           ///< …__history
std::string ChangesView(const model::InputAddress& input);           ///< …__changes
std::string AliasView(std::string_view alias);
inline constexpr std::string_view kBatchesView = "yellow_batches";

/// Database roles; `prefix` is the environment's role_prefix.
struct Roles {
  explicit Roles(std::string prefix_) : prefix(std::move(prefix_)) {}
  std::string prefix;
  std::string Owner() const { return prefix + "_owner"; }
  std::string RoleMaker() const { return prefix + "_roles"; }
  std::string RunBase() const { return prefix + "_run"; }
  std::string TemporaryBase() const { return prefix + "_tmp"; }
  std::string Migrator() const { return prefix + "_migrator"; }
  std::string Engine() const { return prefix + "_engine"; }
  std::string IngestOut() const { return prefix + "_ingest_out"; }
  std::string Access() const { return prefix + "_access"; }
  std::string WorkspaceGroup(std::string_view workspace) const;  ///< <prefix>_ws_<workspace>
  std::string OutputGroup(std::string_view workspace) const;     ///< <prefix>_dt_<workspace>: writes its `dt_` tables
  std::string OutputReaders(std::string_view workspace) const;   ///< <prefix>_dr_<workspace>: reads them
  std::string StagingReaders(std::string_view store) const;      ///< <prefix>_st_<store>
  std::string RunLogin(std::string_view run_id) const;           ///< <prefix>_run_<id>
  std::string TemporaryLogin(std::string_view request) const;    ///< <prefix>_tmp_<request>
};

/// The scratch schema of a run: `scratch_<run id>`.
std::string ScratchSchema(std::string_view run_id);

/// The environment variable that carries a name: `YELLOW_INPUT__<GROUP>__<STORE>__<DATASET>`.
std::string EnvironmentVariable(std::string_view kind, const std::vector<std::string>& parts);

}  // namespace yellow::sql
