#include "merge/columns.h"
#include "merge/strategies.h"

namespace yellow::merge {

// Equal rows are numbered on both sides and compared by (row, number). A row's text stands for its value: record_out
// quotes unambiguously, tells null from empty, and keeps 1.0 and 1.00 apart; types without equality, as json, have a
// text too.
std::vector<MergeStatement> LiveKeyless(const MergeSpec& spec) {
  const sql::TableLayout& table = spec.table;
  const std::string target = Target(table);
  const auto numbered = [&](const std::string& relation, const std::string& alias, bool cast) {
    const std::string image = RowOf(table, alias, cast) + "::text";
    return "(SELECT " + alias + ".ctid AS place, " + image + " AS image, row_number() OVER (PARTITION BY " + image +
           " ORDER BY " + alias + ".ctid) AS number FROM " + relation + " " + alias + ")";
  };
  const std::string ours = numbered(target, "t", false), theirs = numbered(spec.source, "s", true);
  const std::string same = "a.image = b.image AND a.number = b.number";
  const std::string remove = "DELETE FROM " + target + " t USING " + ours +
                             " a WHERE t.ctid = a.place AND NOT EXISTS (SELECT FROM " + theirs + " b WHERE " + same +
                             ")";
  const std::string insert = "INSERT INTO " + target + " (" + ColumnList(table) + ", yellow_batch) SELECT " +
                             CastList(table, "s") + ", " + std::to_string(spec.batch) + " FROM " + spec.source +
                             " s JOIN " + theirs + " a ON a.place = s.ctid WHERE NOT EXISTS (SELECT FROM " + ours +
                             " b WHERE " + same + ")";
  return {{Effect::kDelete, remove}, {Effect::kInsert, insert}};
}

}  // namespace yellow::merge
