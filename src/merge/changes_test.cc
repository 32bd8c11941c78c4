#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <sstream>

#include "merge/merge.h"
#include "merge/reference_test.h"
#include "sql/changes_select.h"
#include "testing/postgres_server.h"

// Batches of changes, the change log that they leave, and the net changes that are read from it.
namespace yellow::merge {
namespace {

/// A table whose changes are followed, and an output table with yellow_op to fill it from. The key comes first.
sql::TableLayout FollowedLayout(const Shape& shape) {
  sql::TableLayout layout = LayoutOf(shape);
  layout.output_table = "source";
  layout.change_log_table = "log";
  layout.changes = true;
  layout.incremental_output = true;
  return layout;
}

void MakeFollowedTables(ports::Session& session, const sql::TableLayout& layout) {
  MakeTables(session, layout);
  std::string columns, key;
  for (const model::Column& column : layout.columns) columns += column.name + " " + model::ToSql(column.type) + ", ";
  for (const std::string& name : layout.key) key += (key.empty() ? "" : ", ") + name;
  session.Execute("CREATE TABLE source (" + columns + "yellow_op character(1) DEFAULT 'I', PRIMARY KEY (" + key + "))");
  if (layout.milestoning == model::Milestoning::kLive) {
    session.Execute("CREATE TABLE log (" + columns + "yellow_batch integer, yellow_op character(1))");
    session.Execute("CREATE INDEX ON log (yellow_batch)");
    return;
  }
  session.Execute("CREATE INDEX ON " + layout.merge_table + " (yellow_batch_in)");
  session.Execute("CREATE INDEX ON " + layout.merge_table + " (yellow_batch_out) WHERE yellow_batch_out < 2147483647");
}

MergeSpec SpecOfOutput(const sql::TableLayout& layout, int batch, SourceMeaning meaning) {
  MergeSpec spec;
  spec.table = layout;
  spec.batch = batch;
  spec.source = sql::Qualified("public", layout.output_table);
  spec.meaning = meaning;
  return spec;
}

Counters MergeBy(ports::Session& session, MergeSpec spec, Path path) {
  spec.path = path;
  ports::Transaction transaction(session);
  spec.rows = session.Execute(CountRows(spec)).Integer(0, 0), spec.live_rows = CountLive(session, spec.table);
  for (const sql::Statement& setting : PathSettings(path)) session.Execute(setting);
  Tally tally;
  for (const MergeStatement& step : Merge(spec)) {
    const ports::Rows done = session.Execute(step.statement);
    const bool doubted = step.effect == Effect::kDoubtKeys && done.Boolean(0, 0);
    EXPECT_FALSE(doubted);
    tally.Add(step.effect, done.affected);
  }
  transaction.Commit();
  return Count(spec, spec.rows, tally);
}

/// What the key of a row is, by its type's equality: 1.0 is the key 1.00.
Row KeyOf(const sql::TableLayout& layout, const Row& row) {
  Row key(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(layout.key.size()));
  for (size_t i = 0; i < key.size(); ++i) {
    if (layout.columns[i].type.kind == model::TypeKind::kNumeric && key[i]->find('.') != std::string::npos)
      key[i] = key[i]->substr(0, key[i]->find('.'));
  }
  return key;
}

/// The values of every key after each batch, and what a batch did, in a few lines each: what PostgreSQL is compared
/// with.
class History {
 public:
  using State = std::map<Row, Row>;
  struct Change {
    std::string op;
    Row row;
  };

  explicit History(const sql::TableLayout& layout) : layout_(layout), states_(1) {}

  Counters Merge(const std::vector<Change>& changes, bool whole) {
    State next = whole ? State() : states_.back();
    Counters counters;
    for (const auto& [op, row] : changes) {
      const Row key = KeyOf(layout_, row);
      if (op == "D") {
        next.erase(key);
        continue;
      }
      next[key] = row;
      const auto old = states_.back().find(key);
      ++counters.staged;
      ++(old == states_.back().end() ? counters.inserted : old->second == row ? counters.unchanged : counters.updated);
    }
    for (const auto& [key, row] : states_.back()) counters.deleted += next.count(key) == 0;
    states_.push_back(std::move(next));
    return counters;
  }

