#include "model/data_type.h"

#include <gtest/gtest.h>

namespace yellow::model {
namespace {

std::string Sql(std::string_view text) {
  std::string why;
  const auto parsed = ParseType(text, &why);
  return parsed ? ToSql(parsed->type) + (parsed->not_null ? " not null" : "") : "error: " + why;
}

TEST(DataType, ReadsTheSpellingsOfPostgres) {
  EXPECT_EQ(Sql("varchar(20)"), "character varying(20)");
  EXPECT_EQ(Sql("VARCHAR ( 100 )  NOT NULL"), "character varying(100) not null");
  EXPECT_EQ(Sql("numeric(10, 2)"), "numeric(10,2)");
  EXPECT_EQ(Sql("decimal(5)"), "numeric(5,0)");
  EXPECT_EQ(Sql("int4"), "integer");
  EXPECT_EQ(Sql("timestamp(3) with time zone"), "timestamp(3) with time zone");
  EXPECT_EQ(Sql("timestamptz"), "timestamp with time zone");
  EXPECT_EQ(Sql("char"), "character(1)");
  EXPECT_EQ(Sql("text[] not null"), "text[] not null");
  EXPECT_EQ(Sql("int array"), "integer[]");
  EXPECT_EQ(Sql("double precision"), "double precision");
}

TEST(DataType, TheShortFormIsReadBack) {
  for (const char* text : {"varchar(20)", "varchar", "char(3)[]", "numeric(10,2)", "timestamptz", "timestamp(3)",
                           "timetz(0)", "time", "double precision", "integer[]", "jsonb", "interval(2)"}) {
    std::string why;
    EXPECT_EQ(ToShort(ParseType(text, &why)->type), text);
  }
}

TEST(DataType, SaysWhatIsWrong) {
  EXPECT_EQ(Sql("varchr(20)"), "error: there is no such type");
  EXPECT_EQ(Sql("numeric(10"), "error: its brackets do not close, or hold something other than numbers");
  EXPECT_EQ(Sql("numeric(2,3)"), "error: the scale of numeric is 0 to its precision");
  EXPECT_EQ(Sql("integer(4)"), "error: integer takes no length");
  EXPECT_EQ(Sql("varchar(0)"), "error: the length of varchar is 1 to 10485760");
  EXPECT_EQ(Sql(""), "error: there is no such type");
}

TEST(DataType, WideningKeepsEveryValue) {
  const auto widens = [](const char* from, const char* to) {
    std::string why;
    return IsWidening(ParseType(from, &why)->type, ParseType(to, &why)->type);
  };
  EXPECT_TRUE(widens("varchar(10)", "varchar(20)"));
  EXPECT_TRUE(widens("varchar(10)", "text"));
  EXPECT_FALSE(widens("varchar(20)", "varchar(10)"));
  EXPECT_FALSE(widens("varchar", "varchar(10)"));
  EXPECT_TRUE(widens("smallint", "bigint"));
  EXPECT_FALSE(widens("bigint", "integer"));
  EXPECT_TRUE(widens("numeric(10,2)", "numeric(12,4)"));
  EXPECT_FALSE(widens("numeric(10,2)", "numeric(11,4)"));
  EXPECT_FALSE(widens("text", "varchar(10)"));
}

}  // namespace
}  // namespace yellow::model
