#include "run/code_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "adapters/files/local_files.h"

namespace yellow::run {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kSecret = "Zq7vKx93LmWd52RtYb81";
constexpr size_t kMostKept = size_t{64} << 20;
constexpr size_t kTail = size_t{1} << 20;

class Lines : public Reporter {
 public:
  void Line(const std::string& text) override { all.push_back(text); }
  std::vector<std::string> all;
};

class CodeLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "code_log_XXXXXX";
    folder_ = mkdtemp(folder.data());
    path_ = folder_ + "/output.log";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  std::string Take(int64_t limit = 0) {
    return TakeLog(*files_, lines_, {base::Secret(kSecret)}, {path_, limit}, kTail);
  }
  std::string InFile() const { return files_->Read(path_).value_or("none"); }

  const std::unique_ptr<ports::FileSystem> files_ = adapters::files::MakeFileSystem();
  Lines lines_;
  std::string folder_, path_;
};

TEST_F(CodeLogTest, TheSecretsOfAnEnvironmentAreItsPasswordsAndTokens) {
  const auto secrets = SecretsIn({{"PGPASSWORD", "a"},
                                  {"PGUSER", "b"},
                                  {"PASSWORD", "c"},
                                  {"YELLOW_CREDENTIAL__SHOP__PASSWORD", "d"},
                                  {"YELLOW_CREDENTIAL__SHOP__TOKEN", "e"},
                                  {"YELLOW_CREDENTIAL__SHOP__USER", "f"}});
  std::string found;
  for (const base::Secret& secret : secrets) found += secret.Reveal();
  EXPECT_EQ(found, "ade");
}

TEST_F(CodeLogTest, NothingStaysOfALogWhoseSecretsNobodyCanTell) {
  Write("begun with " + kSecret);
  EXPECT_THAT(WithholdLog(*files_, {path_}), AllOf(HasSubstr("is not kept"), Not(HasSubstr(kSecret))));
  EXPECT_EQ(InFile(), "none");
  EXPECT_THAT(WithholdLog(*files_, {path_}), HasSubstr("is not kept")) << "also of code that has printed nothing";
}

TEST_F(CodeLogTest, ALogWithoutSecretsStaysAsItIs) {
  const std::string log = std::string(kMostKept + kTail, 'x') + "end";
  Write(log);
  EXPECT_EQ(Take(), log.substr(log.size() - kTail));
  EXPECT_EQ(std::filesystem::file_size(path_), log.size());
}

/// At its beginning, where it is cut, where pieces of it meet, and at its end: of none is anything left.
TEST_F(CodeLogTest, OfALogThatIsTooLongNoPartOfASecretStays) {
  constexpr size_t kPiece = size_t{4} << 20;
  for (const size_t cut : {size_t{5}, kSecret.size() - 1}) {
    std::string log(kMostKept + kPiece, '.');
    for (const size_t kept : {kMostKept, kMostKept + (size_t{64} << 10)})
      log.replace(log.size() - kept - cut, kSecret.size(), kSecret);
    for (const size_t at : {size_t{0}, kPiece - cut, log.size() - kTail - cut, log.size() - kSecret.size()})
      log.replace(at, kSecret.size(), kSecret);
    Write(log);
    EXPECT_THAT(Take(), AllOf(SizeIs(kTail), EndsWith("***"), Not(HasSubstr(kSecret.substr(0, 2)))));
    const std::string file = InFile();
    EXPECT_LE(file.size(), kMostKept);
    EXPECT_GT(file.size(), kMostKept - kTail);
    EXPECT_EQ(file.find_first_not_of(".*"), std::string::npos) << cut;
    EXPECT_THAT(lines_.all, IsEmpty());
  }
}

TEST_F(CodeLogTest, ASecretThatIsOnlyWhereNothingIsKeptShortensTheLogToo) {
  Write(kSecret + std::string(kMostKept + kTail, '.'));
  EXPECT_EQ(Take(), std::string(kTail, '.'));
  EXPECT_EQ(InFile().find_first_not_of('.'), std::string::npos);
}

TEST_F(CodeLogTest, OfALogThatWasNotKeptToItsEndNoPartOfASecretStays) {
  for (const size_t cut : {size_t{2}, kSecret.size() - 1}) {
    const std::string log = std::string(kTail, '.') + kSecret.substr(0, cut);
    const auto limit = static_cast<int64_t>(log.size());
    Write(log);
    EXPECT_EQ(Take(limit + 1), log.substr(cut));  // nothing is missing
    EXPECT_EQ(Take(limit).find_first_not_of('.'), std::string::npos);
    EXPECT_EQ(InFile().find_first_not_of('.'), std::string::npos);
    EXPECT_GT(InFile().size(), kTail / 2);
  }
}

TEST_F(CodeLogTest, ALogThatCannotBeWrittenAnewIsRemoved) {
  constexpr size_t kLongestName = 255;
  path_ = folder_ + "/" + std::string(kLongestName, 'x');  // beside which nothing can stand
  Write("the password is " + kSecret);
  EXPECT_EQ(Take(), "the password is ***");
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_THAT(lines_.all, SizeIs(1));
  EXPECT_THAT(lines_.all[0], AllOf(HasSubstr("held secrets and is removed"), Not(HasSubstr(kSecret))));
}

}  // namespace
}  // namespace yellow::run
