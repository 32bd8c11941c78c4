#include "render/systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/golden.h"

namespace yellow::render {
namespace {

using ::testing::HasSubstr;

TEST(Systemd, RootWithItsOwnServer) {
  testing::CheckGolden("systemd", "root_with_its_own_server",
                       SystemdUnit({"yellow-shop",
                                    "/usr/bin/yellow",
                                    "/srv/shop",
                                    "local",
                                    "/srv/shop/.yellow",
                                    "",
                                    "127.0.0.1:9464",
                                    30,
                                    true,
                                    {}}));
}

TEST(Systemd, AUserAndNamedServers) {
  testing::CheckGolden("systemd", "a_user_and_named_servers",
                       SystemdUnit({"yellow-shop",
                                    "/usr/bin/yellow",
                                    "/srv/shop",
                                    "prod",
                                    "/var/lib/shop",
                                    "yellow",
                                    "",
                                    120,
                                    false,
                                    {"SHOP_USER", "SHOP_PASSWORD"},
                                    false,
                                    {"/mnt/worm of audit", "/srv/anchors.git"}}));
}

TEST(Systemd, RootWithSessions) {
  testing::CheckGolden(
      "systemd", "root_with_sessions",
      SystemdUnit(
          {"yellow-shop", "/usr/bin/yellow", "/srv/shop", "local", "/srv/shop/.yellow", "", "", 30, true, {}, true}));
}

TEST(Systemd, AUserWithSessions) {
  testing::CheckGolden(
      "systemd", "a_user_with_sessions",
      SystemdUnit(
          {"yellow-shop", "/usr/bin/yellow", "/srv/shop", "prod", "/var/lib/shop", "yellow", "", 30, false, {}, true}));
}

TEST(Systemd, NoPathMeansAnythingElse) {
  const std::string unit = SystemdUnit(
      {"yellow-x", "/usr/bin/yellow", "/srv/a b/100%/$HOME\"", "local", "/srv/d 5%", "", "", 30, false, {}});
  EXPECT_THAT(unit, HasSubstr("--project \"/srv/a b/100%%/$$HOME\\\"\" "));
  EXPECT_THAT(unit, HasSubstr("\nReadWritePaths=\"/srv/d 5%%\"\n"));
}

TEST(Systemd, AUnitIsNamedAfterItsProject) {
  EXPECT_EQ(SystemdName("/srv/shop"), "yellow-shop");
  EXPECT_EQ(SystemdName("/srv/My shop@2"), "yellow-My-shop-2");
}

}  // namespace
}  // namespace yellow::render
