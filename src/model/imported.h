#pragma once

#include <string>
#include <vector>

#include "model/model.h"

/// Datasets as a source's catalogue describes them, with what a person should look at before they are the model's.
namespace yellow::model {

struct ImportedColumn {
  Column column;           ///< without classes: those are for a person to confirm
  std::string remark;      ///< "order_status at the source, carried as text", or nothing
  std::string class_word;  ///< a guess, or nothing
  std::string class_because;
};

struct ImportedDataset {
  Dataset dataset;  ///< without columns
  std::vector<ImportedColumn> columns;
  std::vector<std::string> remarks;
};

}  // namespace yellow::model
