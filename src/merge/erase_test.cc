#include "merge/erase.h"

#include <gmock/gmock.h>

#include "merge/reference_test.h"

namespace yellow::merge {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

/// A table of one column, or of several, with an entry in each place for each key.
class ErasedTable {
 public:
  explicit ErasedTable(Shape shape) : session_(yellow::testing::PostgresServer::Shared().FreshDatabase()) {
    shape.sets_aside = true;
    layout_ = LayoutOf(shape);
    layout_.changes = true;
    layout_.change_log_table = "changes_" + shape.name;
    MakeTables(*session_, layout_);
    session_->Execute("CREATE TABLE " + layout_.change_log_table + " AS SELECT * FROM " + layout_.merge_table);
  }

  /// As the source has it, into the merge table, the log, and as a bad row that is bad still.
  void Add(const std::vector<std::string>& row) {
    std::string places;
    std::vector<Cell> values;
    for (size_t i = 0; i < row.size(); ++i) {
      places += "$" + std::to_string(i + 1) + ", ";
      values.emplace_back(row[i]);
    }
    for (const std::string& table : {layout_.merge_table, layout_.change_log_table})
      session_->Execute({"INSERT INTO " + table + " VALUES (" + places +
                             (layout_.milestoning == model::Milestoning::kForensic ? "1, 2147483647)" : "1)"),
                         values});
    AddBad(row);
  }
  void AddBad(const std::vector<std::string>& row) {
    Stage(*session_, layout_, {{row.begin(), row.end()}});
    session_->Execute("INSERT INTO " + layout_.rejected_table + " SELECT 1, 2147483647, 'rule', 'reason', " +
                      "(SELECT row_to_json(x)::text FROM (SELECT s.*) x) FROM " + layout_.staging_table + " s");
  }
  void AddBadText(const std::string& json) {
    session_->Execute({"INSERT INTO " + layout_.rejected_table + " VALUES (1, 2, 'rule', 'reason', $1)", {json}});
  }

  /// `<rows>/<live>` of table, log and bad rows.
  std::vector<std::string> Erased(const std::vector<std::string>& key) {
    std::vector<std::string> counts;
    for (const EraseStatement& step : Erase(layout_, key)) {
      const ports::Rows gone = session_->Execute(step.statement);
      if (step.from != ErasedFrom::kStaging) counts.push_back(gone.Text(0, 0) + "/" + gone.Text(0, 1));
    }
    return counts;
  }
  int64_t Count(const std::string& table) { return session_->Execute("SELECT count(*) FROM " + table).Integer(0, 0); }

