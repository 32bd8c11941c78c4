#include "merge/reference_test.h"

#include "base/json_text.h"

namespace yellow::merge {
namespace {

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

size_t CodePoints(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// The rules, in other words than those of the statements.
bool Fits(const model::DataType& type, const std::string& value) {
  if (type.length) return CodePoints(value) <= static_cast<size_t>(*type.length);
  if (type.kind != model::TypeKind::kNumeric || !type.precision || value == "NaN") return true;
  const size_t point = std::min(value.find('.'), value.size());
  const size_t decimals = value.size() - std::min(value.size(), point + 1);
  return point <= static_cast<size_t>(*type.precision - *type.scale) && decimals <= static_cast<size_t>(*type.scale);
}

class Choice {
 public:
  explicit Choice(std::mt19937& random) : random_(random) {}
  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string Of(const std::vector<std::string>& values) {
    return values[static_cast<size_t>(Below(static_cast<int>(values.size())))];
  }

 private:
  std::mt19937& random_;
};

Cell RandomValue(const model::Column& column, bool key, bool bad, Choice& choice) {
  if (!key && !column.not_null && choice.Below(5) == 0) return std::nullopt;
  if (bad && choice.Below(12) == 0) {
    if (key || column.not_null) return std::nullopt;
    if (column.type.length) return "abcdefghijk";
    if (column.type.precision) return choice.Of({"1.25", "100"});
  }
  switch (column.type.kind) {
    case model::TypeKind::kInteger:
      return std::to_string(choice.Below(key ? 12 : 3));
    case model::TypeKind::kNumeric:
      return choice.Of(column.type.precision ? std::vector<std::string>{"1.0", "1.2", "NaN"}
                                             : std::vector<std::string>{"1.0", "1.00", "NaN", "2"});
    case model::TypeKind::kJson:
      return choice.Of({"{}", "{ }", "[1]"});
    case model::TypeKind::kBytea:
      return choice.Of({"\\x", "\\x00", "\\x0001"});
    default:
      return choice.Of(key ? std::vector<std::string>{"", "a", "ab", "é"}
                           : std::vector<std::string>{"", "a", "ab", "é", "(\""});
  }
}

constexpr const char* kShown = "\\377";  // of a value that could not be read

bool IsText(const model::Column& column) {
  return column.not_null &&
         (column.type.kind == model::TypeKind::kText || column.type.kind == model::TypeKind::kVarchar);
}

/// As reading leaves such a row: one value is null, and the row as JSON comes after the last column. REQUIRES: a text
/// column that is not null.
void MakeUnreadable(const sql::TableLayout& layout, Choice& choice, Row& row) {
  std::vector<size_t> texts;
  for (size_t i = 0; i < row.size(); ++i) {
    if (!IsText(layout.columns[i])) continue;
    if (!row[i]) return;
    texts.push_back(i);
  }
  row[texts[static_cast<size_t>(choice.Below(static_cast<int>(texts.size())))]] = std::nullopt;
  std::string json;
  for (size_t i = 0; i < row.size(); ++i) {
    const bool unreadable = IsText(layout.columns[i]) && !row[i];
    json += (i == 0 ? "{" : ", ") + base::JsonString(layout.columns[i].name) + ": " +
            (unreadable ? base::JsonString(kShown)
             : row[i]   ? base::JsonString(*row[i])
                        : "null");
  }
  row.push_back(json + "}");
}

}  // namespace

sql::TableLayout LayoutOf(const Shape& shape) {
  sql::TableLayout layout;
  layout.dataset = {"S", shape.name};
  layout.schema = "public";
  layout.merge_table = "target_" + shape.name;
  layout.staging_table = "staging_" + shape.name;
  layout.rejected_table = "rejected_" + shape.name;
  layout.milestoning = shape.milestoning;
  layout.sets_aside = shape.sets_aside;
  layout.key = shape.key;
  for (const auto& [name, type] : shape.columns) {
    std::string why;
    const auto parsed = model::ParseType(type, &why);
    model::Column column;
    column.name = name;
    column.type = parsed->type;
    column.not_null = parsed->not_null || Contains(shape.key, name);
    layout.columns.push_back(column);
  }
  return layout;
}

void MakeTables(ports::Session& session, const sql::TableLayout& layout) {
  std::string staging, target;
  for (const model::Column& column : layout.columns) {
    staging += (staging.empty() ? "" : ", ") + column.name + " " + model::ToSql(model::WithoutLimits(column.type));
    target += column.name + " " + model::ToSql(column.type) + (column.not_null ? " NOT NULL, " : ", ");
  }
  std::string key;
  for (const std::string& name : layout.key) key += (key.empty() ? "" : ", ") + name;
  const bool forensic = layout.milestoning == model::Milestoning::kForensic;
  target += forensic ? "yellow_batch_in integer, yellow_batch_out integer, PRIMARY KEY (" + key + ", yellow_batch_in)"
                     : "yellow_batch integer" + (key.empty() ? "" : ", PRIMARY KEY (" + key + ")");
  if (layout.sets_aside) staging += ", yellow_row text";
  session.Execute("CREATE TABLE " + layout.staging_table + " (" + staging + ")");
  session.Execute("CREATE TABLE " + layout.merge_table + " (" + target + ")");
  if (forensic)
    session.Execute("CREATE UNIQUE INDEX ON " + layout.merge_table + " (" + key +
                    ") WHERE yellow_batch_out = 2147483647");
  session.Execute("CREATE TABLE " + layout.rejected_table +
                  " (yellow_batch_in integer NOT NULL, yellow_batch_out integer NOT NULL, yellow_rule text NOT NULL, "
                  "yellow_reason text NOT NULL, yellow_row text NOT NULL)");
}

void Stage(ports::Session& session, const sql::TableLayout& layout, const std::vector<Row>& rows) {
  session.Execute("TRUNCATE " + layout.staging_table);
  for (const Row& row : rows) {
    std::string places;
    for (size_t i = 0; i < row.size(); ++i) places += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
    session.Execute({"INSERT INTO " + layout.staging_table + " VALUES (" + places + ")", row});
  }
}

MergeSpec SpecOf(const sql::TableLayout& layout, int batch) {
  MergeSpec spec;
  spec.table = layout;
  spec.batch = batch;
  spec.source = sql::Qualified("public", layout.staging_table);
  return spec;
}

int64_t CountLive(ports::Session& session, const sql::TableLayout& layout) {
  const bool history = layout.milestoning == model::Milestoning::kForensic;
  return session
      .Execute("SELECT count(*) FROM " + sql::Qualified(layout.schema, layout.merge_table) +
               (history ? " WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch) : ""))
      .Integer(0, 0);
}

Counters MergeOnce(ports::Session& session, MergeSpec spec) {
  ports::Transaction transaction(session);
  const ports::Rows counts = session.Execute(CountRows(spec));
  spec.rows = counts.Integer(0, 0), spec.live_rows = CountLive(session, spec.table);
  const bool alone = counts.Integer(0, 1) > 0;
  for (const RowCheck& check : Checks(spec)) {
    const bool broken = session.Execute(check.statement).Integer(0, 0) > 0;
    if (broken && check.code != "duplicate_key" && !alone) throw check.code;  // CountRows has missed it
    spec.bad_rows |= broken;
  }
  Tally tally;
  for (const MergeStatement& step : Merge(spec)) {
    const ports::Rows done = session.Execute(step.statement);
    if (step.effect == Effect::kDoubtKeys && done.Boolean(0, 0)) throw std::string("no two rows share a key");
    tally.Add(step.effect, step.effect == Effect::kKeep ? done.Integer(0, 0) : done.affected);
  }
  transaction.Commit();
  return Count(spec, spec.rows, tally);
}

std::vector<Row> ReadTable(ports::Session& session, const std::string& table) {
  std::vector<Row> rows = session.Execute("SELECT * FROM " + table).rows;
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<Row> ReadRejected(ports::Session& session, const sql::TableLayout& layout) {
  std::string columns = "yellow_batch_in, yellow_batch_out, yellow_rule";
  for (const model::Column& column : layout.columns) columns += ", yellow_row::json ->> '" + column.name + "'";
  return ReadTable(session, "(SELECT " + columns + " FROM " + layout.rejected_table + ") x");
}

std::vector<Row> RandomRows(const sql::TableLayout& layout, bool bad, std::mt19937& random) {
  Choice choice(random);
  std::vector<Row> rows;
  std::set<Row> keys;
  for (int i = choice.Below(20); i > 0; --i) {
    Row row, key;
    for (const model::Column& column : layout.columns) {
      const bool in_key = Contains(layout.key, column.name);
      row.push_back(RandomValue(column, in_key, bad, choice));
      if (in_key) key.push_back(row.back());
    }
    const bool first = keys.insert(key).second;
    if (!layout.key.empty() && !first && (!bad || choice.Below(3) != 0)) continue;
    if (bad && layout.sets_aside && choice.Below(10) == 0) MakeUnreadable(layout, choice, row);
    rows.push_back(row);
  }
  return rows;
}

Counters Reference::Merge(const std::vector<Row>& rows, int batch) {
  Counters c;
  const std::string b = std::to_string(batch);
  std::vector<Bad> bad;
  std::map<Row, std::vector<Row>> read, next;  // by key
  for (const Row& row : rows) {
    const std::string rule = layout_.sets_aside ? Broken(row, true) : "";
    if (rule.empty()) {
      read[KeyOf(row)].push_back(row);
    } else {
      bad.emplace_back(rule, row);
    }
  }
  for (const auto& [key, of_key] : read) {
    for (const Row& row : of_key) {
      std::string rule;
      if (layout_.sets_aside) rule = !layout_.key.empty() && of_key.size() > 1 ? "duplicate_key" : Broken(row, false);
      if (rule.empty()) {
        next[key].push_back(row), ++c.staged;
      } else {
        bad.emplace_back(rule, row);
      }
    }
  }
  c.rejected = static_cast<int64_t>(bad.size());
  SetAside(bad, batch);
  for (auto it = live_.begin(); it != live_.end();) {
    auto& [key, versions] = *it;
    if (!layout_.key.empty() && read.count(key) != 0 && next.count(key) == 0) {
      c.kept += static_cast<int64_t>(versions.size());
      ++it;
      continue;
    }
    const std::vector<Row>& fresh = next[key];
    while (versions.size() > fresh.size()) Close(versions.back(), b), versions.pop_back(), ++c.deleted;
    it = versions.empty() ? live_.erase(it) : std::next(it);
  }
  for (const auto& [key, fresh] : next) {
    std::vector<Row>& versions = live_[key];
    for (size_t i = 0; i < fresh.size(); ++i) {
      Row row = fresh[i];
      if (i < versions.size()) {
        const Row old(versions[i].begin(), versions[i].end() - 1);
        if (old == row) {
          ++c.unchanged;
          continue;
        }
        ++c.updated;
        Close(versions[i], b);
        row.push_back(b);
        versions[i] = row;
      } else {
        ++c.inserted;
        row.push_back(b);
        versions.push_back(row);
      }
    }
    if (versions.empty()) live_.erase(key);
  }
  return c;
}

std::vector<Row> Reference::Table() const {
  std::vector<Row> rows = closed_;
  for (const auto& [key, versions] : live_) {
    for (Row row : versions) {
      if (layout_.milestoning == model::Milestoning::kForensic) row.push_back(kOpen);
      rows.push_back(row);
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<Row> Reference::Rejected() const {
  std::vector<Row> rows = rejected_before_;
  for (const auto& [bad, batches] : rejected_) {
    for (const int batch : batches) {
      Row row{std::to_string(batch), kOpen, bad.first};
      row.insert(row.end(), bad.second.begin(), bad.second.end());
      rows.push_back(row);
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

bool Reference::InKey(const std::string& column) const { return Contains(layout_.key, column); }

Row Reference::KeyOf(const Row& row) const {
  if (layout_.key.empty()) return row;
  Row key;
  for (size_t i = 0; i < layout_.columns.size(); ++i) {
    if (InKey(layout_.columns[i].name)) key.push_back(row[i]);
  }
  return key;
}

std::string Reference::Broken(const Row& row, bool of_key) const {
  const bool unreadable = row.size() > layout_.columns.size();
  if (unreadable && !of_key) return std::string(kUnreadable);
  for (size_t i = 0; i < layout_.columns.size(); ++i) {
    const model::Column& column = layout_.columns[i];
    if (InKey(column.name) != of_key) continue;
    const bool null = !row[i] && column.not_null, misfit = row[i] && !Fits(column.type, *row[i]);
    if (unreadable && (null || misfit)) return std::string(kUnreadable);
    if (null) return of_key ? "null_key" : "not_null";
    if (misfit) return column.type.length ? "too_long" : "out_of_range";
  }
  return "";
}

void Reference::SetAside(const std::vector<Bad>& bad, int batch) {
  std::map<Bad, size_t> now;
  for (auto [rule, row] : bad) {
    if (row.size() > layout_.columns.size()) {
      row.pop_back();
      for (size_t i = 0; i < row.size(); ++i) {
        if (!row[i] && IsText(layout_.columns[i])) row[i] = kShown;
      }
    }
    ++now[{rule, row}];
  }
  for (auto& [known, batches] : rejected_) {
    for (const size_t wanted = now[known]; batches.size() > wanted; batches.pop_back()) {
      Row row{std::to_string(batches.back()), std::to_string(batch), known.first};
      row.insert(row.end(), known.second.begin(), known.second.end());
      rejected_before_.push_back(row);
    }
  }
  for (const auto& [one, times] : now) {
    std::vector<int>& batches = rejected_[one];
    while (batches.size() < times) batches.push_back(batch);
  }
}

void Reference::Close(Row row, const std::string& batch) {
  if (layout_.milestoning != model::Milestoning::kForensic) return;
  row.push_back(batch);
  closed_.push_back(row);
}

}  // namespace yellow::merge
