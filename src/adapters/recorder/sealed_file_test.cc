#include "adapters/recorder/sealed_file.h"

#include <gmock/gmock.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapters/recorder/review_key.h"
#include "base/digest.h"
#include "base/error.h"

namespace yellow::adapters::recorder {
namespace {

using ports::RecordingState;

struct ReadFile {
  std::vector<std::string> chunks;
  RecordingState state = RecordingState::kComplete;
  bool operator==(const ReadFile&) const = default;
};

class SealedFile : public ::testing::Test {
 public:
  SealedFile(const SealedFile&) = delete;
  SealedFile& operator=(const SealedFile&) = delete;
  ~SealedFile() override { std::filesystem::remove_all(folder_); }

 protected:
  SealedFile() {
    EXPECT_GE(sodium_init(), 0);
    char path[] = "/tmp/yellow-sealed-XXXXXX";
    folder_ = mkdtemp(path);
    public_ = MakeKeyFile(folder_ + "/key");
    other_ = MakeKeyFile(folder_ + "/other");
  }

  std::string file() const { return folder_ + "/file"; }
  std::string Content() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Put(const std::string& content) const { std::ofstream(file(), std::ios::binary) << content; }

  ReadFile Read(const char* key = "/key") const {
    const auto reader = SealedReader::Open(file(), ReadKeyFile(folder_ + key));
    ReadFile read;
    while (auto chunk = reader->Next()) read.chunks.push_back(*chunk);
    read.state = reader->state();
    return read;
  }

  FileSummary Write(const std::vector<std::string>& chunks) const {
    const auto writer = SealedWriter::Make(file(), {public_, other_});
    for (const std::string& chunk : chunks) writer->Write(chunk);
    return writer->Finish();
  }

  std::string folder_, public_, other_;
};

TEST_F(SealedFile, EachRecipientReadsItAndNobodyElse) {
  const std::vector<std::string> chunks{"first", std::string(SealedWriter::kLargest, 'x'), "canary-7731"};
  const FileSummary summary = Write(chunks);
  for (const char* key : {"/key", "/other"}) EXPECT_EQ(Read(key), (ReadFile{chunks, RecordingState::kComplete}));
  MakeKeyFile(folder_ + "/third");
  EXPECT_THROW(Read("/third"), base::Error);
  EXPECT_EQ(Content().find("canary"), std::string::npos);
  EXPECT_EQ(summary.bytes, static_cast<int64_t>(Content().size()));
  EXPECT_EQ(summary.digest, base::Sha256Hex(Content()));
  EXPECT_EQ(SummaryOf(file()).digest, summary.digest);
}

TEST_F(SealedFile, NothingIsWrittenThatNobodyCouldRead) {
  EXPECT_THROW(SealedWriter::Make(file(), {}), base::Error);
  EXPECT_THROW(SealedWriter::Make(file(), {public_, "yellow-review-1:short"}), base::Error);
  EXPECT_THROW(SealedWriter::Make(file(), {public_ + "A"}), base::Error);
  // A point of small order: everybody knows what is sealed to it.
  EXPECT_THROW(SealedWriter::Make(folder_ + "/weak", {"yellow-review-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}),
               base::Error);
  EXPECT_FALSE(std::filesystem::exists(file()));
  Put("something of somebody's");
  EXPECT_THROW(SealedWriter::Make(file(), {public_}), base::Error);
}

TEST_F(SealedFile, WhatIsWrittenIsThereBeforeItsEnd) {
  const auto writer = SealedWriter::Make(file(), {public_});
  EXPECT_EQ(Read(), (ReadFile{{}, RecordingState::kCut}));
  writer->Write("one");
  writer->Write("two");
  EXPECT_EQ(Read(), (ReadFile{{"one", "two"}, RecordingState::kCut}));
}

TEST_F(SealedFile, CutAnywhereItIsReadUpToThereAndSaysSo) {
  Write({"one", "two"});
  const std::string content = Content();
  const size_t head = 16 + 4 + size_t{2} * 80 + 24, chunk = 21 + 3 + 17;
  ASSERT_EQ(content.size(), head + 2 * chunk + 21 + 17);
  for (size_t length = head; length < content.size(); ++length) {
    Put(content.substr(0, length));
    ReadFile expected{{}, RecordingState::kCut};
    if (length >= head + chunk) expected.chunks.emplace_back("one");
    if (length >= head + 2 * chunk) expected.chunks.emplace_back("two");
    EXPECT_EQ(Read(), expected) << length;
  }
  for (size_t length = 0; length < head; ++length) {
    Put(content.substr(0, length));
    EXPECT_THROW(Read(), base::Error) << length;
  }
}

TEST_F(SealedFile, EveryChangedByteIsFound) {
  Write({"one", "two"});
  const std::string content = Content();
  for (size_t at = 0; at < content.size(); ++at) {
    std::string changed = content;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    Put(changed);
    try {
      const ReadFile read = Read();
      EXPECT_EQ(read.state, RecordingState::kChanged) << at;
      EXPECT_LE(read.chunks.size(), 2u);
    } catch (const base::Error&) {
      EXPECT_LT(at, 16u + 4 + 80) << "what is before the second key";
    }
  }
  Put(content + "x");
  EXPECT_EQ(Read(), (ReadFile{{"one", "two"}, RecordingState::kChanged}));
}

TEST_F(SealedFile, ChunksThatChangedPlacesAreFound) {
  Write({"one", "two"});
  const std::string content = Content();
  const size_t head = content.size() - size_t{2} * 41 - 38;
  Put(content.substr(0, head) + content.substr(head + 41, 41) + content.substr(head, 41) + content.substr(head + 82));
  EXPECT_EQ(Read(), (ReadFile{{}, RecordingState::kChanged}));
}

TEST_F(SealedFile, AKeyFileIsItsOwnersAndIsNeverReplaced) {
  struct stat info{};
  ASSERT_EQ(stat((folder_ + "/key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const base::Secret before = ReadKeyFile(folder_ + "/key");
  EXPECT_THROW(MakeKeyFile(folder_ + "/key"), base::Error);
  EXPECT_EQ(ReadKeyFile(folder_ + "/key").Reveal(), before.Reveal());
  EXPECT_TRUE(ParsePublicKey(public_));
  Put(public_ + "\n");
  EXPECT_THROW(ReadKeyFile(file()), base::Error) << "a public key is no private one";
}

}  // namespace
}  // namespace yellow::adapters::recorder
