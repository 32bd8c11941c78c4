#pragma once

#include <string>

#include "sql/layout.h"

namespace yellow::sql {

/// The batches `(from, to]` whose changes are wanted, as SQL that gives one value each. `whole` true: every live row is
/// wanted instead, and `from` and `to` must then be null. They are evaluated once, before any row is read, so that what
/// is not wanted is not read either.
struct ChangeRange {
  std::string from, to, whole;
};

/// `SELECT yellow_op, <business columns>`: one row for each key whose value after batch `to` is not the one it had
/// after batch `from`. `I`: it was not there; `U`: it had other values; `D`: it is not there any more, with the last
/// values that it had. Values are compared to the letter, as the merge does; keys by their type's `=`.
///
/// Reads the change log of a live table and the intervals of a forensic one, and sorts what it reads of them; of the
/// table it reads nothing else unless the whole is wanted. Exact whatever was merged after `to`.
/// REQUIRES: the table has a key, and all changes after `from` are there.
std::string ChangesSelect(const TableLayout& table, const ChangeRange& range);

}  // namespace yellow::sql
