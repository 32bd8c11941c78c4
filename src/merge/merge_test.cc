#include "merge/merge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "testing/postgres_server.h"

namespace yellow::merge {
namespace {

using Cell = std::optional<std::string>;
using Row = std::vector<Cell>;

constexpr const char* kOpen = "2147483647";

struct Shape {
  std::string name;
  std::vector<std::pair<std::string, std::string>> columns;  ///< name, type
  std::vector<std::string> key;
  model::Milestoning milestoning = model::Milestoning::kLive;
};

sql::TableLayout LayoutOf(const Shape& shape) {
  sql::TableLayout layout;
  layout.dataset = {"S", shape.name};
  layout.schema = "public";
  layout.merge_table = "target_" + shape.name;
  layout.staging_table = "staging_" + shape.name;
  layout.milestoning = shape.milestoning;
  layout.key = shape.key;
  for (const auto& [name, type] : shape.columns) {
    std::string why;
    model::Column column;
    column.name = name;
    column.type = model::ParseType(type, &why)->type;
    layout.columns.push_back(column);
  }
  return layout;
}

void MakeTables(ports::Session& session, const sql::TableLayout& layout) {
  std::string staging, target;
  for (const model::Column& column : layout.columns) {
    staging += (staging.empty() ? "" : ", ") + column.name + " " + model::ToSql(model::WithoutLimits(column.type));
    target += column.name + " " + model::ToSql(column.type) + ", ";
  }
  std::string key;
  for (const std::string& name : layout.key) key += (key.empty() ? "" : ", ") + name;
  const bool forensic = layout.milestoning == model::Milestoning::kForensic;
  target += forensic ? "yellow_batch_in integer, yellow_batch_out integer, PRIMARY KEY (" + key + ", yellow_batch_in)"
                     : "yellow_batch integer" + (key.empty() ? "" : ", PRIMARY KEY (" + key + ")");
  session.Execute("CREATE TABLE " + layout.staging_table + " (" + staging + ")");
  session.Execute("CREATE TABLE " + layout.merge_table + " (" + target + ")");
  if (forensic)
    session.Execute("CREATE UNIQUE INDEX ON " + layout.merge_table + " (" + key +
                    ") WHERE yellow_batch_out = 2147483647");
}

void Stage(ports::Session& session, const sql::TableLayout& layout, const std::vector<Row>& rows) {
  session.Execute("TRUNCATE " + layout.staging_table);
  for (const Row& row : rows) {
    std::string places;
    for (size_t i = 0; i < row.size(); ++i) places += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
    session.Execute({"INSERT INTO " + layout.staging_table + " VALUES (" + places + ")", row});
  }
}

Counters MergeOnce(ports::Session& session, const MergeSpec& spec) {
  ports::Transaction transaction(session);
  const int64_t staged = session.Execute(CountStaged(spec)).Integer(0, 0);
  int64_t counts[3] = {0, 0, 0};
  for (const MergeStatement& step : Merge(spec))
    counts[static_cast<size_t>(step.effect)] += session.Execute(step.statement).affected;
  transaction.Commit();
  return Count(spec, staged, counts[0], counts[1], counts[2]);
}

std::vector<Row> ReadTable(ports::Session& session, const sql::TableLayout& layout) {
  std::vector<Row> rows = session.Execute("SELECT * FROM " + layout.merge_table).rows;
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// The same merge over a std::map, in a dozen lines: what the statements are compared with.
class Reference {
 public:
  explicit Reference(const sql::TableLayout& layout) : layout_(layout) {}

  Counters Merge(const std::vector<Row>& rows, int batch) {
    Counters c;
    c.staged = static_cast<int64_t>(rows.size());
    const std::string b = std::to_string(batch);
    std::map<Row, std::vector<Row>> next;
    for (const Row& row : rows) next[KeyOf(row)].push_back(row);
    for (auto it = live_.begin(); it != live_.end();) {
      auto& [key, versions] = *it;
      std::vector<Row>& fresh = next[key];
      while (versions.size() > fresh.size()) Close(versions.back(), b), versions.pop_back(), ++c.deleted;
      it = versions.empty() ? live_.erase(it) : std::next(it);
    }
    for (auto& [key, fresh] : next) {
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

  std::vector<Row> Table() const {
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

 private:
  /// Without a key the whole row is its own key.
  Row KeyOf(const Row& row) const {
    if (layout_.key.empty()) return row;
    Row key;
    for (size_t i = 0; i < layout_.columns.size(); ++i) {
      if (std::find(layout_.key.begin(), layout_.key.end(), layout_.columns[i].name) != layout_.key.end())
        key.push_back(row[i]);
    }
    return key;
  }

  void Close(Row row, const std::string& batch) {
    if (layout_.milestoning != model::Milestoning::kForensic) return;
    row.push_back(batch);
    closed_.push_back(row);
  }

  const sql::TableLayout& layout_;
  std::map<Row, std::vector<Row>> live_;
  std::vector<Row> closed_;
};

/// Values near each other, so that batches collide, change, and differ in the letter only.
Cell RandomValue(const model::DataType& type, bool key, std::mt19937& random) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  if (!key && pick(5) == 0) return std::nullopt;
  switch (type.kind) {
    case model::TypeKind::kInteger:
      return std::to_string(pick(key ? 12 : 3));
    case model::TypeKind::kNumeric:
      return std::string(std::array{"1.0", "1.00", "NaN", "2"}[static_cast<size_t>(pick(4))]);
    case model::TypeKind::kJson:
      return std::string(std::array{"{}", "{ }", "[1]"}[static_cast<size_t>(pick(3))]);
    case model::TypeKind::kBytea:
      return std::string(std::array{"\\x", "\\x00", "\\x0001"}[static_cast<size_t>(pick(3))]);
    default:
      return std::string(std::array{"", "a", "ab", "é", "(,\")"}[static_cast<size_t>(pick(key ? 4 : 5))]);
  }
}

std::vector<Row> RandomRows(const sql::TableLayout& layout, std::mt19937& random) {
  std::vector<Row> rows;
  std::set<Row> keys;
  for (int i = static_cast<int>(random() % 20); i > 0; --i) {
    Row row, key;
    for (const model::Column& column : layout.columns) {
      const bool in_key = std::find(layout.key.begin(), layout.key.end(), column.name) != layout.key.end();
      row.push_back(RandomValue(column.type, in_key, random));
      if (in_key) key.push_back(row.back());
    }
    if (layout.key.empty() || keys.insert(key).second) rows.push_back(row);
  }
  return rows;
}

class MergeAgainstReference : public ::testing::TestWithParam<Shape> {};

TEST_P(MergeAgainstReference, GivesTheSameTableAndCounters) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const sql::TableLayout layout = LayoutOf(GetParam());
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  Reference reference(layout);
  const char* wanted = std::getenv("YELLOW_MERGE_BATCHES");
  const int batches = wanted == nullptr ? 150 : std::atoi(wanted);
  for (int batch = 1; batch <= batches; ++batch) {
    SCOPED_TRACE(fmt::format("seed {}, batch {}", seed, batch));
    const std::vector<Row> rows = RandomRows(layout, random);
    Stage(*session, layout, rows);
    const Counters counters =
        MergeOnce(*session, {layout, batch, sql::Qualified("public", layout.staging_table), SourceMeaning::kSnapshot});
    ASSERT_EQ(counters.inserted + counters.updated + counters.unchanged, counters.staged);
    ASSERT_EQ(counters, reference.Merge(rows, batch));
    ASSERT_EQ(ReadTable(*session, layout), reference.Table());
  }
}

const std::vector<std::pair<std::string, std::string>> kColumns{{"id", "integer"},     {"code", "varchar(9)"},
                                                                {"amount", "numeric"}, {"note", "text"},
                                                                {"doc", "json"},       {"raw", "bytea"}};

INSTANTIATE_TEST_SUITE_P(
    Shapes, MergeAgainstReference,
    ::testing::Values(Shape{"live", kColumns, {"id"}, model::Milestoning::kLive},
                      Shape{"live_composite", kColumns, {"id", "code"}, model::Milestoning::kLive},
                      Shape{"keyless", kColumns, {}, model::Milestoning::kLive},
                      Shape{"forensic", kColumns, {"id"}, model::Milestoning::kForensic},
                      Shape{"forensic_composite", kColumns, {"id", "code"}, model::Milestoning::kForensic}),
    [](const auto& instance) { return instance.param.name; });

TEST(Checks, FindWhatCannotBeRight) {
  const sql::TableLayout layout =
      LayoutOf({"checked",
                {{"id", "integer"}, {"name", "varchar(3)"}, {"amount", "numeric(4,1)"}, {"at", "timestamp(0)"}},
                {"id"}});
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  const auto broken = [&](const std::vector<Row>& rows) {
    Stage(*session, layout, rows);
    std::string codes;
    for (const RowCheck& check :
         Checks({layout, 1, sql::Qualified("public", layout.staging_table), SourceMeaning::kSnapshot})) {
      if (session->Execute(check.statement).Integer(0, 0) > 0) codes += check.code + " ";
    }
    return codes;
  };
  EXPECT_EQ(broken({{"1", "abc", "123.4", "2026-01-01 00:00:00"}, {"2", "éñü", "-999.90", std::nullopt}}), "");
  EXPECT_EQ(broken({{std::nullopt, "a", "1", std::nullopt}}), "null_key ");
  EXPECT_EQ(broken({{"1", "a", "1", std::nullopt}, {"1", "b", "2", std::nullopt}}), "duplicate_key ");
  EXPECT_EQ(broken({{"1", "abcd", "1", std::nullopt}}), "too_long ");
  EXPECT_EQ(broken({{"1", "a", "1.25", std::nullopt}}), "out_of_range ");
  EXPECT_EQ(broken({{"1", "a", "1000", std::nullopt}}), "out_of_range ");
  EXPECT_EQ(broken({{"1", "a", "Infinity", std::nullopt}}), "out_of_range ");
  EXPECT_EQ(broken({{"1", "a", "NaN", std::nullopt}}), "");
  EXPECT_EQ(broken({{"1", "a", "1", "2026-01-01 00:00:00.5"}}), "too_precise ");
}

TEST(Guards, LookAtWhatWouldGo) {
  const model::Guards half;
  const auto breach = [&](Counters c, const model::Guards& guards) {
    const auto found = BreachOf("d", c, guards);
    return found ? found->code : std::string();
  };
  EXPECT_EQ(breach({0, 0, 0, 5, 0, 0}, half), "emptied");
  EXPECT_EQ(breach({0, 0, 0, 0, 0, 0}, half), "") << "a table that was empty may stay so";
  EXPECT_EQ(breach({100, 0, 0, 101, 100, 0}, half), "mass_delete");
  EXPECT_EQ(breach({100, 0, 0, 100, 100, 0}, half), "") << "exactly half is not more than half";
  EXPECT_EQ(breach({10, 0, 0, 99, 10, 0}, half), "") << "fewer than a hundred rows are never a mass";
  model::Guards may_be_empty;
  may_be_empty.may_become_empty.push_back({"d", {}});
  EXPECT_EQ(breach({0, 0, 0, 500, 0, 0}, may_be_empty), "");
}

}  // namespace
}  // namespace yellow::merge
