#pragma once

#include <string>

#include "merge/merge.h"

namespace yellow::merge {

/// `"a", "b"` of the business columns.
std::string ColumnList(const sql::TableLayout& table);
/// `t."a", t."b"` of the business columns.
std::string ColumnsOf(const sql::TableLayout& table, const std::string& alias);
/// `s."a"::integer, …`: the source's columns with their declared types. Checks have made sure that no cast cuts or
/// rounds.
std::string CastList(const sql::TableLayout& table, const std::string& alias);
/// `ROW(t."a", …)`; `cast`: of staged values, as they are when they are stored as the declared types.
std::string RowOf(const sql::TableLayout& table, const std::string& alias, bool cast);
/// The business columns of one staged row as the text of a JSON object, those that could not be read included.
std::string RowJson(const sql::TableLayout& table, const std::string& alias);
/// True for rows that are not the same to the letter: `('ab','c')` is not `('a','bc')`, 1.0 is not 1.00, null is not
/// empty. Column by column where a type's `=` says as much, which is twice as fast; the others by their images.
/// REQUIRES: both are rows of one key.
std::string Differ(const sql::TableLayout& table, const std::string& target, const std::string& source);
/// `t."id" = s."id"::varchar(20) AND …` over the key: the staged value is compared as the declared type, as char(5)
/// ignores the blanks at its end.
std::string KeysMatch(const sql::TableLayout& table, const std::string& target, const std::string& source);
/// The source's rows that hold values: all, or those that are not deletions. As a parenthesised SELECT or a table name.
std::string Upserts(const MergeSpec& spec);
std::string Target(const sql::TableLayout& table);

}  // namespace yellow::merge
