#include "adapters/audit/local_audit_log.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "adapters/audit/git.h"
#include "base/error.h"

namespace yellow::adapters::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LocalAuditLogTest : public testing::Test {
 protected:
  LocalAuditLogTest() {
    char path[] = "/tmp/yellow-audit-XXXXXX";
    base_ = mkdtemp(path);
    folder_ = base_ + "/audit/MergeDB";
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  static std::string Text(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static unsigned ModeOf(const std::string& path) {
    struct stat found{};
    stat(path.c_str(), &found);
    return found.st_mode & 0777U;
  }

  std::string base_, folder_;
  std::unique_ptr<ports::AuditLog> log_ = MakeAuditLog();
};

TEST_F(LocalAuditLogTest, OneWriterAtATime) {
  auto lock = log_->TryLock(folder_);
  ASSERT_NE(lock, nullptr);
  EXPECT_EQ(MakeAuditLog()->TryLock(folder_), nullptr);
  lock.reset();
  EXPECT_NE(MakeAuditLog()->TryLock(folder_), nullptr);
  EXPECT_EQ(ModeOf(folder_), 0700U);
}

TEST_F(LocalAuditLogTest, SegmentsAreFilesInTheOrderOfTheirNumbers) {
  EXPECT_THAT(log_->Segments(folder_), IsEmpty());
  const auto lock = log_->TryLock(folder_);
  log_->Append(folder_, 2, "b\n");
  log_->Append(folder_, 1, "a\n");
  log_->Append(folder_, 2, "c\n");
  std::ofstream(folder_ + "/000002.jsonl.half-00") << "x";
  std::ofstream(folder_ + "/3.jsonl") << "x";
  EXPECT_THAT(log_->Segments(folder_), ElementsAre(1, 2));
  EXPECT_EQ(log_->Read(folder_, 2), "b\nc\n");
  EXPECT_EQ(log_->Size(folder_, 2), 4U);
  EXPECT_EQ(log_->Size(folder_, 9), 0U);
  EXPECT_EQ(ModeOf(folder_ + "/000001.jsonl"), 0600U);
  EXPECT_THROW(log_->Read(folder_, 9), base::Error);
}

TEST_F(LocalAuditLogTest, WhatIsSetAsideIsKept) {
  const auto lock = log_->TryLock(folder_);
  log_->Append(folder_, 1, "a\n{\"half");
  for (int i = 0; i < 2; ++i) log_->SetAside(folder_, 1, 2, "000001.jsonl.half-1");
  EXPECT_EQ(log_->Read(folder_, 1), "a\n");
  EXPECT_EQ(Text(folder_ + "/000001.jsonl.half-1"), "{\"half");
}

TEST_F(LocalAuditLogTest, AnchorsAreReadAgain) {
  log_->Note(model::FileAnchor{"anchors"}, base_, "one");
  log_->Note(model::FileAnchor{"anchors"}, base_, "two");
  EXPECT_EQ(log_->ReadNotes(model::FileAnchor{base_ + "/anchors"}, "/"), "one\ntwo\n");
  RunGit(base_, {"init", "--quiet", "repository"});
  for (const char* line : {"one", "two"}) log_->Note(model::GitAnchor{"repository"}, base_, line);
  EXPECT_EQ(log_->ReadNotes(model::GitAnchor{"repository"}, base_), "one\ntwo\n");
  RunGit(base_ + "/repository", {"rev-parse", "--quiet", "--verify", "HEAD~1"});  // a commit each
}

TEST_F(LocalAuditLogTest, AnAnchorThatCannotBeNotedSaysWhy) {
  const auto why = [&](const model::AnchorTarget& target) -> std::string {
    try {
      log_->Note(target, base_, "one");
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code, "anchor");
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(why(model::FileAnchor{"none/anchors"}), HasSubstr("No such file"));
  std::filesystem::create_directory(base_ + "/plain");
  EXPECT_THAT(why(model::GitAnchor{"plain"}), HasSubstr("not a git repository"));
  EXPECT_THROW(log_->ReadNotes(model::FileAnchor{"none"}, base_), base::Error);
}

}  // namespace
}  // namespace yellow::adapters::audit