  std::unique_ptr<ports::Session> session_;
  sql::TableLayout layout_;
};

struct TypedKey {
  std::string name, type, other;       ///< other: the key of a row that stays
  std::vector<std::string> spellings;  ///< the first is how it lies there
};

class EraseByType : public ::testing::TestWithParam<TypedKey> {};

TEST_P(EraseByType, FindsTheKeyHoweverItIsSpelledAndNoOther) {
  for (const std::string& spelling : GetParam().spellings) {
    SCOPED_TRACE(spelling);
    ErasedTable table({GetParam().name, {{"id", GetParam().type}, {"note", "text"}}, {"id"}});
    table.Add({GetParam().spellings.front(), "goes"});
    table.Add({GetParam().other, "stays"});
    EXPECT_THAT(table.Erased({spelling}), ElementsAre("1/1", "1/0", "1/1"));
    EXPECT_THAT(table.Erased({spelling}), ElementsAre("0/0", "0/0", "0/0"));
    EXPECT_EQ(table.Count(table.layout_.merge_table + " WHERE note = 'stays'"), 1);
    EXPECT_EQ(table.Count(table.layout_.rejected_table + " WHERE yellow_row LIKE '%stays%'"), 1);
    EXPECT_EQ(table.Count(table.layout_.staging_table), 0) << "what was read last stays";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Types, EraseByType,
    ::testing::Values(
        TypedKey{"integer", "integer", "17", {"1", "01", "+1"}},
        TypedKey{"numeric", "numeric(4,2)", "10.00", {"1.00", "1", "1.0"}},
        TypedKey{"varchar", "varchar(20)", "A", {"a"}}, TypedKey{"quoted", "text", "a", {"a'b\"c\\d;-- %_"}},
        TypedKey{"unicode", "varchar(9)", "Zoe", {"Zoë"}}, TypedKey{"empty", "text", " ", {""}},
        TypedKey{"char", "char(5)", "abc", {"ab", "ab   "}}, TypedKey{"date", "date", "2024-01-02", {"2024-01-01"}},
        TypedKey{"timestamp", "timestamp", "2024-01-01 10:00:01", {"2024-01-01 10:00:00", "2024-01-01T10:00"}},
        TypedKey{
            "timestamptz", "timestamptz", "2024-01-01 11:00+00", {"2024-01-01 10:00+00", "2024-01-01T12:00+02:00"}},
        TypedKey{"uuid",
                 "uuid",
                 "00000000-0000-0000-0000-000000000001",
                 {"00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000A"}},
        TypedKey{"bytea", "bytea", "\\x00", {"\\x00ff", "\\x00FF"}},
        TypedKey{"boolean", "boolean", "f", {"t", "true"}}),
    [](const auto& instance) { return instance.param.name; });

TEST(EraseTest, CutsNoKeyToThatOfAnotherRow) {
  ErasedTable text({"text", {{"id", "varchar(3)"}}, {"id"}});
  text.Add({"abc"});
  EXPECT_THAT(text.Erased({"abcd"}), ElementsAre("0/0", "0/0", "0/0"));
  ErasedTable blank({"blank", {{"id", "char(3)"}}, {"id"}});
  blank.Add({"abc"});
  EXPECT_THAT(blank.Erased({"abcd"}), ElementsAre("0/0", "0/0", "0/0"));
  ErasedTable number({"number", {{"id", "numeric(3,1)"}}, {"id"}});
  number.Add({"1.2"});
  EXPECT_THAT(number.Erased({"1.19"}), ElementsAre("0/0", "0/0", "0/0"));
}

TEST(EraseTest, TakesEveryVersionAndCountsTheLiveOne) {
  ErasedTable table({"versions", {{"id", "integer"}, {"note", "text"}}, {"id"}, model::Milestoning::kForensic});
  table.session_->Execute("INSERT INTO " + table.layout_.merge_table +
                          " VALUES (1, 'a', 1, 2), (1, 'b', 2, 5), (1, 'c', 7, 2147483647), (2, 'd', 1, 2147483647)");
  EXPECT_EQ(table.Erased({"1"}).front(), "3/1");
  EXPECT_EQ(table.Count(table.layout_.merge_table), 1);
}

TEST(EraseTest, NeedsTheWholeOfACompositeKey) {
  ErasedTable table({"composite", {{"shop", "text"}, {"day", "date"}, {"note", "text"}}, {"day", "shop"}});
  table.Add({"a", "2024-01-01", "goes"});
  table.Add({"a", "2024-01-02", "stays"});
  table.Add({"b", "2024-01-01", "stays"});
  EXPECT_THAT(table.Erased({"2024-01-01", "a"}), ElementsAre("1/1", "1/0", "1/1"));
  EXPECT_EQ(table.Count(table.layout_.rejected_table), 2);
}

TEST(EraseTest, CountsWhatNamesAKeyThatIsNotItsOwnAndLeavesIt) {
  ErasedTable table(
      {"named", {{"n", "integer"}, {"id", "varchar(9)"}, {"by", "text"}}, {"n"}, model::Milestoning::kForensic});
  table.Add({"1", "a", "b"});
  table.Add({"2", "a", "a"});
  table.Add({"3", "b", "c"});
  for (int twice = 0; twice < 2; ++twice) {
    std::vector<std::string> counts;
    for (const sql::Statement& count : CountNamed(table.layout_, {{"id"}, {"by"}}, {"a"})) {
      const ports::Rows found = table.session_->Execute(count);
      counts.push_back(found.Text(0, 0) + "/" + found.Text(0, 1));
    }
    EXPECT_THAT(counts, ElementsAre("2/1", "2/1", "2/1"));
  }
}

TEST(EraseTest, BadRowsMayHoldAnything) {
  ErasedTable table({"bad", {{"id", "integer"}, {"name", "varchar(3)"}, {"doc", "json"}}, {"id"}});
  table.AddBadText(R"({"id":1,"name":"much too long","doc":{"a":"\u0000"}})");
  table.AddBadText(R"({"id":1})");
  table.AddBadText(R"({"id":11,"name":null})");
  table.AddBadText(R"({"id":null,"name":"1"})");
  table.AddBadText(R"({"name":"\"id\":1,"})");
  EXPECT_THAT(table.Erased({"1"}), ElementsAre("0/0", "0/0", "2/0"));
}

TEST(EraseTest, SendsTheKeyAsParametersOnly) {
  ErasedTable table({"sent", {{"id", "text"}}, {"id"}});
  for (const EraseStatement& step : Erase(table.layout_, {"canary"})) {
    EXPECT_THAT(step.statement.text, Not(::testing::HasSubstr("canary")));
    if (step.from == ErasedFrom::kStaging)
      EXPECT_THAT(step.statement.text, StartsWith("TRUNCATE"));
    else
      EXPECT_THAT(step.statement.parameters, ElementsAre("canary"));
  }
}

TEST(EraseTest, LooksForWhatIsThere) {
  ErasedTable table({"found", {{"id", "text"}}, {"id"}, model::Milestoning::kForensic});
  const auto found = [&] {
    const ports::Rows row = table.session_->Execute(FindTables(table.layout_));
    return TablesFound{row.Boolean(0, 0), row.Boolean(0, 1), row.Boolean(0, 2), row.Boolean(0, 3), row.Boolean(0, 4)};
  };
  EXPECT_EQ(Erase(LayoutAsFound(table.layout_, found()), {"a"}).size(), 4U);
  table.session_->Execute("DROP TABLE changes_found, rejected_found, staging_found");
  EXPECT_EQ(Erase(LayoutAsFound(table.layout_, found()), {"a"}).size(), 1U);
  EXPECT_EQ(LayoutAsFound(table.layout_, found()).milestoning, model::Milestoning::kForensic);
  table.session_->Execute("DROP TABLE target_found");
  EXPECT_TRUE(Erase(LayoutAsFound(table.layout_, found()), {"a"}).empty());
}

}  // namespace
}  // namespace yellow::merge
