#include "run/help.h"

#include <gtest/gtest.h>

#include <set>

#include "merge/merge.h"

namespace yellow::run {
namespace {

TEST(HelpWith, IsThereForEveryRuleOfRows) {
  merge::MergeSpec spec;
  spec.table.sets_aside = true;
  spec.table.key = {"id"};
  for (const char* type : {"text not null", "varchar(2)", "numeric(3,1)", "timestamp(0)"}) {
    std::string why;
    const auto parsed = model::ParseType(type, &why);
    model::Column column;
    column.name = spec.table.columns.empty() ? "id" : type;
    column.type = parsed->type, column.not_null = parsed->not_null;
    spec.table.columns.push_back(column);
    column.name += " too", column.not_null = true;
    spec.table.columns.push_back(column);
  }
  std::set<std::string> codes;
  for (const merge::RowCheck& check : merge::Checks(spec)) codes.insert(check.code);
  EXPECT_EQ(codes, (std::set<std::string>{"unreadable", "null_key", "not_null", "duplicate_key", "too_long",
                                          "out_of_range", "too_precise", "key_too_long"}));
  for (const std::string& code : codes) EXPECT_EQ(HelpWith(code, "a row").find("mend the rows"), 0u) << code;
}

TEST(HelpWith, IsTheRemedyOfAnError) {
  EXPECT_EQ(HelpWith("connect", "no route\nwhile reading\n  = check that it runs\nmore"), "check that it runs");
  EXPECT_EQ(HelpWith("emptied", "items had 10 rows, now none"), "") << "how to release it is said elsewhere";
  EXPECT_EQ(HelpWith("file", "cannot write output.log: No space left on device"),
            "make room on that disk; what waits is tried again");
  EXPECT_NE(HelpWith("exit_status", "the code ended with exit status 127").find("a program was not found"),
            std::string::npos);
  EXPECT_EQ(HelpWith("exit_status", "the code ended with exit status 1"), "");
}

}  // namespace
}  // namespace yellow::run
