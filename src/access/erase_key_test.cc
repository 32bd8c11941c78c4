#include "access/erase_key.h"

#include <gmock/gmock.h>

namespace yellow::access {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

model::DataType TypeNamed(const std::string& text) {
  std::string why;
  const auto parsed = model::ParseType(text, &why);
  EXPECT_TRUE(parsed) << why;
  return parsed->type;
}

model::Dataset DatasetWithKey(const std::vector<std::pair<std::string, std::string>>& key) {
  model::Dataset dataset;
  dataset.name = "visits";
  for (const auto& [name, type] : key) {
    dataset.key.push_back({name, {}});
    model::Column column;
    column.name = name, column.type = TypeNamed(type);
    dataset.columns.push_back(column);
  }
  return dataset;
}

TEST(EraseKey, HasOneSpelling) {
  const model::Dataset dataset = DatasetWithKey({{"id", "varchar(4)"}, {"day", "date"}});
  const std::string wanted = R"({"day":"2024-02-29","id":"a\"b;'é"})";
  EXPECT_EQ(EraseKey("Shop", dataset, R"( {"id": "a\"b;'\u00e9", "day": "2024-02-29"} )"), wanted);
  EXPECT_EQ(EraseKey("Shop", dataset, wanted), wanted);
}

TEST(EraseKey, TurnsNoTextAroundIt) {
  const model::Dataset dataset = DatasetWithKey({{"id", "text"}});
  for (const char* given : {"{\"id\": \"\u202e1\u009b\"}", R"({"id": "\u202e1\u009b"})"})
    EXPECT_EQ(EraseKey("Shop", dataset, given), R"({"id":"\u202e1\u009b"})");
}

TEST(EraseKey, OfOneColumnIsItsValue) {
  const model::Dataset dataset = DatasetWithKey({{"id", "text"}});
  EXPECT_EQ(EraseKey("Shop", dataset, R"({"": "a\"b=c"})"), R"({"id":"a\"b=c"})");
  EXPECT_FALSE(EraseKey("Shop", dataset, R"({"": null})"));
  EXPECT_FALSE(EraseKey("Shop", DatasetWithKey({{"id", "text"}, {"day", "date"}}), R"({"": "C17"})"));
}

TEST(EraseKey, NamesTheColumnsThatItWantsAndNoValue) {
  const model::Dataset dataset = DatasetWithKey({{"id", "integer"}, {"day", "date"}});
  for (const char* text : {"", "C17", "{}", R"({"id": "1"})", R"({"id": "1", "dai": "2024-01-01"})", R"(["1"])",
                           R"({"id": "1", "day": "2024-01-01", "more": "canary"})"}) {
    const auto refused = EraseKey("Shop", dataset, text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().text, "the key of Shop.visits is: id, day");
    EXPECT_EQ(refused.error().remedy, "give a value for each column of it: --key id=… --key day=…");
  }
  for (const char* text : {R"({"id": "canary", "day": "2024-01-01"})", R"({"id": 1, "day": "2024-01-01"})",
                           R"({"id": null, "day": "2024-01-01"})"}) {
    const auto refused = EraseKey("Shop", dataset, text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().text, "what is given for id is no integer");
    EXPECT_THAT(refused.error().text + refused.error().remedy, Not(HasSubstr("canary")));
  }
  EXPECT_THAT(EraseKey("Shop", DatasetWithKey({}), "{}").error().text, HasSubstr("Shop.visits has no key"));
}

struct TypeCase {
  std::string type;
  std::vector<std::string> values, others;
};

TEST(EraseKey, KnowsTheValuesOfEachType) {
  const std::vector<TypeCase> cases{
      {"smallint", {"0", "-32768", "+5"}, {"", "32768", "1.0", " 1", "1;", "+", "+-1"}},
      {"integer", {"2147483647"}, {"2147483648", "0x1", "one"}},
      {"bigint", {"-9223372036854775808"}, {"9223372036854775808"}},
      {"numeric(4,2)", {"1.5", "-.5", "12345.678", "NaN"}, {"", ".", "1,5", "--1", "1e400"}},
      {"double precision", {"1e5", "-1.25", "Infinity", "NaN"}, {"e5", "1e400"}},
      {"text", {"", "anything; '\"\\ ünï"}, {std::string("a\0b", 3)}},
      {"varchar(2)", {"longer than it is"}, {}},
      {"char(3)", {"ab"}, {}},
      {"boolean", {"true", "f"}, {"yes please", "1"}},
      {"uuid", {"0123ABcd-0123-0123-0123-0123456789ab"}, {"0123abcd", "g123abcd-0123-0123-0123-0123456789ab"}},
      {"date",
       {"2024-02-29", "0001-01-01"},
       {"2023-02-29", "2024-13-01", "2024-00-10", "29.2.2024", "today", "0000-01-01"}},
      {"time", {"06:30", "23:59:59.123456"}, {"24:00", "6:30", "06:30Z"}},
      {"timetz", {"06:30+02", "06:30Z"}, {"06:30"}},
      {"timestamp(3)", {"2024-02-29 06:30:00", "2024-02-29T06:30:00.5"}, {"2024-02-30 06:30", "2024-02-29", "now"}},
      {"timestamptz", {"2024-02-29T06:30:00Z", "2024-02-29 06:30:00+05:30"}, {"2024-02-29 06:30:00", "now"}},
      {"interval", {"P1D", "P1Y2M3DT4H5M6.7S", "PT5S"}, {"P", "PT", "P1DT", "one day"}},
      {"bytea", {"\\x", "\\x00FF"}, {"\\x0", "00ff", "\\000"}},
      {"jsonb", {"{\"a\": 1}"}, {"{a: 1}"}},
      {"integer[]", {"{1,2}"}, {"1,2"}}};
  for (const auto& [name, values, others] : cases) {
    for (const std::string& value : values) EXPECT_TRUE(IsValueOf(TypeNamed(name), value)) << name << " " << value;
    for (const std::string& other : others) EXPECT_FALSE(IsValueOf(TypeNamed(name), other)) << name << " " << other;
  }
}

}  // namespace
}  // namespace yellow::access
