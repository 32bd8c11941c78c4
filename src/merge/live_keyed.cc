#include "merge/columns.h"
#include "merge/strategies.h"

namespace yellow::merge {

std::vector<MergeStatement> LiveKeyed(const MergeSpec& spec) {
  const sql::TableLayout& table = spec.table;
  const std::string target = Target(table);
  const std::string upserts = Upserts(spec);
  const std::string keys = KeysMatch(table, "t", "s");
  const std::string batch = std::to_string(spec.batch);
  std::vector<std::string> names;
  std::string assignments, returned;
  for (const model::Column& column : table.columns) {
    const std::string name = sql::Identifier::Quote(column.name).text();
    // Keys too: two values may be equal and yet not the same to the letter, as 1.0 and 1.00.
    assignments += name + " = s." + name + "::" + model::ToSql(column.type) + ", ";
    returned += (returned.empty() ? "t." : ", t.") + name;
  }
  const std::string update = "UPDATE " + target + " t SET " + assignments + "yellow_batch = " + batch + " FROM " +
                             upserts + " s WHERE " + keys + " AND " + Differ(table, "t", "s");
  const std::string remove =
      spec.meaning == SourceMeaning::kChanges
          ? "DELETE FROM " + target + " t USING " + spec.source + " s WHERE s.yellow_op = 'D' AND " + keys
          : "DELETE FROM " + target + " t WHERE NOT EXISTS (SELECT FROM " + upserts + " s WHERE " + keys + ")";
  const std::string insert = "INSERT INTO " + target + " (" + ColumnList(table) + ", yellow_batch) SELECT " +
                             CastList(table, "s") + ", " + batch + " FROM " + upserts +
                             " s WHERE NOT EXISTS (SELECT FROM " + target + " t WHERE " + keys + ")";
  return {{Effect::kUpdate, WithChangeLog(spec, update, returned, "U")},
          {Effect::kDelete, WithChangeLog(spec, remove, returned, "D")},
          {Effect::kInsert, WithChangeLog(spec, insert, ColumnList(table), "I")}};
}

}  // namespace yellow::merge
