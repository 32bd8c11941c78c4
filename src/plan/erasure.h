#pragma once

#include <string>
#include <vector>

#include "plan/physical.h"

namespace yellow::plan {

/// A dataset from which a row is removed, and the stream that writes it.
struct ErasedDataset {
  std::string stream;  ///< empty: no stream writes it now, but it may lie there from before
  sql::TableLayout table;
};

/// What the removal of one row from one dataset comes to. Everything is sorted but for `datasets`.
struct Erasure {
  /// The one that was asked for, then each output whose row of the same key was made from it.
  std::vector<ErasedDataset> datasets;
  std::vector<std::string> streams;       ///< nobody may write these meanwhile: of `datasets`, and all that follows
  std::vector<std::string> transformers;  ///< keys of those that write these streams: what they made may hold values
  std::vector<std::string> run_again;     ///< keys of those that read one of `datasets`
  /// Made from it by other keys: which rows of theirs came of it is for people to say, who are helped by NamesOfTheKey.
  std::vector<sql::TableLayout> derived;
};

/// Columns of the table that may hold a key of `from` as it is, each entry in the order of that key: those that are
/// called as its own, and for a key of one column every other one; of the same kind of values, whatever their limits.
std::vector<std::vector<std::string>> NamesOfTheKey(const sql::TableLayout& table, const sql::TableLayout& from);

/// The row goes from an output as well when a mask has kept the whole key: same columns, same types, rule `keep`.
/// What SQL or code makes of a key nobody knows. Own outputs and references count as reads. REQUIRES: the dataset is in
/// the model, and has a key.
Erasure PlanErasure(const model::Model& model, const Physical& physical, const model::DatasetAddress& dataset,
                    const std::string& container);

}  // namespace yellow::plan
