#include "adapters/container/messages.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace yellow::adapters::container {
namespace {

using Json = nlohmann::json;

ports::ContainerSpec Spec() {
  ports::ContainerSpec spec;
  spec.name = "yellow_run_1", spec.image = "registry/image@sha256:1", spec.network = "none";
  spec.environment = {{"PGPASSWORD", "geheim"}};
  spec.labels = {{"yellow.run", "1"}};
  spec.mounts = {{"/run/yellow/postgresql", "/run/postgresql"}};
  return spec;
}

TEST(CreateBody, GivesNoRights) {
  const Json body = Json::parse(CreateBody(Spec(), ""));
  EXPECT_EQ(body["User"], "65532:65532");
  const Json& host = body["HostConfig"];
  EXPECT_EQ(host["CapDrop"], Json::array({"ALL"}));
  EXPECT_EQ(host["SecurityOpt"], Json::array({"no-new-privileges"}));
  EXPECT_EQ(host["ReadonlyRootfs"], true);
  EXPECT_EQ(host["NetworkMode"], "none");
  EXPECT_EQ(host["Memory"], 1 << 30);
  EXPECT_EQ(host["MemorySwap"], 1 << 30);
  EXPECT_EQ(host["NanoCpus"], 1000000000);
  EXPECT_EQ(host["PidsLimit"], 256);
  EXPECT_EQ(host["Mounts"][0]["ReadOnly"], true);
  EXPECT_FALSE(host.contains("MemoryReservation"));
}

TEST(CreateBody, TakesTheUserOfTheImageWhenItIsNotRoot) {
  const auto user = [](const std::string& of_image) { return Json::parse(CreateBody(Spec(), of_image))["User"]; };
  EXPECT_EQ(user("1000"), "1000");
  EXPECT_EQ(user("1000:5"), "1000:5");
  for (const char* other : {"", "0", "0:5", "root", "app", "1000:app", "00", "99999999999"})
    EXPECT_EQ(user(other), "65532:65532") << other;
}

TEST(CreateBody, ReplacesTheEntryPointByTheCommandOnly) {
  ports::ContainerSpec spec = Spec();
  Json body = Json::parse(CreateBody(spec, ""));
  EXPECT_FALSE(body.contains("Entrypoint"));
  EXPECT_FALSE(body.contains("Cmd"));
  spec.arguments = {"--fast"};
  body = Json::parse(CreateBody(spec, ""));
  EXPECT_FALSE(body.contains("Entrypoint"));
  EXPECT_EQ(body["Cmd"], Json::array({"--fast"}));
  spec.command = {"python3", "mask.py"}, spec.arguments = {};
  body = Json::parse(CreateBody(spec, ""));
  EXPECT_EQ(body["Entrypoint"], Json::array({"python3", "mask.py"}));
  EXPECT_EQ(body["Cmd"], Json::array());  // else those of the image would follow
}

TEST(CreateBody, SetsAsideWhatIsRequested) {
  ports::ContainerSpec spec = Spec();
  spec.limits.requested_memory = 1 << 20, spec.limits.requested_millicores = 500;
  const Json host = Json::parse(CreateBody(spec, ""))["HostConfig"];
  EXPECT_EQ(host["MemoryReservation"], 1 << 20);
  EXPECT_EQ(host["CpuShares"], 512);
}

TEST(CreateBody, HasASecretInTheEnvironmentOnly) {
  Json body = Json::parse(CreateBody(Spec(), ""));
  EXPECT_EQ(body["Env"], Json::array({"PGPASSWORD=geheim"}));
  body.erase("Env");
  EXPECT_EQ(body.dump().find("geheim"), std::string::npos);
}

TEST(StateOf, KnowsTheStatesOfBothEngines) {
  const auto state = [](const std::string& status, bool running) {
    return StateOf(Json{{"State", {{"Status", status}, {"Running", running}, {"ExitCode", 3}, {"OOMKilled", false}}},
                        {"Config", {{"Labels", {{"yellow.run", "1"}}}}}}
                       .dump());
  };
  EXPECT_FALSE(state("created", false).started);
  EXPECT_TRUE(state("running", true).running);
  EXPECT_TRUE(state("stopping", false).running);
  EXPECT_FALSE(state("exited", false).running);
  EXPECT_TRUE(state("exited", false).started);
  EXPECT_EQ(state("exited", false).exit_status, 3);
  EXPECT_EQ(state("exited", false).labels.at("yellow.run"), "1");
  EXPECT_THROW(StateOf("<html>"), base::Error);
}

TEST(EnvironmentOf, IsWhatItWasGiven) {
  const auto of = [](const Json& variables) { return EnvironmentOf(Json{{"Config", {{"Env", variables}}}}.dump()); };
  EXPECT_EQ(of({"PGPASSWORD=a=b", "EMPTY=", "PATH=/bin"}),
            (std::map<std::string, std::string>{{"EMPTY", ""}, {"PATH", "/bin"}, {"PGPASSWORD", "a=b"}}));
  EXPECT_TRUE(of(Json::array()).empty());
  // Not to be taken for one that was given nothing.
  for (const char* none : {"<html>", "{}", R"({"Config":{"Env":null}})"})
    EXPECT_THROW(EnvironmentOf(none), base::Error) << none;
}

TEST(LogStream, FindsTheBlocksHoweverTheyAreCut) {
  const std::string stream = std::string("\x01\0\0\0\0\0\0\x03", 8) + "abc" + std::string("\x02\0\0\0\0\0\1\0", 8) +
                             std::string(256, 'x') + std::string("\x01\0\0\0\0\0\0\0", 8);
  for (size_t cut = 1; cut < 20; ++cut) {
    LogStream log;
    std::string printed;
    for (size_t i = 0; i < stream.size(); i += cut) printed += log.Take(std::string_view(stream).substr(i, cut));
    EXPECT_EQ(printed, "abc" + std::string(256, 'x')) << cut;
  }
}

}  // namespace
}  // namespace yellow::adapters::container
