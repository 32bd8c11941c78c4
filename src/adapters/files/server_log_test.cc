#include "adapters/files/server_log.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace yellow::adapters::files {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class ServerLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/yellow-log-XXXXXX";
    root_ = mkdtemp(pattern);
    fs::create_directories(folder());
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string folder() const { return root_ + "/log"; }

  /// A file that was written to so many seconds after the first.
  void Write(const std::string& name, const std::string& content, int seconds) const {
    const fs::path path = folder() + "/" + name;
    std::ofstream(path) << content;
    fs::last_write_time(path, fs::file_time_type(std::chrono::seconds(1000 + seconds)));
  }

  void SayCurrent(const std::string& text) const { std::ofstream(root_ + "/current_logfiles") << text; }

  std::vector<std::string> Names(bool only_current) {
    std::vector<std::string> names;
    for (const ports::ServerLogFile& file : log_->Files(folder()))
      if (!only_current || file.current) names.push_back(fs::path(file.path).filename().string());
    return names;
  }

  const std::unique_ptr<ports::ServerLog> log_ = MakeServerLog();
  std::string root_;
};

TEST_F(ServerLogTest, InTheOrderOfTheirLastLine) {
  Write("b.json", "", 1), Write("a.json", "", 2), Write("a.json.1", "", 0);
  Write("a.json.2.gz", "", 3), Write("a.log", "", 4);
  fs::create_directory(folder() + "/c.json"), fs::create_symlink("/etc/passwd", folder() + "/d.json");
  EXPECT_THAT(Names(false), ElementsAre("a.json.1", "b.json", "a.json"));
}

TEST_F(ServerLogTest, WhichTheServerWritesTo) {
  Write("a.json", "", 0), Write("b.json", "", 1), Write("c.json", "", 2);
  EXPECT_THAT(Names(true), ElementsAre("a.json", "b.json", "c.json")) << "nobody has said which";
  SayCurrent("stderr log/c.log\njsonlog log/b.json\n");
  EXPECT_THAT(Names(true), ElementsAre("b.json", "c.json")) << "c was begun a moment ago";
  SayCurrent("stderr log/c.log\n");
  EXPECT_THAT(Names(true), ElementsAre("a.json", "b.json", "c.json"));
  SayCurrent("jsonlog log/gone.json\n");
  EXPECT_THAT(Names(true), ElementsAre("a.json", "b.json", "c.json"));
}

TEST_F(ServerLogTest, Reads) {
  Write("a.json", "0123456789", 0);
  const std::string path = folder() + "/a.json";
  EXPECT_EQ(log_->Read(path, 2, 3), "234");
  EXPECT_EQ(log_->Read(path, 8, 100), "89");
  EXPECT_EQ(log_->Read(path, 100, 1), "");
  EXPECT_EQ(log_->Read(folder() + "/none", 0, 1), "");
}

TEST_F(ServerLogTest, AFolderThatIsNotThere) { EXPECT_THROW(log_->Files(root_ + "/none"), base::Error); }

TEST_F(ServerLogTest, Adds) {
  const std::string path = folder() + "/kept";
  log_->Add(path, "one\n"), log_->Add(path, "two\n");
  EXPECT_EQ(log_->Read(path, 0, 100), "one\ntwo\n");
  struct stat found{};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  log_->Remove(path), log_->Remove(path);
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace yellow::adapters::files
