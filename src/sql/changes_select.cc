#include "sql/changes_select.h"

#include "base/check.h"
#include "sql/statement.h"

namespace yellow::sql {
namespace {

std::string List(const TableLayout& table, const std::string& alias) {
  std::string list;
  for (const model::Column& column : table.columns)
    list += (list.empty() ? "" : ", ") + alias + Identifier::Quote(column.name).text();
  return list;
}

std::string Within(const std::string& column, const ChangeRange& range) {
  return column + " > " + range.from + " AND " + column + " <= " + range.to;
}

/// What happened to keys in the range: `D`, the values that a key had until a batch, and `I`, those it has since. A
/// change of values is both. A forensic table is such a log by itself: each version begins with an I and ends with a D.
std::string Entries(const TableLayout& table, const ChangeRange& range) {
  const std::string columns = List(table, "");
  if (table.milestoning == model::Milestoning::kLive) {
    return "SELECT " + columns + ", yellow_batch, yellow_op FROM " + Qualified(table.schema, table.change_log_table) +
           " WHERE " + Within("yellow_batch", range);
  }
  const std::string from = " FROM " + Qualified(table.schema, table.merge_table) + " WHERE ";
  // The first condition on each end is that of the partial index.
  return "SELECT " + columns + ", yellow_batch_in AS yellow_batch, 'I'::character(1) AS yellow_op" + from +
         Within("yellow_batch_in", range) + " UNION ALL SELECT " + columns + ", yellow_batch_out, 'D'::character(1)" +
         from + "yellow_batch_out < " + std::to_string(kOpenBatch) + " AND " + Within("yellow_batch_out", range);
}

}  // namespace

std::string ChangesSelect(const TableLayout& table, const ChangeRange& range) {
  YELLOW_CHECK(!table.key.empty());
  std::string keys;
  for (const std::string& key : table.key) keys += (keys.empty() ? "e." : ", e.") + Identifier::Quote(key).text();
  // One pass over the entries in the order of key and batch: the first says what was there before the range, the last
  // what is there after it. No join, so that no estimate of how many there are can make it slow.
  const std::string net =
      "SELECT e.*, first_value(e.yellow_op) OVER per_key AS yellow_first, first_value(ROW(" + List(table, "e.") +
      ")) OVER per_key AS yellow_before, lead(true) OVER per_key IS NULL AS yellow_last FROM (" +
      Entries(table, range) + ") e WINDOW per_key AS (PARTITION BY " + keys + " ORDER BY e.yellow_batch, e.yellow_op)";
  const bool live = table.milestoning == model::Milestoning::kLive;
  return "SELECT CASE WHEN c.yellow_op = 'D' THEN 'D' WHEN c.yellow_first = 'I' THEN 'I' ELSE 'U' END::character(1) AS "
         "yellow_op, " +
         List(table, "c.") + " FROM (" + net +
         ") c WHERE c.yellow_last AND CASE WHEN c.yellow_op = 'D' THEN c.yellow_first = 'D' WHEN c.yellow_first = 'I' "
         "THEN true ELSE record_image_ne(c.yellow_before, ROW(" +
         List(table, "c.") + ")) END UNION ALL SELECT 'I'::character(1), " + List(table, "t.") + " FROM " +
         Qualified(table.schema, table.merge_table) + " t WHERE " + range.whole +
         (live ? "" : " AND t.yellow_batch_out = " + std::to_string(kOpenBatch));
}

}  // namespace yellow::sql
