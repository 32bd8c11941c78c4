#include "model/name_rule.h"

#include <gmock/gmock.h>

namespace yellow::model {
namespace {

using ::testing::ElementsAre;

TEST(NameRule, KeepsWhatIsLegal) {
  for (const char* name : {"customers", "CamelCase", "a", "x1", "order_items"}) EXPECT_EQ(LegalName(name, "t"), name);
}

TEST(NameRule, MakesALegalNameOfAnything) {
  EXPECT_EQ(LegalName("Order Items", "t"), "Order_Items");
  EXPECT_EQ(LegalName("__proto__", "c"), "proto");
  EXPECT_EQ(LegalName("2020 sales", "t"), "t_2020_sales");
  EXPECT_EQ(LegalName("a--b", "t"), "a_b");
  EXPECT_EQ(LegalName("Größe", "c"), "Grosse");
  EXPECT_EQ(LegalName("Łódź œuvre", "c"), "Lodz_oeuvre");
  EXPECT_EQ(LegalName("ÿ", "c"), "y");
  EXPECT_EQ(LegalName("ſ", "c"), "s");
  EXPECT_EQ(LegalName("年", "c"), "c_62ef900a");
  EXPECT_NE(LegalName("年", "c"), LegalName("月", "c"));
  EXPECT_EQ(LegalName("😀x", "c"), "x");
  for (const std::string& name :
       {std::string(200, 'a'), std::string(59, 'a') + "_bc", std::string("\xff\xfe"), std::string("\xc3"),
        std::string("."), std::string(), std::string(70, '_') + "a", "a" + std::string(70, '_') + "b"}) {
    EXPECT_EQ(NameFault(LegalName(name, "t")), "") << name;
  }
  EXPECT_NE(LegalName(std::string(61, 'a'), "t"), LegalName(std::string(62, 'a'), "t"));
}

TEST(NameRule, CutsWords) {
  EXPECT_THAT(WordsOf("customerFirstName"), ElementsAre("customer", "first", "name"));
  EXPECT_THAT(WordsOf("HTTPServer_id2"), ElementsAre("http", "server", "id", "2"));
  EXPECT_THAT(WordsOf("date de naissance"), ElementsAre("date", "de", "naissance"));
  EXPECT_THAT(WordsOf("prénom"), ElementsAre("prenom"));
  EXPECT_THAT(WordsOf("__"), ElementsAre());
}

TEST(FreshNames, DifferInMoreThanCase) {
  FreshNames names;
  EXPECT_EQ(names.Fresh("User"), "User");
  EXPECT_EQ(names.Fresh("user"), "user_2");
  EXPECT_EQ(names.Fresh("USER"), "USER_3");
  const std::string longest(60, 'a');
  names.Take(longest);
  const std::string fresh = names.Fresh(longest);
  EXPECT_EQ(fresh, std::string(58, 'a') + "_2");
  EXPECT_EQ(NameFault(fresh), "");
}

}  // namespace
}  // namespace yellow::model
