#include "merge/preview.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "merge/reference_test.h"

namespace yellow::merge {
namespace {

class PreviewAgainstMerge : public ::testing::TestWithParam<Shape> {};

Counters Previewed(ports::Session& session, const Preview& preview) {
  const ports::Rows counts = session.Execute(PreviewCounts(preview));
  Counters counters;
  counters.inserted = counts.Integer(0, 0), counters.updated = counts.Integer(0, 1);
  counters.deleted = counts.Integer(0, 2), counters.unchanged = counts.Integer(0, 3);
  counters.staged = counters.inserted + counters.updated + counters.unchanged;
  return counters;
}

TEST_P(PreviewAgainstMerge, CountsWhatTheMergeCounts) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const sql::TableLayout layout = LayoutOf(GetParam());
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  for (int batch = 1; batch <= 60; ++batch) {
    SCOPED_TRACE(fmt::format("seed {}, batch {}", seed, batch));
    Stage(*session, layout, RandomRows(layout, false, random));
    const Preview preview{SpecOf(layout, batch), layout};
    const Counters counters = Previewed(*session, preview);
    const ports::Rows rows = session->Execute(PreviewRows(preview, 1000));
    ASSERT_EQ(static_cast<int64_t>(rows.size()), counters.staged + counters.deleted);
    ASSERT_EQ(MergeOnce(*session, preview.spec), counters);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PreviewAgainstMerge,
                         ::testing::Values(Shape{"live", kColumns, {"id"}},
                                           Shape{"live_composite", kColumns, {"id", "code"}},
                                           Shape{"keyless", kColumns, {}},
                                           Shape{"forensic", kColumns, {"id"}, model::Milestoning::kForensic}),
                         [](const auto& instance) { return instance.param.name; });

TEST(Preview, ShowsWhatWouldChangeFirst) {
  const sql::TableLayout layout = LayoutOf({"t", {{"id", "integer"}, {"name", "text"}}, {"id"}});
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, layout);
  Stage(*session, layout, {{"1", "a"}, {"2", "b"}, {"3", "c"}});
  MergeOnce(*session, SpecOf(layout, 1));
  Stage(*session, layout, {{"1", "a"}, {"3", std::nullopt}, {"4", ""}});
  const ports::Rows rows = session->Execute(PreviewRows({SpecOf(layout, 2), layout}, 3));
  EXPECT_THAT(rows.rows, ::testing::ElementsAre(Row{"-", "2", "b"}, Row{"~", "3", std::nullopt}, Row{"+", "4", ""}));
}

TEST(Preview, KnowsColumnsThatAreNew) {
  const sql::TableLayout old = LayoutOf({"t", {{"id", "integer"}, {"gone", "text"}}, {"id"}});
  const sql::TableLayout fresh = LayoutOf({"t", {{"id", "bigint"}, {"name", "text"}}, {"id"}});
  const auto session = yellow::testing::PostgresServer::Shared().FreshDatabase();
  MakeTables(*session, old);
  Stage(*session, old, {{"1", "x"}, {"2", "x"}});
  MergeOnce(*session, SpecOf(old, 1));
  session->Execute("CREATE TABLE written (id bigint, name text)");
  session->Execute("INSERT INTO written VALUES (1, NULL), (2, 'b'), (3, 'c')");
  MergeSpec spec = SpecOf(fresh, 2);
  spec.source = "written";
  EXPECT_EQ(Previewed(*session, {spec, old}), (Counters{3, 1, 1, 0, 1}));
  EXPECT_EQ(Previewed(*session, {spec, std::nullopt}), (Counters{3, 3, 0, 0, 0}));
}

}  // namespace
}  // namespace yellow::merge
