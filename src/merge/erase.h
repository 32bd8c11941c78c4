#pragma once

#include <string>
#include <vector>

#include "sql/layout.h"
#include "sql/statement.h"

/// Removes one row, by its key, from everything in which the merge database keeps its dataset: as statements. Nothing
/// says afterwards that it was there; in particular no change log does, so whoever follows the changes has to read the
/// whole again.
namespace yellow::merge {

enum class ErasedFrom {
  kTable,     ///< every version
  kChanges,   ///< every entry
  kSetAside,  ///< bad rows that name this key
  kStaging,   ///< the whole of what was read last: it is no row by itself, and may be spelled in other ways
};

/// A SELECT of two numbers, the rows that went and how many of them are live; nothing of kStaging.
struct EraseStatement {
  ErasedFrom from = ErasedFrom::kTable;
  sql::Statement statement;
};

/// In this order, in one transaction. What the layout does not have is left out, see LayoutAsFound. `key`: a value for
/// each column of the key, in its order, in PostgreSQL's text format. A value is compared as it is: one that its column
/// cannot hold is found nowhere but among bad rows. REQUIRES: the table has a key; each value is one of
/// its column's type.
std::vector<EraseStatement> Erase(const sql::TableLayout& table, const std::vector<std::string>& key);

/// SELECTs of how many rows name a key, in columns that need not be the table's key: a number for each of `names`,
/// which are as many columns as the key has, in its order. Each table but staging, once. REQUIRES: as Erase.
std::vector<sql::Statement> CountNamed(const sql::TableLayout& table,
                                       const std::vector<std::vector<std::string>>& names,
                                       const std::vector<std::string>& key);

/// A SELECT of one row about the tables of a dataset as they lie in the database, whatever the model says by now, in
/// the order of TablesFound.
sql::Statement FindTables(const sql::TableLayout& table);

struct TablesFound {
  bool merge_table = false, history = false, changes = false, set_aside = false, staging = false;
};
/// The layout of what there is: names of tables that are not there are empty.
sql::TableLayout LayoutAsFound(sql::TableLayout table, const TablesFound& found);

}  // namespace yellow::merge
