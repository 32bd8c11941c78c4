#pragma once

#include <string>
#include <vector>

#include "model/model.h"

namespace yellow::sql {

/// The first batch number that is never reached: `yellow_batch_out` of a live row.
inline constexpr int kOpenBatch = 2147483647;

/// How one dataset lies in the merge database: what DDL makes, the merge fills and views show. All names are bare
/// (see names.h), `schema` is the platform's.
struct TableLayout {
  model::DatasetAddress dataset;
  std::string schema;
  std::string merge_table, staging_table, change_log_table, rejected_table;
  std::string output_table;  ///< empty unless a DataTransformer writes this dataset
  model::Milestoning milestoning = model::Milestoning::kLive;
  /// The changes are followed. A live table then has a change log: its business columns, yellow_batch, and yellow_op:
  /// `D` for the values that a key had before the batch, `I` for those it has since; an update is both. The intervals
  /// of a forensic table say the same.
  bool changes = false;
  bool incremental_output = false;  ///< the output table carries yellow_op
  bool sets_aside = false;          ///< bad rows go to rejected_table; else they hold the batch
  std::vector<std::string> key;
  std::vector<model::Column> columns;  ///< business columns, in declared order; key columns have not_null set
};

TableLayout MakeLayout(const std::string& platform, const model::Datastore& store, const model::Dataset& dataset,
                       model::Milestoning milestoning, bool changes, bool incremental_output);

}  // namespace yellow::sql