  std::vector<Row> Live() const {
    std::vector<Row> rows;
    for (const auto& [key, row] : states_.back()) rows.push_back(row);
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  std::vector<Row> Net(size_t from, size_t to) const {
    std::vector<Row> rows;
    const auto add = [&](const char* op, const Row& row) {
      rows.push_back({op});
      rows.back().insert(rows.back().end(), row.begin(), row.end());
    };
    for (const auto& [key, row] : states_[to]) {
      const auto old = states_[from].find(key);
      if (old == states_[from].end()) add("I", row);
      if (old != states_[from].end() && old->second != row) add("U", row);
    }
    for (const auto& [key, row] : states_[from]) {
      if (states_[to].count(key) != 0) continue;
      for (size_t batch = to; batch-- > from;) {
        const auto last = states_[batch].find(key);
        if (last == states_[batch].end()) continue;
        add("D", last->second);
        break;
      }
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  size_t newest() const { return states_.size() - 1; }

 private:
  const sql::TableLayout& layout_;
  std::vector<State> states_;  ///< by batch; before the first one nothing is there
};

/// Values near each other, so that batches meet again, undo what others did, and differ in the letter only.
Cell RandomValue(const model::DataType& type, bool key, std::mt19937& random) {
  const auto pick = [&](unsigned n) { return random() % n; };
  if (!key && pick(5) == 0) return std::nullopt;
  switch (type.kind) {
    case model::TypeKind::kInteger:
      return std::to_string(pick(key ? 8 : 2));
    case model::TypeKind::kNumeric:
      return std::to_string(pick(key ? 5 : 2)) + std::array{"", ".0", ".00"}[pick(3)];
    case model::TypeKind::kJson:
      return std::string(std::array{"{}", "{ }"}[pick(2)]);
    default:
      return std::string(std::array{"", "a", "ab", "(,\")"}[pick(4)]);
  }
}

std::vector<History::Change> RandomChanges(const sql::TableLayout& layout, std::mt19937& random) {
  std::map<Row, History::Change> changes;
  for (unsigned i = random() % 8; i > 0; --i) {
    Row row;
    for (const model::Column& column : layout.columns)
      row.push_back(RandomValue(column.type, row.size() < layout.key.size(), random));
    changes.try_emplace(KeyOf(layout, row), History::Change{std::array{"I", "U", "D"}[random() % 3], row});
  }
  std::vector<History::Change> list;
  for (auto& [key, change] : changes) list.push_back(std::move(change));
  return list;
}

void Write(ports::Session& session, const std::vector<History::Change>& changes) {
  session.Execute("TRUNCATE source");
  for (const auto& [op, row] : changes) {
    std::string places;
    for (size_t i = 1; i <= row.size() + 1; ++i) places += (i == 1 ? "$" : ", $") + std::to_string(i);
    Row values = row;
    values.push_back(op);
    session.Execute({"INSERT INTO source VALUES (" + places + ")", values});
  }
}

std::vector<Row> Sorted(ports::Session& session, const std::string& select) {
  std::vector<Row> rows = session.Execute(select).rows;
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::string LiveRowsOf(const sql::TableLayout& layout) {
  std::string columns;
  for (const model::Column& column : layout.columns) columns += (columns.empty() ? "" : ", ") + column.name;
  return "SELECT " + columns + " FROM " + layout.merge_table +
         (layout.milestoning == model::Milestoning::kForensic ? " WHERE yellow_batch_out = 2147483647" : "");
}

class Changes : public ::testing::TestWithParam<Shape> {};

TEST_P(Changes, FollowTheReference) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const sql::TableLayout layout = FollowedLayout(GetParam());
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeFollowedTables(*session, layout);
  History reference(layout);
  size_t net_rows = 0;
  for (int batch = 1; batch <= 120; ++batch) {
    SCOPED_TRACE(fmt::format("seed {}, batch {}", seed, batch));
    const bool whole = random() % 10 == 0;
    const std::vector<History::Change> changes = RandomChanges(layout, random);
    Write(*session, changes);
    const Counters counters =
        MergeBy(*session, SpecOfOutput(layout, batch, whole ? SourceMeaning::kSnapshotWithOp : SourceMeaning::kChanges),
                random() % 2 == 0 ? Path::kScan
                : whole           ? Path::kDifference
                                  : Path::kLookUp);
    ASSERT_EQ(counters.inserted + counters.updated + counters.unchanged, counters.staged);
    ASSERT_EQ(counters, reference.Merge(changes, whole));
    ASSERT_EQ(Sorted(*session, LiveRowsOf(layout)), reference.Live());
    // Any range: exact whatever was merged after its end.
    const size_t to = random() % (reference.newest() + 1), from = random() % (to + 1);
    SCOPED_TRACE(fmt::format("changes of ({}, {}]", from, to));
    const std::vector<Row> net = Sorted(
        *session, sql::ChangesSelect(layout, {"(SELECT " + std::to_string(from) + ")", std::to_string(to), "false"}));
    ASSERT_EQ(net, reference.Net(from, to));
    net_rows += net.size();
  }
  EXPECT_GT(net_rows, 100u) << "the ranges were empty";
  std::vector<Row> all = reference.Live();
  for (Row& row : all) row.insert(row.begin(), "I");
  EXPECT_EQ(Sorted(*session, sql::ChangesSelect(layout, {"NULL::integer", "NULL::integer", "true"})), all);
}

const std::vector<std::pair<std::string, std::string>> kFourColumns{
    {"id", "integer"}, {"code", "varchar(9)"}, {"amount", "numeric"}, {"doc", "json"}};

INSTANTIATE_TEST_SUITE_P(
    Shapes, Changes,
    ::testing::Values(
        Shape{"live", kFourColumns, {"id"}, model::Milestoning::kLive},
        Shape{"live_composite", kFourColumns, {"id", "code"}, model::Milestoning::kLive},
        Shape{"live_numeric", {{"id", "numeric"}, {"note", "text"}}, {"id"}, model::Milestoning::kLive},
        Shape{"forensic", kFourColumns, {"id"}, model::Milestoning::kForensic},
        Shape{"forensic_numeric", {{"id", "numeric"}, {"note", "text"}}, {"id"}, model::Milestoning::kForensic}),
    [](const auto& instance) { return instance.param.name; });

// ---- A small delta on a large table. -------------------------------------------------------------------------------

class Delta : public ::testing::TestWithParam<model::Milestoning> {
 protected:
  static constexpr int kRows = 200'000, kChanged = 100;

  Delta()
      : layout_(FollowedLayout({"delta", {{"id", "varchar(20)"}, {"note", "text"}}, {"id"}, GetParam()})),
        session_(yellow::testing::PostgresServer::Shared().FreshDatabase()) {
    const bool live = GetParam() == model::Milestoning::kLive;
    MakeFollowedTables(*session_, layout_);
    session_->Execute("INSERT INTO target_delta SELECT 'K' || n, 'note ' || n, 1" +
                      std::string(live ? "" : ", 2147483647") + " FROM generate_series(1, " + std::to_string(kRows) +
                      ") n");
    session_->Execute("ANALYZE target_delta");
    if (live) session_->Execute("INSERT INTO log SELECT id, note, yellow_batch, 'I' FROM target_delta");
    // As after a run: an output table that has just been filled has no statistics.
    session_->Execute(
        "INSERT INTO source SELECT CASE WHEN n % 10 = 5 THEN 'new ' ELSE '' END || 'K' || n * 1000, 'new', "
        "CASE WHEN n % 10 = 3 THEN 'D' ELSE 'I' END FROM generate_series(1, " +
        std::to_string(kChanged) + ") n");
  }

  std::string Explain(const std::string& statement, const std::string& options = "") {
    std::string text;
    for (const Row& row : session_->Execute("EXPLAIN " + options + statement).rows) text += *row[0] + "\n";
    return text;
  }

  const sql::TableLayout layout_;
  const std::unique_ptr<ports::Session> session_;
};

TEST_P(Delta, IsMergedWithoutReadingTheTargetWhole) {
  MergeSpec spec = SpecOfOutput(layout_, 2, SourceMeaning::kChanges);
  spec.live_rows = kRows;
  const Path path = ChoosePath(spec, session_->Execute(CountSource(spec)).Integer(0, 0));
  EXPECT_EQ(path, Path::kLookUp);
  ports::Transaction transaction(*session_);
  for (const sql::Statement& setting : PathSettings(path)) session_->Execute(setting);
  for (const MergeStatement& step : Merge(spec)) {
    const std::string plan = Explain(step.statement.text, "(ANALYZE, COSTS OFF, TIMING OFF) ");
    EXPECT_THAT(plan, ::testing::Not(::testing::HasSubstr("Seq Scan on target_delta"))) << plan;
    EXPECT_THAT(plan, ::testing::AnyOf(::testing::HasSubstr("Index Scan using target_delta"),
                                       ::testing::HasSubstr("Index Only Scan using target_delta")))
        << plan;
  }
}

TEST_P(Delta, IsReadFromItsBatchesOnly) {
  const MergeSpec spec = SpecOfOutput(layout_, 2, SourceMeaning::kChanges);
  const Counters counters = MergeBy(*session_, spec, Path::kLookUp);
  EXPECT_EQ(counters.inserted + counters.updated + counters.deleted, kChanged);
  session_->Execute("CREATE TABLE claimed AS SELECT false AS whole, 1 AS from_batch, 2 AS to_batch");
  const std::string select =
      sql::ChangesSelect(layout_, {"(SELECT from_batch FROM claimed WHERE NOT whole)",
                                   "(SELECT to_batch FROM claimed WHERE NOT whole)", "(SELECT whole FROM claimed)"});
  const std::string plan = Explain(select, "(ANALYZE, COSTS OFF, TIMING OFF) ");
  std::istringstream lines(plan);
  for (std::string line; std::getline(lines, line);) {
    const bool scan = line.find("Seq Scan on target_delta") != std::string::npos;
    EXPECT_THAT(line, ::testing::Not(::testing::HasSubstr("Seq Scan on log"))) << plan;
    EXPECT_TRUE(!scan || line.find("never executed") != std::string::npos) << plan;
  }
  EXPECT_EQ(session_->Execute(select).size(), static_cast<size_t>(kChanged));
  session_->Execute("UPDATE claimed SET whole = true");
  EXPECT_EQ(session_->Execute(select).size(), static_cast<size_t>(kRows + counters.inserted - counters.deleted));
}

TEST(ChoosePath, ComparesTheBatchWithTheTarget) {
  MergeSpec spec;
  spec.table.key = {"id"};
  spec.meaning = SourceMeaning::kChanges;
  const auto chosen = [&](int64_t rows, int64_t live_rows) {
    spec.live_rows = live_rows;
    return ChoosePath(spec, rows);
  };
  EXPECT_EQ(chosen(100, 200'000), Path::kLookUp);
  EXPECT_EQ(chosen(100'000, 200'000), Path::kScan);
  EXPECT_EQ(chosen(0, 0), Path::kScan);
  spec.meaning = SourceMeaning::kSnapshotWithOp;
  EXPECT_EQ(chosen(100, 200'000), Path::kDifference) << "what is not mentioned is deleted";
  EXPECT_EQ(chosen(0, 9'999), Path::kScan);
  spec.table.sets_aside = true;
  EXPECT_EQ(chosen(0, 200'000), Path::kScan) << "bad rows have to be known before the merge";
  spec.table.sets_aside = false;
  spec.table.key.clear();
  EXPECT_EQ(chosen(0, 200'000), Path::kScan);
}

INSTANTIATE_TEST_SUITE_P(Tables, Delta, ::testing::Values(model::Milestoning::kLive, model::Milestoning::kForensic),
                         [](const auto& instance) {
                           return instance.param == model::Milestoning::kLive ? "live" : "forensic";
                         });

}  // namespace
}  // namespace yellow::merge
