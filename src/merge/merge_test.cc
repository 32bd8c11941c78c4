#include "merge/merge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>

#include "merge/reference_test.h"
#include "testing/postgres_server.h"

namespace yellow::merge {
namespace {

class MergeAgainstReference : public ::testing::TestWithParam<Shape> {};

TEST_P(MergeAgainstReference, GivesTheSameTableAndCounters) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const sql::TableLayout layout = LayoutOf(GetParam());
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  Reference reference(layout);
  const char* wanted = std::getenv("YELLOW_MERGE_BATCHES");
  const int batches = wanted != nullptr ? std::atoi(wanted) : layout.sets_aside ? 60 : 150;
  for (int batch = 1; batch <= batches; ++batch) {
    SCOPED_TRACE(fmt::format("seed {}, batch {}", seed, batch));
    const std::vector<Row> rows = RandomRows(layout, layout.sets_aside, random);
    Stage(*session, layout, rows);
    MergeSpec spec = SpecOf(layout, batch);
    if (!layout.key.empty() && !layout.sets_aside && random() % 2 == 0) spec.path = Path::kDifference;
    const Counters counters = MergeOnce(*session, spec);
    ASSERT_EQ(counters.inserted + counters.updated + counters.unchanged, counters.staged);
    ASSERT_EQ(counters.staged + counters.rejected, static_cast<int64_t>(rows.size()));
    ASSERT_EQ(counters, reference.Merge(rows, batch));
    // A history grows with every batch, and nothing heals in it: a long run by hand reads it whole less often.
    const bool grows = layout.milestoning == model::Milestoning::kForensic;
    if (grows && batch > 500 && batch % 20 != 0 && batch != batches) continue;
    ASSERT_EQ(ReadTable(*session, layout.merge_table), reference.Table());
    ASSERT_EQ(ReadRejected(*session, layout), reference.Rejected());
  }
}

const std::vector<std::pair<std::string, std::string>> kStrictColumns{
    {"id", "integer"},         {"code", "varchar(2)"}, {"amount", "numeric(3,1)"},
    {"note", "text not null"}, {"doc", "json"},        {"raw", "bytea"}};

INSTANTIATE_TEST_SUITE_P(
    Shapes, MergeAgainstReference,
    ::testing::Values(Shape{"live", kColumns, {"id"}, model::Milestoning::kLive},
                      Shape{"live_composite", kColumns, {"id", "code"}, model::Milestoning::kLive},
                      Shape{"keyless", kColumns, {}, model::Milestoning::kLive},
                      Shape{"forensic", kColumns, {"id"}, model::Milestoning::kForensic},
                      Shape{"forensic_composite", kColumns, {"id", "code"}, model::Milestoning::kForensic},
                      Shape{"quarantine", kStrictColumns, {"id"}, model::Milestoning::kLive, true},
                      Shape{"quarantine_composite", kStrictColumns, {"id", "code"}, model::Milestoning::kLive, true},
                      Shape{"quarantine_keyless", kStrictColumns, {}, model::Milestoning::kLive, true},
                      Shape{
                          "quarantine_forensic", kStrictColumns, {"code", "id"}, model::Milestoning::kForensic, true}),
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
    for (const RowCheck& check : Checks(SpecOf(layout, 1))) {
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

/// Type, value without its limits, and the code of the rule it breaks; empty: it fits.
struct Value {
  const char* type;
  const char* value;
  const char* code;
};

TEST(Checks, MeasureEveryKindOfLimitAtItsEdges) {
  const std::vector<Value> values{{"varchar(3)", "éñü", ""},
                                  {"varchar(3)", "éñü ", "too_long"},
                                  {"varchar(3)", "\U0001F600\U0001F600\U0001F600", ""},
                                  {"char(3)", "ab", ""},
                                  {"char(3)", "abc     ", ""},
                                  {"char(3)", "abcd", "too_long"},
                                  {"numeric(3,1)", "-99.9", ""},
                                  {"numeric(3,1)", "99.95", "out_of_range"},
                                  {"numeric(3,1)", "100", "out_of_range"},
                                  {"numeric(3,1)", "1.10000", ""},
                                  {"numeric(3,1)", "-Infinity", "out_of_range"},
                                  {"numeric(3,1)", "NaN", ""},
                                  {"numeric(3,3)", "0.999", ""},
                                  {"numeric(3,3)", "1", "out_of_range"},
                                  {"numeric(1000,0)", "1e999", ""},
                                  {"time(0)", "23:59:59.999999", "too_precise"},
                                  {"time(0)", "24:00:00", ""},
                                  {"timetz(3)", "23:59:59.999+15:59", ""},
                                  {"timetz(3)", "23:59:59.9999+15:59", "too_precise"},
                                  {"timestamp(6)", "294276-12-31 23:59:59.999999", ""},
                                  {"timestamp(0)", "294276-12-31 23:59:59.999999", "too_precise"},
                                  {"timestamp(0)", "infinity", ""},
                                  {"timestamp(0)", "4713-01-01 00:00:00 BC", ""},
                                  {"timestamptz(5)", "-infinity", ""},
                                  {"timestamptz(5)", "2026-01-01 00:00:00.000001", "too_precise"},
                                  {"interval(0)", "2562047788:00:54.775807", "too_precise"},
                                  {"interval(0)", "178000000 years", ""},
                                  {"interval(2)", "-0.001 s", "too_precise"},
                                  {"varchar(2)[]", "{ab,NULL}", ""},
                                  {"varchar(2)[]", "{}", ""},
                                  {"varchar(2)[]", "{{a,b},{c,def}}", "too_long"},
                                  {"char(2)[]", "{\"ab  \"}", ""},
                                  {"char(2)[]", "{abc}", "too_long"},
                                  {"numeric(3,1)[]", "{1e400,NULL}", "out_of_range"},
                                  {"numeric(3,1)[]", "{99.9,NaN}", ""},
                                  {"numeric(3,1)[]", "{1.25}", "out_of_range"},
                                  {"timestamp(0)[]", "{infinity}", ""},
                                  {"timestamp(0)[]", "{294276-12-31 23:59:59.999999}", "too_precise"},
                                  {"interval(1)[]", "{00:00:00.11}", "too_precise"}};
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  int table = 0;
  for (const Value& value : values) {
    SCOPED_TRACE(std::string(value.type) + " " + value.value);
    const sql::TableLayout layout =
        LayoutOf({"edge" + std::to_string(++table), {{"v", value.type}}, {}, model::Milestoning::kLive});
    MakeTables(*session, layout);
    Stage(*session, layout, {{value.value}});
    std::string codes;
    for (const RowCheck& check : Checks(SpecOf(layout, 1))) {
      if (session->Execute(check.statement).Integer(0, 0) > 0) codes += check.code;
    }
    EXPECT_EQ(codes, value.code);
    EXPECT_EQ(session->Execute(CountRows(SpecOf(layout, 1))).Integer(0, 1), codes.empty() ? 0 : 1);
    if (codes.empty()) {
      EXPECT_EQ(MergeOnce(*session, SpecOf(layout, 1)).inserted, 1);
    }
  }
}

TEST(Checks, AKeyThatNoIndexHoldsIsTooLong) {
  const sql::TableLayout layout =
      LayoutOf({"longest", {{"id", "text"}, {"part", "bytea"}}, {"id", "part"}, model::Milestoning::kForensic});
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  // Bytes that do not compress: such a key is as long in the index as here.
  const std::string digits = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i)";
  const auto stage = [&](int id_bytes) {
    session->Execute("TRUNCATE " + layout.staging_table);
    session->Execute("INSERT INTO " + layout.staging_table + " SELECT left(" + digits + ", " +
                     std::to_string(id_bytes) + "), decode(left(" + digits + ", 1000), 'hex')");
    return session->Execute(CountRows(SpecOf(layout, 1))).Integer(0, 1);
  };
  EXPECT_EQ(stage(2101), 1);
  EXPECT_EQ(stage(2100), 0);
  EXPECT_EQ(MergeOnce(*session, SpecOf(layout, 1)).inserted, 1);
  for (const char* type : {"varchar(650)", "char(650)", "integer", "uuid"}) {
    const sql::TableLayout narrow = LayoutOf({"narrow", {{"id", type}}, {"id"}, model::Milestoning::kLive});
    EXPECT_THAT(Checks(SpecOf(narrow, 1)),
                ::testing::Not(::testing::Contains(::testing::Field(&RowCheck::code, "key_too_long"))));
  }
}

/// Values that are equal by `=` or by type and yet not the same: a batch that brings the other one has changed the row.
TEST(Differ, TellsWhatEqualityDoesNot) {
  const std::vector<std::array<const char*, 3>> pairs{
      {"numeric", "1.0", "1.00"},
      {"numeric(5,2)", "1.0", "1.1"},
      {"numeric", "NaN", "0"},
      {"char(4)", "ab", "abc"},
      {"real", "NaN", "0"},
      {"double precision", "0", "-0"},
      {"real", "0", "-0"},
      {"interval", "1 month", "30 days"},
      {"jsonb", "1.0", "1.00"},
      {"json", "{}", "{ }"},
      {"numeric[]", "{1.0}", "{1.00}"},
      {"double precision[]", "{0}", "{-0}"},
      {"timetz", "10:00:00+00", "11:00:00+01"},
      {"text", "a", "a "},
      {"varchar(3)", "a", "a "},
      {"text", "\u00e9", "e\u0301"},
      {"bytea", "\\x", "\\x00"},
      {"text[]", "{a}", "{{a}}"},
      {"boolean", "t", "f"},
      {"timestamptz", "2026-01-01 00:00:00+00", "2026-01-01 00:00:00.000001+00"}};
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  int table = 0;
  for (const auto& [type, before, after] : pairs) {
    for (const Path path : {Path::kScan, Path::kDifference}) {
      SCOPED_TRACE(fmt::format("{} {} {}", type, before, after));
      const sql::TableLayout layout = LayoutOf(
          {"differ" + std::to_string(++table), {{"id", "integer"}, {"v", type}}, {"id"}, model::Milestoning::kLive});
      MakeTables(*session, layout);
      const auto merge = [&](int batch, const Cell& value) {
        Stage(*session, layout, {{"1", value}});
        MergeSpec spec = SpecOf(layout, batch);
        spec.path = path;
        return MergeOnce(*session, spec).updated;
      };
      merge(1, before);
      EXPECT_EQ(merge(2, before), 0);
      EXPECT_EQ(merge(3, after), 1);
      EXPECT_EQ(merge(4, std::nullopt), 1);
      EXPECT_EQ(merge(5, std::nullopt), 0);
      EXPECT_EQ(merge(6, before), 1);
    }
  }
}

class SharedKeysByDifference : public ::testing::TestWithParam<model::Milestoning> {};

TEST_P(SharedKeysByDifference, AreDoubtedWhateverElseChanges) {
  const sql::TableLayout layout = LayoutOf({"shared", {{"id", "char(3)"}, {"note", "text"}}, {"id"}, GetParam()});
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  const std::vector<Row> before{{"a", "1"}, {"b", "2"}, {"c", "3"}};
  Stage(*session, layout, before);
  MergeOnce(*session, SpecOf(layout, 1));
  const auto doubted = [&](const std::vector<Row>& rows) {
    Stage(*session, layout, rows);
    MergeSpec spec = SpecOf(layout, 2);
    spec.path = Path::kDifference;
    spec.rows = static_cast<int64_t>(rows.size()), spec.live_rows = CountLive(*session, layout);
    ports::Transaction transaction(*session);
    for (const MergeStatement& step : Merge(spec)) {
      const ports::Rows done = session->Execute(step.statement);
      if (step.effect == Effect::kDoubtKeys) return done.Boolean(0, 0);
    }
    return false;
  };
  EXPECT_FALSE(doubted(before));
  EXPECT_FALSE(doubted({{"a", "changed"}, {"d", "new"}, {"e", "new"}}));
  EXPECT_FALSE(doubted({}));
  EXPECT_TRUE(doubted({{"a", "1"}, {"a", "1"}, {"b", "2"}, {"c", "3"}})) << "neither differs from what is there";
  EXPECT_TRUE(doubted({{"a", "1"}, {"a", "changed"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_TRUE(doubted({{"a", "1"}, {"a", "1"}, {"b", "2"}})) << "as many rows as before";
  EXPECT_TRUE(doubted({{"a", "1"}, {"a ", "1"}, {"d", "new"}})) << "equal as char(3)";
  EXPECT_TRUE(doubted({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "new"}, {"d", "new"}}));
  EXPECT_TRUE(doubted({{"d", "new"}, {"d", "other"}, {"e", "new"}}));
}

INSTANTIATE_TEST_SUITE_P(Both, SharedKeysByDifference,
                         ::testing::Values(model::Milestoning::kLive, model::Milestoning::kForensic));

TEST(Guards, LookAtWhatWouldGo) {
  const model::Guards half;
  const auto breach = [&](Counters c, const model::Guards& guards) {
    const auto found = BreachOf("d", c, c.unchanged + c.updated + c.deleted + c.kept, guards);
    return found ? found->code : std::string();
  };
  EXPECT_EQ(breach({0, 0, 0, 5, 0, 0}, half), "emptied");
  EXPECT_EQ(breach({0, 0, 0, 0, 0, 0}, half), "") << "a table that was empty may stay so";
  EXPECT_EQ(breach({1, 1, 0, 5, 0, 0}, half), "") << "a row came";
  EXPECT_EQ(breach({100, 0, 0, 101, 100, 0}, half), "mass_delete");
  EXPECT_EQ(breach({100, 0, 0, 100, 100, 0}, half), "") << "exactly half is not more than half";
  EXPECT_EQ(breach({10, 0, 0, 99, 10, 0}, half), "") << "fewer than a hundred rows are never a mass";
  // Changes name only some of the rows that there were.
  EXPECT_EQ(BreachOf("d", {0, 0, 0, 100, 0, 0}, 1000, half), std::nullopt);
  EXPECT_EQ(BreachOf("d", {0, 0, 0, 501, 0, 0}, 1000, half)->code, "mass_delete");
  EXPECT_EQ(BreachOf("d", {0, 0, 0, 7, 0, 0}, 7, half)->code, "emptied");
  EXPECT_EQ(BreachOf("d", {1, 1, 0, 7, 0, 0}, 7, half), std::nullopt);
  model::Guards may_be_empty;
  may_be_empty.may_become_empty.push_back({"d", {}});
  EXPECT_EQ(breach({0, 0, 0, 500, 0, 0}, may_be_empty), "");
  EXPECT_EQ(breach({0, 0, 0, 5, 0, 3, 3}, half), "") << "a table whose rows are all bad is not empty";
  EXPECT_EQ(breach({0, 0, 0, 100, 0, 100, 100}, half), "") << "what keeps its last good version is there";
  EXPECT_EQ(breach({0, 0, 0, 101, 0, 100, 100}, half), "mass_delete");
}

TEST(Guards, LimitWhatIsSetAside) {
  model::Guards none, rows, percent;
  rows.max_rejected = model::RowLimit{0, std::nullopt};
  percent.max_rejected = model::RowLimit{std::nullopt, 20.0};
  const auto breach = [&](int64_t rejected, int64_t read, const model::Guards& guards) {
    const auto found = RejectionBreachOf("d", rejected, read, guards);
    return found ? found->reason : std::string();
  };
  EXPECT_EQ(breach(10, 10, none), "") << "ten rows are always allowed where no limit is written";
  EXPECT_EQ(breach(11, 1100, none), "");
  EXPECT_EQ(breach(11, 1099, none), "d has 11 bad rows of 1099, more than max_rejected allows: 1%, or 10 rows");
  EXPECT_EQ(breach(1, 1000, rows), "d has 1 bad row of 1000, more than max_rejected allows: 0");
  EXPECT_EQ(breach(20, 100, percent), "");
  EXPECT_EQ(breach(21, 100, percent), "d has 21 bad rows of 100, more than max_rejected allows: 20%");
}

TEST(SetAside, ForgetsWhatIsBadNoMore) {
  const sql::TableLayout layout = LayoutOf({"old", {{"id", "integer"}, {"name", "varchar(1)"}}, {"id"}, {}, true});
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  const std::vector<std::vector<Row>> batches{{{"1", "aa"}, {"2", "bb"}}, {{"1", "aa"}, {"2", "b"}}, {{"1", "aa"}}};
  for (size_t i = 0; i < batches.size(); ++i) {
    Stage(*session, layout, batches[i]);
    MergeOnce(*session, SpecOf(layout, static_cast<int>(i) + 1));
  }
  EXPECT_EQ(session->Execute(ForgetRejected(SpecOf(layout, 3), 1)).affected, 0) << "2 was bad until batch 2";
  EXPECT_EQ(session->Execute(ForgetRejected(SpecOf(layout, 3), 2)).affected, 1);
  EXPECT_THAT(ReadRejected(*session, layout), ::testing::ElementsAre(Row{"1", kOpen, "too_long", "1", "aa"}));
}

}  // namespace
}  // namespace yellow::merge
