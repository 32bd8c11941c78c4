#include "merge/columns.h"
#include "merge/strategies.h"

namespace yellow::merge {
namespace {

/// `INSERT INTO <change log> … SELECT <columns> FROM changed`: `op` is D for values that were, I for values that are.
std::string Log(const MergeSpec& spec, const std::string& columns, const std::string& op) {
  return "INSERT INTO " + sql::Qualified(spec.table.schema, spec.table.change_log_table) + " (" +
         ColumnList(spec.table) + ", yellow_batch, yellow_op) SELECT " + columns + ", " + std::to_string(spec.batch) +
         ", '" + op + "' FROM changed";
}

/// Rows that are inserted or deleted; they are logged in the same statement, which reports as many.
sql::Statement Logged(const MergeSpec& spec, const std::string& statement, const std::string& returning,
                      const std::string& op) {
  if (!spec.table.changes) return statement;
  const std::string columns = ColumnList(spec.table);
  return "WITH changed (" + columns + ") AS (" + statement + " RETURNING " + returning + ") " + Log(spec, columns, op);
}

/// With a log the old values are read through a second look at the row, because an UPDATE returns the new ones only.
sql::Statement Update(const MergeSpec& spec, const std::string& upserts) {
  const sql::TableLayout& table = spec.table;
  std::string assignments, old_names, new_names;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const std::string name = sql::Identifier::Quote(table.columns[i].name).text();
    // Keys too: two values may be equal and yet not the same to the letter, as 1.0 and 1.00.
    assignments += name + " = s." + name + "::" + model::ToSql(table.columns[i].type) + ", ";
    old_names += (i == 0 ? "" : ", ") + ("o" + std::to_string(i));
    new_names += (i == 0 ? "" : ", ") + ("n" + std::to_string(i));
  }
  const std::string set =
      "UPDATE " + Target(table) + " t SET " + assignments + "yellow_batch = " + std::to_string(spec.batch) + " FROM ";
  if (!table.changes) {
    return set + upserts + " s WHERE " + KeysMatch(table, "t", "s") + " AND " + Differ(table, "t", "s");
  }
  return "WITH changed (" + old_names + ", " + new_names + ") AS (" + set + Target(table) + " o, " + upserts +
         " s WHERE t.ctid = o.ctid AND " + KeysMatch(table, "o", "s") + " AND " + Differ(table, "o", "s") +
         " RETURNING " + ColumnsOf(table, "o") + ", " + ColumnsOf(table, "t") + "), removed AS (" +
         Log(spec, old_names, "D") + ") " + Log(spec, new_names, "I");
}

}  // namespace

std::vector<MergeStatement> LiveKeyed(const MergeSpec& spec) {
  const sql::TableLayout& table = spec.table;
  const std::string target = Target(table);
  const std::string upserts = Upserts(spec);
  const std::string keys = KeysMatch(table, "t", "s");
  const std::string remove =
      spec.meaning == SourceMeaning::kChanges
          ? "DELETE FROM " + target + " t USING " + spec.source + " s WHERE s.yellow_op = 'D' AND " + keys
          : "DELETE FROM " + target + " t WHERE NOT EXISTS (SELECT FROM " + upserts + " s WHERE " + keys + ")";
  const std::string insert = "INSERT INTO " + target + " (" + ColumnList(table) + ", yellow_batch) SELECT " +
                             CastList(table, "s") + ", " + std::to_string(spec.batch) + " FROM " + upserts +
                             " s WHERE NOT EXISTS (SELECT FROM " + target + " t WHERE " + keys + ")";
  return {{Effect::kUpdate, Update(spec, upserts)},
          {Effect::kDelete, Logged(spec, remove, ColumnsOf(table, "t"), "D")},
          {Effect::kInsert, Logged(spec, insert, ColumnList(table), "I")}};
}

}  // namespace yellow::merge
