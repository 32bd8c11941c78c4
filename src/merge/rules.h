#pragma once

#include <string>
#include <vector>

#include "merge/merge.h"

namespace yellow::merge {

/// A rule that a row keeps or breaks by itself.
struct RowRule {
  std::string code;
  std::string rule;       ///< for people: "column firstname is varchar(100)"
  std::string condition;  ///< over alias `s`: true for a row that breaks it. No value makes it fail.
  bool of_key = false;    ///< a row that breaks it has no key that could be known
};

/// Of tables that set bad rows aside: reading has left the row whole in yellow_row.
RowRule Readable();
/// In the order of the columns.
std::vector<RowRule> Rules(const sql::TableLayout& table);
/// True for a row of alias `s` that breaks one of them.
std::string AnyBroken(const std::vector<RowRule>& rules);

/// "the key (id, code) is unique"
std::string UniqueKeyRule(const sql::TableLayout& table);
/// `(SELECT <key columns as declared>, count(*) AS times …)`: the keys that several rows have. Rows whose key is null
/// or does not fit are left out. REQUIRES: a key.
std::string KeysOfSeveralRows(const MergeSpec& spec);

}  // namespace yellow::merge
