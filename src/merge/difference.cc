#include "base/check.h"
#include "merge/columns.h"
#include "merge/rules.h"
#include "merge/strategies.h"
#include "sql/names.h"

namespace yellow::merge {
namespace {

/// Of each target table one, as several may be compared before one is changed.
std::string NameFor(const MergeSpec& spec, const std::string& what) {
  return sql::Quoted(sql::FitName("yellow_" + what + "__" + spec.table.merge_table));
}

/// Staged rows that are new or unlike their target row.
std::string Difference(const MergeSpec& spec) { return "pg_temp." + NameFor(spec, "difference"); }
/// Target rows that no staged row names.
std::string Gone(const MergeSpec& spec) { return "pg_temp." + NameFor(spec, "gone"); }

bool IsForensic(const MergeSpec& spec) { return spec.table.milestoning == model::Milestoning::kForensic; }

/// The target's rows and the source's, with their places: what both sides of the comparison are.
std::string LiveRows(const MergeSpec& spec) {
  const std::string where = IsForensic(spec) ? " WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch) : "";
  return "(SELECT ctid AS yellow_place, " + ColumnList(spec.table) + " FROM " + Target(spec.table) + where + ")";
}

std::string SourceRows(const MergeSpec& spec) {
  const std::string where =
      spec.meaning == SourceMeaning::kSnapshotWithOp ? " WHERE yellow_op IS DISTINCT FROM 'D'" : "";
  return "(SELECT ctid AS yellow_place, " + ColumnList(spec.table) + " FROM " + spec.source + where + ")";
}

std::string FindGone(const MergeSpec& spec) {
  return "CREATE TEMPORARY TABLE " + NameFor(spec, "gone") +
         " ON COMMIT DROP AS SELECT t.yellow_place AS yellow_target FROM " + LiveRows(spec) +
         " t WHERE NOT EXISTS (SELECT FROM " + SourceRows(spec) + " s WHERE " + KeysMatch(spec.table, "t", "s") +
         ") ORDER BY 1";
}

std::string Log(const MergeSpec& spec, const std::string& select, const std::string& op, const std::string& from) {
  return "INSERT INTO " + sql::Qualified(spec.table.schema, spec.table.change_log_table) + " (" +
         ColumnList(spec.table) + ", yellow_batch, yellow_op) SELECT " + select + ", " + std::to_string(spec.batch) +
         ", '" + op + "' FROM " + from;
}

std::string LiveUpdate(const MergeSpec& spec) {
  std::string assignments;
  for (const model::Column& column : spec.table.columns) {
    const std::string name = sql::Quoted(column.name);
    assignments += name + " = s." + name + "::" + model::ToSql(column.type) + ", ";
  }
  return "UPDATE " + Target(spec.table) + " t SET " + assignments + "yellow_batch = " + std::to_string(spec.batch) +
         " FROM " + Difference(spec) + " d JOIN " + spec.source +
         " s ON s.ctid = d.yellow_staged WHERE t.ctid = d.yellow_target";
}

std::string Insert(const MergeSpec& spec) {
  const std::string batch = std::to_string(spec.batch);
  const std::string columns = IsForensic(spec) ? ", yellow_batch_in, yellow_batch_out" : ", yellow_batch";
  const std::string values = IsForensic(spec) ? batch + ", " + std::to_string(sql::kOpenBatch) : batch;
  // With history the new version of a changed row is a new row too.
  const std::string where = IsForensic(spec) ? "" : " WHERE d.yellow_target IS NULL";
  return "INSERT INTO " + Target(spec.table) + " (" + ColumnList(spec.table) + columns + ") SELECT " +
         CastList(spec.table, "s") + ", " + values + " FROM " + Difference(spec) + " d JOIN " + spec.source +
         " s ON s.ctid = d.yellow_staged" + where;
}

/// Every staged row is new or beside the one target row of its key, every target row is gone or beside a staged one: as
/// many staged as target rows are beside one, unless keys are shared. Among the new ones they are looked for by hand.
std::string DoubtKeys(const MergeSpec& spec) {
  std::string keys;
  for (const std::string& key : spec.table.key) {
    for (const model::Column& column : spec.table.columns) {
      if (column.name == key)
        keys += (keys.empty() ? "s." : ", s.") + sql::Quoted(key) + "::" + model::ToSql(column.type);
    }
  }
  const std::string rows = "(SELECT count(*) FROM ", difference = Difference(spec);
  return "SELECT " + std::to_string(spec.rows) + " - " + rows + difference + " WHERE yellow_target IS NULL) <> " +
         std::to_string(spec.live_rows) + " - " + rows + Gone(spec) + ") OR EXISTS (SELECT FROM " + difference +
         " d JOIN " + spec.source + " s ON s.ctid = d.yellow_staged WHERE d.yellow_target IS NULL GROUP BY " + keys +
         " HAVING count(*) > 1)";
}

}  // namespace

/// In the order in which the target's rows lie, in which they are changed then.
sql::Statement FindDifference(const MergeSpec& spec) {
  return "CREATE TEMPORARY TABLE " + NameFor(spec, "difference") +
         " ON COMMIT DROP AS SELECT t.yellow_place AS yellow_target, s.yellow_place AS yellow_staged, " +
         AnyBroken(Rules(spec.table)) + " AS yellow_broken FROM " + SourceRows(spec) + " s LEFT JOIN " +
         LiveRows(spec) + " t ON " + KeysMatch(spec.table, "t", "s") + " WHERE t.yellow_place IS NULL OR " +
         Differ(spec.table, "t", "s") + " ORDER BY 1, 2";
}

sql::Statement CountBrokenInDifference(const MergeSpec& spec) {
  return "SELECT count(*) FROM " + Difference(spec) + " WHERE yellow_broken";
}

// Both tables are read twice, by all the processes that the server has for it: one full join would read them once, but
// by one process alone before PostgreSQL 16. What they differ in is kept as the places of rows, so that it is small
// whatever the rows hold; nobody else writes either table before the end of the transaction, so that places stay what
// they are.
std::vector<MergeStatement> ByDifference(const MergeSpec& spec) {
  YELLOW_CHECK(!spec.table.key.empty() && spec.meaning != SourceMeaning::kChanges);
  const std::string target = Target(spec.table), difference = Difference(spec), gone = Gone(spec);
  std::vector<MergeStatement> statements;
  if (!spec.compared) statements.push_back({Effect::kSearch, FindDifference(spec)});
  statements.push_back({Effect::kSearch, FindGone(spec)});
  statements.push_back({Effect::kBookkeeping, "ANALYZE " + difference + ", " + gone});
  statements.push_back({Effect::kDoubtKeys, DoubtKeys(spec)});
  if (spec.table.changes && !IsForensic(spec)) {
    const std::string ended =
        "(SELECT yellow_target FROM " + difference + " UNION ALL SELECT yellow_target FROM " + gone + ")";
    statements.push_back({Effect::kBookkeeping, Log(spec, ColumnsOf(spec.table, "t"), "D",
                                                    ended + " d JOIN " + target + " t ON t.ctid = d.yellow_target")});
    statements.push_back(
        {Effect::kBookkeeping, Log(spec, CastList(spec.table, "s"), "I",
                                   difference + " d JOIN " + spec.source + " s ON s.ctid = d.yellow_staged")});
  }
  const std::string where = " d WHERE t.ctid = d.yellow_target";
  if (IsForensic(spec)) {
    const std::string close = "UPDATE " + target + " t SET yellow_batch_out = " + std::to_string(spec.batch) + " FROM ";
    statements.push_back({Effect::kUpdate, close + difference + where});
    statements.push_back({Effect::kDelete, close + gone + where});
  } else {
    statements.push_back({Effect::kUpdate, LiveUpdate(spec)});
    statements.push_back({Effect::kDelete, "DELETE FROM " + target + " t USING " + gone + where});
  }
  statements.push_back({Effect::kInsert, Insert(spec)});
  statements.push_back({Effect::kBookkeeping, "DROP TABLE " + difference + ", " + gone});
  return statements;
}

}  // namespace yellow::merge
