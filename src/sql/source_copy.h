#pragma once

#include <string>
#include <vector>

#include "sql/layout.h"
#include "sql/statement.h"

/// How the rows of a source table travel into their staging table: COPY in PostgreSQL's binary format. Source columns
/// are named one by one and cast to the declared type without length, scale or precision, because a cast with them
/// cuts and rounds silently; the rows are measured in staging, where a hold can show them.
namespace yellow::sql {

/// Where a dataset is at its source. `columns` are those of the model; their `from` is the name there.
struct SourceTable {
  std::string schema, table;
  std::vector<model::Column> columns;
};

/// Values of a column that exist at the source and cannot be carried. Both are SQL over alias `s` and an expression of
/// the source's server; no value makes them fail.
struct Unreadable {
  std::string column;     ///< of the model
  std::string condition;  ///< true for such a value
  std::string shown;      ///< the value as text that can be carried
};

/// `COPY (SELECT …) TO STDOUT`. With `unreadable`, such values are null and the last column is the whole row as JSON
/// wherever there is one.
std::string CopyOut(const SourceTable& source, const std::vector<Unreadable>& unreadable);
/// `COPY <staging> (…) FROM STDIN`, for the same list. REQUIRES: the same transaction has emptied the table before, so
/// that rows can be written as those of a transaction that ended long ago: who reads them need not mark them so.
std::string CopyIn(const TableLayout& layout, const std::vector<Unreadable>& unreadable);
/// One row: how many rows have such a value, and one of them as JSON. REQUIRES: some `unreadable`.
Statement FindUnreadable(const SourceTable& source, const std::vector<Unreadable>& unreadable);

/// Texts of a SQL_ASCII database that are not UTF-8: such a database takes any bytes.
std::vector<Unreadable> TextsThatAreNotUtf8(const SourceTable& source);
/// Texts of a database with one byte a character that hold one of these bytes, for which its encoding has no meaning.
std::vector<Unreadable> TextsWithBytes(const SourceTable& source, const std::vector<int>& bytes);
/// Infinite intervals, which a server before version 17 would take for a very long time.
std::vector<Unreadable> InfiniteIntervals(const SourceTable& source);

}  // namespace yellow::sql
