#include "merge/preview.h"

#include <algorithm>

#include "merge/columns.h"

namespace yellow::merge {
namespace {

constexpr const char* kThere = "yellow_there";  // true in every row of a side; null where a join found none

using sql::Quoted;

/// `a."id", a."name"`, `separator` apart, each through `wrap`.
template <typename Wrap>
std::string Each(const sql::TableLayout& table, const std::string& separator, Wrap wrap) {
  std::string list;
  for (const model::Column& column : table.columns) list += (list.empty() ? "" : separator) + wrap(column);
  return list;
}

/// The rows as they would be committed.
std::string NewRows(const MergeSpec& spec) {
  return "SELECT " +
         Each(spec.table, ", ",
              [](const model::Column& column) {
                return "s." + Quoted(column.name) + "::" + model::ToSql(column.type) + " AS " + Quoted(column.name);
              }) +
         ", true AS " + kThere + " FROM " + Upserts(spec) + " s";
}

/// The committed rows in the columns of the new table: null where there was none.
std::string OldRows(const Preview& preview) {
  const auto& committed = preview.committed;
  const auto has = [&](const std::string& name) {
    return committed && std::any_of(committed->columns.begin(), committed->columns.end(),
                                    [&](const model::Column& column) { return column.name == name; });
  };
  const std::string columns = Each(preview.spec.table, ", ", [&](const model::Column& column) {
    const std::string name = Quoted(column.name);
    return (has(column.name) ? "t." + name : "NULL") + "::" + model::ToSql(column.type) + " AS " + name;
  });
  if (!committed) return "SELECT " + columns + ", true AS " + kThere + " WHERE false";
  const bool forensic = committed->milestoning == model::Milestoning::kForensic;
  return "SELECT " + columns + ", true AS " + kThere + " FROM " + Target(*committed) + " t" +
         (forensic ? " WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch) : "");
}

/// One side with the text of the row and its number among equal rows, as tables without a key are compared.
std::string Numbered(const sql::TableLayout& table, const std::string& rows) {
  const std::string image = RowOf(table, "r", false) + "::text";
  return "SELECT r.*, " + image + " AS yellow_image, row_number() OVER (PARTITION BY " + image +
         ") AS yellow_number FROM (" + rows + ") r";
}

/// Both sides beside each other with a mark; the columns are those of the new row, or of the old where there is no new
/// one.
std::string Marked(const Preview& preview) {
  const sql::TableLayout& table = preview.spec.table;
  std::string fresh = NewRows(preview.spec), old = OldRows(preview), match, differ = "false";
  if (table.key.empty()) {
    fresh = Numbered(table, fresh), old = Numbered(table, old);
    match = "n.yellow_image = o.yellow_image AND n.yellow_number = o.yellow_number";
  } else {
    for (const std::string& key : table.key)
      match += (match.empty() ? "n." : " AND n.") + Quoted(key) + " = o." + Quoted(key);
    differ = "record_image_ne(" + RowOf(table, "o", false) + ", " + RowOf(table, "n", false) + ")";
  }
  const std::string columns = Each(table, ", ", [](const model::Column& column) {
    const std::string name = Quoted(column.name);
    return std::string("CASE WHEN n.") + kThere + " THEN n." + name + " ELSE o." + name + " END AS " + name;
  });
  return std::string("SELECT CASE WHEN o.") + kThere + " IS NULL THEN '+' WHEN n." + kThere +
         " IS NULL THEN '-' WHEN " + differ + " THEN '~' ELSE ' ' END AS yellow_mark, " + columns + " FROM (" + fresh +
         ") n FULL JOIN (" + old + ") o ON " + match;
}

}  // namespace

sql::Statement PreviewCounts(const Preview& preview) {
  std::string counts;
  for (const char* mark : {"+", "~", "-", " "})
    counts += (counts.empty() ? "" : ", ") + std::string("count(*) FILTER (WHERE yellow_mark = '") + mark + "')";
  return "SELECT " + counts + " FROM (" + Marked(preview) + ") m";
}

sql::Statement PreviewRows(const Preview& preview, size_t limit) {
  const sql::TableLayout& table = preview.spec.table;
  std::string order;
  for (const std::string& key : table.key) order += ", m." + Quoted(key);
  if (table.key.empty()) order = ", " + RowOf(table, "m", false) + "::text";
  return "SELECT m.yellow_mark, " +
         Each(table, ", ", [](const model::Column& column) { return "m." + Quoted(column.name) + "::text"; }) +
         " FROM (" + Marked(preview) + ") m ORDER BY m.yellow_mark = ' '" + order + " LIMIT " + std::to_string(limit);
}

}  // namespace yellow::merge
