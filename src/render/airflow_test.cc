#include "render/airflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/golden.h"

namespace yellow::render {
namespace {

AirflowProject Shop() {
  AirflowProject project{
      "shop", {"/usr/bin/yellow", "--project", "/srv/shop", "--environment", "prod"}, "*/5 * * * *", {}, {}};
  project.ingests.push_back(
      {"Main__Masked__ingest", "Masked", {}, {"yellow://Main/Masked/customers"}, 4, "privacy", true, ""});
  project.ingests.push_back({"Main__Default__sales__streams",
                             "Shop",
                             {AirflowSchedule::Kind::kCron, {}, "0 5 * * *", "Europe/Berlin"},
                             {"yellow://Main/Shop/customers", "yellow://Main/Shop/orders"},
                             4,
                             "sales",
                             false,
                             "Shop"});
  project.transforms.push_back({"Main__Mask__transform",
                                "Mask",
                                {AirflowSchedule::Kind::kAny, {"yellow://Main/Shop/customers"}, "", ""},
                                "Main__Masked__ingest",
                                true,
                                3900,
                                4,
                                "privacy",
                                ""});
  return project;
}

TEST(Airflow, TwoFilesWhateverTheSize) {
  const auto files = AirflowFiles(Shop());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[1].first, "yellow_shop.py") << "what reads the other file comes after it";
  testing::CheckGolden("airflow", "shop.json", files[0].second);
  testing::CheckGolden("airflow", "shop.py", files[1].second);
  EXPECT_EQ(AirflowFiles(Shop()), files);
}

TEST(Airflow, NameOfAnyFolder) {
  EXPECT_EQ(AirflowName("My Shop-2"), "my_shop_2");
  EXPECT_EQ(AirflowName(""), "yellow");
}

TEST(Airflow, WordsThatItTakes) {
  EXPECT_EQ(AirflowWord("Europe/Berlin"), "Europe.Berlin");
  EXPECT_EQ(AirflowWord("Etc/GMT+5"), "Etc.GMT.5");
  EXPECT_EQ(AirflowWord("Etc/GMT-5"), "Etc.GMT-5");
}

}  // namespace
}  // namespace yellow::render
