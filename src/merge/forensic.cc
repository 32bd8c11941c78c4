#include "merge/columns.h"
#include "merge/strategies.h"

namespace yellow::merge {

// Closing comes first: a unique index allows one live version of a key at any moment.
std::vector<MergeStatement> Forensic(const MergeSpec& spec) {
  const sql::TableLayout& table = spec.table;
  const std::string target = Target(table);
  const std::string upserts = Upserts(spec);
  const std::string keys = KeysMatch(table, "t", "s");
  const std::string batch = std::to_string(spec.batch);
  const std::string live = "t.yellow_batch_out = " + std::to_string(sql::kOpenBatch);
  const std::string close = "UPDATE " + target + " t SET yellow_batch_out = " + batch;
  const std::string change =
      close + " FROM " + upserts + " s WHERE " + live + " AND " + keys + " AND " + Differ(table, "t", "s");
  const std::string remove =
      spec.meaning == SourceMeaning::kChanges
          ? close + " FROM " + spec.source + " s WHERE " + live + " AND s.yellow_op = 'D' AND " + keys
          : close + " WHERE " + live + " AND NOT EXISTS (SELECT FROM " + upserts + " s WHERE " + keys + ")";
  const std::string insert = "INSERT INTO " + target + " (" + ColumnList(table) +
                             ", yellow_batch_in, yellow_batch_out) SELECT " + CastList(table, "s") + ", " + batch +
                             ", " + std::to_string(sql::kOpenBatch) + " FROM " + upserts +
                             " s WHERE NOT EXISTS (SELECT FROM " + target + " t WHERE " + live + " AND " + keys + ")";
  return {{Effect::kUpdate, change}, {Effect::kDelete, remove}, {Effect::kInsert, insert}};
}

}  // namespace yellow::merge
