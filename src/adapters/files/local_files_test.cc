#include "adapters/files/local_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/error.h"

namespace yellow::adapters::files {
namespace {

TEST(LocalFiles, WritesReadsAndListsATree) {
  char pattern[] = "/tmp/yellow-files-XXXXXX";
  const std::string root = mkdtemp(pattern);
  const auto files = MakeFileSystem();
  files->WriteAtomically(root + "/model/a/b.yaml", "text", false);
  files->WriteAtomically(root + "/model/.hidden/c.yaml", "text", false);
  files->WriteAtomically(root + "/secrets/x", "secret", true);
  EXPECT_EQ(files->ReadTree(root, "model"), (std::map<std::string, std::string>{{"model/a/b.yaml", "text"}}));
  EXPECT_TRUE(files->ReadTree(root, "nothing").empty());
  EXPECT_THAT(files->FoldersIn(root), ::testing::UnorderedElementsAre("model", "secrets"));
  EXPECT_TRUE(files->FoldersIn(root + "/nothing").empty());
  EXPECT_EQ(files->Read(root + "/secrets/x"), "secret");
  EXPECT_EQ(files->Read(root + "/nothing"), std::nullopt);
  EXPECT_EQ(files->ReadPart(root + "/secrets/x", 0, 4), "secr");
  EXPECT_EQ(files->ReadPart(root + "/secrets/x", 4, 4), "et");
  EXPECT_EQ(files->ReadPart(root + "/secrets/x", 6, 4), "");
  EXPECT_EQ(files->ReadPart(root + "/nothing", 0, 4), std::nullopt);
  EXPECT_THROW(files->ReadPart(root + "/secrets", 0, 4), base::Error);
  struct stat info{};
  ASSERT_EQ(stat((root + "/secrets/x").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_THROW(files->WriteAtomically(root + "/secrets/x/y", "", false), base::Error);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace yellow::adapters::files
