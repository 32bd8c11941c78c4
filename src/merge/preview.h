#pragma once

#include <optional>
#include <string>

#include "merge/merge.h"

namespace yellow::merge {

/// What a merge would do, found by reading only. `spec`: the rows and the table as it is to be; `committed`: the table
/// as it is, which may lack columns that `spec` has; nothing when there is none. REQUIRES: no bad rows, and the key of
/// both is the same.
struct Preview {
  MergeSpec spec;
  std::optional<sql::TableLayout> committed;
};

/// One row: inserted, updated, deleted, unchanged; as Merge would count them.
sql::Statement PreviewCounts(const Preview& preview);

/// The first `limit` rows, those that would change first, then by key: a mark (`+` inserted, `~` updated, `-` deleted,
/// else a blank), then every business column as text; of a deleted row the committed values.
sql::Statement PreviewRows(const Preview& preview, size_t limit);

}  // namespace yellow::merge
