#include "base/csv.h"

#include <gmock/gmock.h>

namespace yellow::base {
namespace {

using Values = std::vector<std::optional<std::string>>;

CsvTable Table(std::string_view text) {
  const auto parsed = ParseCsv(text);
  if (const auto* problem = std::get_if<CsvProblem>(&parsed)) {
    ADD_FAILURE() << problem->line << ": " << problem->message;
    return {};
  }
  return std::get<CsvTable>(parsed);
}

std::string Problem(std::string_view text) {
  const auto parsed = ParseCsv(text);
  const auto* problem = std::get_if<CsvProblem>(&parsed);
  return problem == nullptr ? "" : std::to_string(problem->line) + ": " + problem->message;
}

TEST(Csv, TellsNullFromTheEmptyText) {
  const CsvTable table = Table("a,b,c\n,\"\",x\n");
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0].values, (Values{std::nullopt, "", "x"}));
}

TEST(Csv, ReadsWhatPostgresWrites) {
  const CsvTable table = Table("\xEF\xBB\xBF\"a b\",c\r\n\"1,\"\"2\"\"\n3\",é\r\n x ,\"y\"z\"\"\r\n,\r\n");
  EXPECT_THAT(table.columns, ::testing::ElementsAre("a b", "c"));
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[0].values, (Values{"1,\"2\"\n3", "é"}));
  EXPECT_EQ(table.rows[1].values, (Values{" x ", "yz"}));
  EXPECT_EQ(table.rows[1].line, 4);
  EXPECT_EQ(table.rows[2].values, (Values{std::nullopt, std::nullopt}));
}

TEST(Csv, NeedsNoEndOfTheLastLine) {
  EXPECT_EQ(Table("a\n1").rows.at(0).values, Values{"1"});
  EXPECT_EQ(Table("a,b\n1,").rows.at(0).values, (Values{"1", std::nullopt}));
  EXPECT_TRUE(Table("a,b").rows.empty());
  EXPECT_EQ(Table("a\n\n").rows.at(0).values, Values{std::nullopt});
}

TEST(Csv, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Problem(""), "1: the first line names the columns, and there is none");
  EXPECT_EQ(Problem("a,,b\n"), "1: the first line names the columns, and one of them has no name");
  EXPECT_EQ(Problem("a,b,a\n"), "1: the first line names a column twice: a");
  EXPECT_EQ(Problem("a,b\n1,\"2\n3\"\n4\n"), "4: there are 2 columns, and here 1 values");
  EXPECT_EQ(Problem("a,b\n1,2\n\"3,4\n5,6\n"), "3: a quote is never closed");
}

TEST(Csv, WritesWhatItReads) {
  const Values values{"", std::nullopt, "a,b", "say \"hi\"", "two\nlines", "plain", "\r"};
  const CsvTable table = Table("a,b,c,d,e,f,g\n" + CsvLine(values));
  EXPECT_EQ(table.rows.at(0).values, values);
}

TEST(Csv, AColumnMayBeginWithAByteOrderMark) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(Table(CsvLine({mark + "a"})).columns, std::vector<std::string>{mark + "a"});
}

}  // namespace
}  // namespace yellow::base
