#include "adapters/process/launcher.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace yellow::adapters::process {
namespace {

struct Ran {
  int status = -1;
  std::string output;
};

std::unique_ptr<ports::Workplace> MakeWorkplace() {
  static int number = 0;
  return MakeLauncher()->MakeWorkplace(::testing::TempDir(),
                                       "test-" + std::to_string(getpid()) + "-" + std::to_string(++number));
}

Ran RunProgram(const std::vector<std::string>& command, std::map<std::string, std::string> environment,
               int64_t limit = 1 << 20, bool end = false) {
  char path[] = "/tmp/yellow-launch-XXXXXX";
  close(mkstemp(path));
  environment["PATH"] = "/usr/bin:/bin";
  const auto workplace = MakeWorkplace();
  auto child = workplace->Start({command, "/tmp", environment, path, limit});
  if (end) child->Terminate();
  std::optional<ports::ProcessExit> exit;
  for (int i = 0; i < 1000 && !(exit = child->Poll()); ++i) usleep(10000);
  std::ifstream in(path);
  Ran ran{exit ? exit->status : -1, std::string((std::istreambuf_iterator<char>(in)), {})};
  unlink(path);
  return ran;
}

TEST(Launcher, GivesExactlyTheEnvironmentAndKeepsTheOutput) {
  setenv("YELLOW_TEST_CANARY", "leak", 1);
  const Ran ran = RunProgram({"env"}, {{"GIVEN", "value"}});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output, "GIVEN=value\nPATH=/usr/bin:/bin\n");
}

TEST(Launcher, TellsStatusSignalAndMissingProgram) {
  EXPECT_EQ(RunProgram({"sh", "-c", "exit 3"}, {}).status, 3);
  EXPECT_EQ(RunProgram({"sh", "-c", "kill -9 $$"}, {}).status, 128 + 9);
  const Ran missing = RunProgram({"no-such-program"}, {});
  EXPECT_EQ(missing.status, 127);
  EXPECT_THAT(missing.output, ::testing::HasSubstr("cannot run no-such-program"));
}

TEST(Launcher, EndsTheWholeGroup) {
  EXPECT_EQ(RunProgram({"sh", "-c", "sleep 100 & sleep 100"}, {}, 1 << 20, true).status, 128 + 15);
}

/// True when a process with this word in its command line is there.
bool IsThere(const std::string& word) {
  return RunProgram({"pgrep", "-f", "[" + word.substr(0, 1) + "]" + word.substr(1)}, {}).status == 0;
}

TEST(Launcher, WhatItStartedEndsWithTheCodeAndWithYellow) {
  EXPECT_EQ(RunProgram({"sh", "-c", "setsid sleep 98761 & sleep 0.1; exit 4"}, {}).status, 4);
  EXPECT_FALSE(IsThere("sleep 98761")) << "a daemon outlived the code";
  const pid_t yellow = fork();
  if (yellow == 0) {
    const auto workplace = MakeWorkplace();
    const auto child = workplace->Start({{"sh", "-c", "sleep 98762 & setsid sleep 98763 & wait"},
                                         "/tmp",
                                         {{"PATH", "/usr/bin:/bin"}},
                                         "/dev/null",
                                         1 << 20});
    pause();
  }
  for (int i = 0; i < 300 && !IsThere("sleep 98763"); ++i) usleep(10000);
  EXPECT_TRUE(IsThere("sleep 98762"));
  kill(yellow, SIGKILL);
  waitpid(yellow, nullptr, 0);
  for (int i = 0; i < 300 && (IsThere("sleep 98762") || IsThere("sleep 98763")); ++i) usleep(10000);
  EXPECT_FALSE(IsThere("sleep 98762")) << "the code outlived Yellow";
  EXPECT_FALSE(IsThere("sleep 98763")) << "a daemon of the code outlived Yellow";
}

TEST(Launcher, AWorkplaceInWhichNothingWasStartedLeavesNothing) {
  std::string folder;
  {
    const auto workplace = MakeWorkplace();
    folder = workplace->folder();
    EXPECT_EQ(access(folder.c_str(), F_OK), 0);
    EXPECT_TRUE(waitpid(-1, nullptr, WNOHANG) == 0) << "its guardian waits";
  }
  EXPECT_NE(access(folder.c_str(), F_OK), 0);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "its guardian has ended";
}

TEST(Launcher, CapsTheOutput) {
  const Ran ran =
      RunProgram({"sh", "-c", "for i in 1 2 3 4 5 6; do head -c 100000 /dev/zero; sleep 0.05; done"}, {}, 150000);
  EXPECT_EQ(ran.status, 0);
  EXPECT_LE(ran.output.size(), 400000u);
}

}  // namespace
}  // namespace yellow::adapters::process
