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
  std::vector<model::DatasetAddress> derived;  ///< made from it by other keys: what is left there cannot be told here
};

/// The row goes from an output as well when a mask has kept the whole key: same columns, same types, rule `keep`.
/// What SQL or code makes of a key nobody knows. Own outputs and references count as reads. REQUIRES: the dataset is in
/// the model, and has a key.
Erasure PlanErasure(const model::Model& model, const Physical& physical, const model::DatasetAddress& dataset,
                    const std::string& container);

}  // namespace yellow::plan
