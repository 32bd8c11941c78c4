#include "access/audit_chain.h"

#include <gmock/gmock.h>

#include <random>

#include "access/audit_copy.h"
#include "base/digest.h"

namespace yellow::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const base::Secret kSeed(std::string(64, '1'));
const base::Secret kOtherSeed(std::string(64, '2'));
constexpr const char* kChain = "5e3b7185-6d2c-49e4-bebd-1cfe8c69fd77";

AuditRecord Record(int64_t id, const std::string& action = "model.applied") {
  return {id, "2026-01-01T06:00:00.000001Z", "ada", action, "model \"é\"", "", {JsonValue::Object{{"n", {id}}}}, "y"};
}

/// A log as the writer makes it.
struct Log {
  std::vector<std::string> segments;
  std::vector<Head> heads{Head{}};

  void Append(const AuditRecord& record) {
    if (segments.empty()) segments.emplace_back();
    const Link link = LinkTo(heads.back(), record);
    segments.back() += link.line;
    heads.push_back(link.head);
    ++in_segment;
  }
  void Close() {
    segments.back() +=
        SignedLine(SegmentClose{kChain, static_cast<int>(segments.size()), in_segment, heads.back(), "", ""}, kSeed);
    segments.emplace_back();
    in_segment = 0;
  }
  int64_t in_segment = 0;
};

Log LogOf(int records, int a_segment) {
  Log log;
  for (int i = 1; i <= records; ++i) {
    log.Append(Record(i));
    if (i % a_segment == 0) log.Close();
  }
  return log;
}

std::string AnchorLine(const Head& head, const base::Secret& seed = kSeed) {
  return SignedLine(Anchor{"2026-01-01T06:00:01Z", kChain, head, "", ""}, seed);
}

Anchor AnchorAt(const Head& head, const base::Secret& seed = kSeed) {
  std::string line = AnchorLine(head, seed);
  line.pop_back();
  return std::get<Anchor>(*ParseLine(line));
}

std::vector<AuditFinding> Verify(const std::vector<std::string>& segments, const std::vector<Anchor>& anchors = {},
                                 const FindRecording& find = nullptr) {
  ChainVerifier verifier(kChain, AnchorAt({}).key, find);
  for (size_t i = 0; i < segments.size(); ++i)
    verifier.Feed(static_cast<int>(i) + 1, segments[i], i + 1 == segments.size());
  for (const Anchor& anchor : anchors) verifier.Compare(anchor);
  return verifier.findings();
}

/// The same of a copy, all segments in one text, which comes in parts of this size.
std::vector<AuditFinding> VerifyCopy(std::string_view text, const std::string& anchors, size_t part) {
  CopyVerifier verifier({anchors, AnchorAt({}).key});
  for (; !text.empty(); text.remove_prefix(std::min(part, text.size()))) verifier.Feed(text.substr(0, part));
  return verifier.Finish().findings;
}

std::vector<Fault> Faults(const std::vector<AuditFinding>& findings) {
  std::vector<Fault> faults;
  for (const AuditFinding& finding : findings) faults.push_back(finding.fault);
  return faults;
}

TEST(AuditChain, ARecordHasOneSpelling) {
  const Link link = LinkTo({}, Record(7));
  EXPECT_EQ(link.line, R"({"action":"model.applied","at":"2026-01-01T06:00:00.000001Z","details":{"n":7},"hash":")" +
                           link.head.hash +
                           R"(","id":7,"login":"y","person":"ada","request":"","sequence":1,"subject":"model \"é\""})" +
                           "\n");
  const std::string without =
      R"({"action":"model.applied","at":"2026-01-01T06:00:00.000001Z","details":{"n":7},"id":7,"login":"y",)"
      R"("person":"ada","request":"","sequence":1,"subject":"model \"é\""})";
  EXPECT_EQ(link.head.hash, base::Sha256Hex("yellow-audit-v1" + std::string(1, '\0') + std::string(64, '0') + without));
}

TEST(AuditChain, WhatIsWrittenIsReadAgain) {
  const Log log = LogOf(2, 2);
  const Lines lines = SplitLines(log.segments[0]);
  ASSERT_THAT(lines.whole, SizeIs(3));
  EXPECT_EQ(lines.half, "");
  const auto second = ParseLine(lines.whole[1]);
  ASSERT_TRUE(second);
  EXPECT_EQ(std::get<ChainedRecord>(*second).record, Record(2));
  EXPECT_EQ(std::get<ChainedRecord>(*second).head, log.heads[2]);
  const auto close = std::get<SegmentClose>(*ParseLine(lines.whole[2]));
  EXPECT_EQ(close.count, 2);
  EXPECT_TRUE(IsSigned(close));
  EXPECT_TRUE(IsSigned(AnchorAt(log.heads[2])));
}

TEST(AuditChain, AnotherSpellingIsNoLine) {
  std::string line = LinkTo({}, Record(7)).line;
  line.pop_back();
  ASSERT_TRUE(ParseLine(line));
  EXPECT_FALSE(ParseLine(line + " "));
  EXPECT_FALSE(ParseLine("{\"a\":1," + line.substr(1)));
  EXPECT_FALSE(ParseLine("{}"));
  EXPECT_FALSE(ParseLine("[1"));
  std::string number = line;
  number.replace(number.find("\"n\":7"), 5, "\"n\":7.0");
  EXPECT_FALSE(ParseLine(number));
}

TEST(ChainVerifier, FindsNothingInALogThatIsWhole) {
  const Log log = LogOf(10, 3);
  EXPECT_THAT(Verify(log.segments, {AnchorAt(log.heads[10]), AnchorAt(log.heads[4]), AnchorAt({})}), IsEmpty());
  EXPECT_THAT(Verify({}), IsEmpty());
}

TEST(ChainVerifier, SaysWhatIsWrong) {
  const Log log = LogOf(6, 3);
  std::vector<std::string> edited = log.segments;
  edited[0].replace(edited[0].find("ada"), 3, "eve");
  EXPECT_THAT(Faults(Verify(edited)), ElementsAre(Fault::kBroken));
  EXPECT_EQ(Verify(edited)[0].sequence, 1);

  std::vector<std::string> without_second = log.segments;
  const Lines lines = SplitLines(log.segments[0]);
  without_second[0].erase(lines.whole[0].size() + 1, lines.whole[1].size() + 1);
  EXPECT_EQ(Verify(without_second)[0].fault, Fault::kGap);
  EXPECT_EQ(Verify(without_second)[0].sequence, 2);

  EXPECT_EQ(Verify({log.segments[1], log.segments[2]})[0].fault, Fault::kGap);
  std::vector<std::string> not_closed = log.segments;
  not_closed[0].erase(not_closed[0].find("{\"close\""));
  EXPECT_THAT(Faults(Verify(not_closed)), ElementsAre(Fault::kBadSignature));
  std::vector<std::string> half = log.segments;
  half[2] = "{\"acti";
  EXPECT_THAT(Verify(half)[0].text, HasSubstr("only the beginning"));
}

TEST(ChainVerifier, AnAnchorShowsACutAndARewrite) {
  const Log log = LogOf(5, 10);
  Log cut = LogOf(4, 10), other = LogOf(4, 10);
  other.Append(Record(5, "run.cancelled"));
  EXPECT_THAT(Faults(Verify(cut.segments, {AnchorAt(log.heads[5])})), ElementsAre(Fault::kShort));
  EXPECT_THAT(Faults(Verify(other.segments, {AnchorAt(log.heads[5])})), ElementsAre(Fault::kHeadDiffers));
  EXPECT_THAT(Faults(Verify(log.segments, {AnchorAt(log.heads[5], kOtherSeed)})), ElementsAre(Fault::kBadSignature));
  Anchor forged = AnchorAt(log.heads[4]);
  forged.head = log.heads[3];
  EXPECT_THAT(Faults(Verify(log.segments, {forged})), ElementsAre(Fault::kBadSignature));
}

TEST(ChainVerifier, ARewriteWithAnotherKeyIsABadSignature) {
  Log log = LogOf(2, 10);
  log.segments[0] += SignedLine(SegmentClose{kChain, 1, 2, log.heads[2], "", ""}, kOtherSeed);
  EXPECT_THAT(Faults(Verify(log.segments)), ElementsAre(Fault::kBadSignature));
}

TEST(ChainVerifier, ARecordingIsBound) {
  Log log;
  AuditRecord record = Record(1, "session.ended");
  const std::string sha256 = base::Sha256Hex("cast");
  record.details = *ParseJson(R"({"recording":{"file":"a.cast","bytes":4,"sha256":")" + sha256 + "\"}}");
  log.Append(record);
  const auto found = [&](const std::optional<RecordingFacts>& facts) {
    return Faults(
        Verify(log.segments, {}, [facts](const std::string& file) { return file == "a.cast" ? facts : std::nullopt; }));
  };
  EXPECT_THAT(found(RecordingFacts{4, sha256}), IsEmpty());
  EXPECT_THAT(found(std::nullopt), ElementsAre(Fault::kRecording));
  EXPECT_THAT(found(RecordingFacts{5, sha256}), ElementsAre(Fault::kRecording));
  EXPECT_THAT(found(RecordingFacts{4, base::Sha256Hex("")}), ElementsAre(Fault::kRecording));
}

TEST(ChainVerifier, AFileThatWasDeletedIsNotMissed) {
  const std::string sha256 = base::Sha256Hex("lines");
  const auto found = [&](const std::string& named, const std::string& digest,
                         const std::optional<RecordingFacts>& facts) {
    Log log;
    AuditRecord ended = Record(1, "access.session_end"), deleted = Record(2, std::string(kEvidenceDeleted));
    ended.details = *ParseJson(R"({"statements":{"file":"a.log","bytes":5,"sha256":")" + sha256 + "\"}}");
    deleted.details = *ParseJson(R"({"files":[7,{"file":")" + named + R"(","sha256":")" + digest + "\"}]}");
    log.Append(ended);
    log.Append(deleted);
    return Faults(Verify(log.segments, {}, [facts](const std::string&) { return facts; }));
  };
  EXPECT_THAT(found("a.log", sha256, std::nullopt), IsEmpty());
  EXPECT_THAT(found("a.log", sha256, RecordingFacts{5, sha256}), IsEmpty());
  EXPECT_THAT(found("b.log", sha256, std::nullopt), ElementsAre(Fault::kRecording));
  EXPECT_THAT(found("a.log", base::Sha256Hex("other"), std::nullopt), ElementsAre(Fault::kRecording));
  EXPECT_THAT(found("a.log", sha256, RecordingFacts{4, sha256}), ElementsAre(Fault::kRecording));
}

TEST(ChainVerifier, TheDatabaseSaysTheSame) {
  const Log log = LogOf(3, 10);
  ChainVerifier verifier(kChain, AnchorAt({}).key, nullptr);
  verifier.Feed(1, log.segments[0], true);
  for (int i = 1; i <= 3; ++i) verifier.Compare(Record(i), log.heads[static_cast<size_t>(i)]);
  EXPECT_THAT(verifier.findings(), IsEmpty());
  verifier.Compare(Record(2, "run.cancelled"), log.heads[2]);
  verifier.Compare(Record(3), {3, std::string(64, 'a')});
  verifier.Compare(Record(4), {4, std::string(64, 'a')});
  EXPECT_THAT(Faults(verifier.findings()), ElementsAre(Fault::kDatabase, Fault::kDatabase, Fault::kDatabase));
}

TEST(ChainVerifier, ADatabaseThatWentBackIsExcused) {
  Log log = LogOf(3, 10);
  AuditRecord back = Record(2, std::string(kWentBack));
  back.details = *ParseJson(R"({"database":1,"files":3})");
  log.Append(back);
  ChainVerifier verifier(kChain, AnchorAt({}).key, nullptr);
  verifier.Feed(1, log.segments[0], true);
  EXPECT_FALSE(verifier.IsExcused(1));
  EXPECT_TRUE(verifier.IsExcused(2) && verifier.IsExcused(3));
  EXPECT_FALSE(verifier.IsExcused(4));
}

TEST(CopyVerifier, SaysWhereASegmentHasNoEnd) {
  const Log log = LogOf(6, 2);
  std::string text = log.segments[0] + log.segments[1] + log.segments[2];
  EXPECT_THAT(VerifyCopy(text, AnchorLine(log.heads[6]), 7), IsEmpty());
  std::string without_end = text;
  without_end.erase(log.segments[0].find("{\"close\""), SplitLines(log.segments[0]).whole[2].size() + 1);
  EXPECT_THAT(Faults(VerifyCopy(without_end, "", 7)), ElementsAre(Fault::kBadSignature));
  EXPECT_THAT(VerifyCopy(log.segments[0] + log.segments[2], "", 7)[0].text, HasSubstr("segment 2 is missing"));
  EXPECT_EQ(VerifyCopy(log.segments[1] + log.segments[0], "", 7)[0].fault, Fault::kGap);
}

TEST(CopyVerifier, SaysUpToWhereItIsSignedAndAnchored) {
  const Log log = LogOf(5, 2);
  const auto verified = [&](const std::string& text, const std::optional<std::string>& anchors) {
    CopyVerifier verifier({anchors, AnchorAt({}).key});
    verifier.Feed(text);
    return verifier.Finish();
  };
  const std::string whole = log.segments[0] + log.segments[1] + log.segments[2];
  EXPECT_EQ(verified(whole, std::nullopt).signed_up_to, 4);
  EXPECT_EQ(verified(whole, std::nullopt).key, AnchorAt({}).key);
  const std::string not_signed = log.segments[0].substr(0, log.segments[0].find("{\"close\""));
  const Verified alone = verified(not_signed, std::nullopt);
  EXPECT_EQ(std::tie(alone.signed_up_to, alone.key, alone.chain), std::tuple(0, "", ""));
  const Verified anchored = verified(not_signed, AnchorLine(log.heads[2]) + AnchorLine(log.heads[1]));
  EXPECT_EQ(std::tie(anchored.signed_up_to, anchored.key, anchored.chain), std::tuple(0, AnchorAt({}).key, kChain));
  ASSERT_THAT(anchored.anchors, SizeIs(1));
  EXPECT_EQ(anchored.anchors[0].sequence, 2);
  const Verified forged = verified(not_signed, AnchorLine(log.heads[2], kOtherSeed));
  EXPECT_THAT(forged.anchors, IsEmpty());
  EXPECT_EQ(forged.key, "");
}

TEST(CopyVerifier, StrangeLinesThatStandTogetherAreOneFault) {
  const Log log = LogOf(4, 2);
  const std::string strange(3000, '\n');
  const auto before = VerifyCopy(strange + log.segments[0], "", 1000);
  ASSERT_THAT(Faults(before), ElementsAre(Fault::kBroken));
  EXPECT_EQ(before[0].text, "3000 lines are no records of the audit log");
  const auto after = VerifyCopy(log.segments[0] + strange, "", 1000);
  ASSERT_THAT(Faults(after), ElementsAre(Fault::kBroken));
  const auto cut = VerifyCopy(log.segments[0] + log.segments[1].substr(0, 20), "", 7);
  ASSERT_THAT(Faults(cut), ElementsAre(Fault::kBroken));
  EXPECT_EQ(cut[0].text, "the last line has no end: the copy has not come whole");
  EXPECT_THAT(Verify({log.segments[0] + strange, log.segments[1]})[0].text,
              HasSubstr("3000 lines follow the end of segment 1"));
}

TEST(CopyVerifier, AnchorsSayWhichLogItIs) {
  const Log log = LogOf(2, 2);
  std::string other = log.segments[0];
  const std::string chain = "00000000-0000-0000-0000-000000000000";
  other.replace(other.find(kChain), chain.size(), chain);
  EXPECT_THAT(Faults(VerifyCopy(other, AnchorLine(log.heads[2]), 100)), ElementsAre(Fault::kBadSignature));
  // Of several logs that are anchored in one place it is the one of which a record stands in it.
  const std::string foreign =
      SignedLine(Anchor{"2026-01-01T06:00:01Z", chain, {1, std::string(64, 'a')}, "", ""}, kSeed);
  CopyVerifier verifier({foreign + AnchorLine(log.heads[2]), AnchorAt({}).key});
  verifier.Feed(log.segments[0].substr(0, log.segments[0].find("{\"close\"")));
  const Verified verified = verifier.Finish();
  EXPECT_EQ(verified.chain, kChain);
  EXPECT_THAT(verified.findings, IsEmpty());
  EXPECT_THAT(verified.not_compared, ElementsAre("recordings", "database"));
}

/// A record that binds a recording, or says that it was deleted.
AuditRecord Bound(int64_t id, const std::string& file, bool deleted) {
  AuditRecord record = Record(id, deleted ? std::string(kEvidenceDeleted) : "access.session_end");
  const std::string one = R"({"bytes":4,"file":")" + file + R"(","sha256":")" + base::Sha256Hex(file) + "\"}";
  record.details = *ParseJson(deleted ? R"({"files":[)" + one + "]}" : R"({"recording":)" + one + "}");
  return record;
}

std::vector<AuditFinding> VerifyRange(const std::vector<std::string>& segments, RecordRange range) {
  ChainVerifier verifier(kChain, AnchorAt({}).key, [](const std::string&) { return std::nullopt; }, range);
  for (size_t i = 0; i < segments.size(); ++i)
    verifier.Feed(static_cast<int>(i) + 1, segments[i], i + 1 == segments.size());
  return verifier.findings();
}

TEST(ChainVerifier, WhatIsWrongAThousandTimesIsCounted) {
  const std::string line = LinkTo({}, Record(1)).line;
  std::string text;
  for (int i = 0; i < 5001; ++i) text += line;
  const std::vector<AuditFinding> found = Verify({text});
  EXPECT_THAT(found, SizeIs(1001));
  EXPECT_THAT(found.back().text, testing::StartsWith("4000 more findings are left out, first: record 1 stands"));
}

TEST(ChainVerifier, DeletedRecordingsTakeNoFaultsPlace) {
  constexpr int kRecordings = 1500;
  Log log;
  for (int i = 1; i <= kRecordings; ++i) log.Append(Bound(i, "r" + std::to_string(i), false));
  log.Close();
  for (int i = 1; i <= kRecordings; ++i) log.Append(Bound(kRecordings + i, "r" + std::to_string(i), true));
  EXPECT_THAT(VerifyRange(log.segments, {}), IsEmpty());
  std::string& signed_segment = log.segments[0];
  const size_t at = signed_segment.rfind("\"signature\":\"") + 13;
  signed_segment[at] = signed_segment[at] == '0' ? '1' : '0';
  const std::vector<AuditFinding> found = VerifyRange(log.segments, {});
  EXPECT_THAT(Faults(found), ElementsAre(Fault::kBadSignature));
  EXPECT_EQ(found[0].sequence, kRecordings);
  // Of those that nobody deleted the first thousand are named.
  const std::vector<AuditFinding> missing = VerifyRange({log.segments[0]}, {0, kRecordings - 1});
  EXPECT_THAT(missing, SizeIs(1001));
  EXPECT_EQ(missing.front().text, "the recording r1 is missing");
  EXPECT_EQ(missing.back().text,
            "499 more findings are left out, first: the recording that record 1001 binds is missing");
}

TEST(ChainVerifier, WhatIsOutsideTheRangeTakesNoPlaceInIt) {
  Log log = LogOf(5, 10);
  std::string text;
  const Lines lines = SplitLines(log.segments[0]);
  for (int i = 0; i < 1500; ++i) text += std::string(lines.whole[0]) + "\n";
  text += log.segments[0].substr(lines.whole[0].size() + 1);
  text.replace(text.rfind("ada"), 3, "eve");
  EXPECT_EQ(VerifyRange({text}, {}).size(), 1001U);
  const std::vector<AuditFinding> found = VerifyRange({text}, {3, 5});
  ASSERT_THAT(Faults(found), ElementsAre(Fault::kBroken));
  EXPECT_EQ(found[0].sequence, 5);
  EXPECT_THAT(VerifyRange({text}, {2, 4}), IsEmpty());
}

TEST(ChainVerifier, AGapIsToldFromWithinIt) {
  const Log log = LogOf(9, 10);
  const Lines lines = SplitLines(log.segments[0]);
  const std::string text = std::string(lines.whole[0]) + "\n" + std::string(lines.whole[8]) + "\n";
  EXPECT_THAT(Faults(VerifyRange({text}, {5, 6})), ElementsAre(Fault::kGap));
  EXPECT_THAT(VerifyRange({text}, {9, 9}), IsEmpty());
}

/// The lines of all segments, each with the number of its segment, as somebody edits them.
class Editor {
 public:
  Editor(const Log& log, std::mt19937& random) : log_(log), random_(random) {
    for (const std::string& text : log.segments) {
      lines_.emplace_back();
      for (const std::string_view line : SplitLines(text).whole) lines_.back().emplace_back(line);
    }
  }

  std::vector<std::string> Segments() const {
    std::vector<std::string> segments;
    for (const auto& lines : lines_) {
      segments.emplace_back();
      for (const std::string& line : lines) segments.back() += line + "\n";
    }
    return segments;
  }

  void Edit() {
    std::string& line = Any();
    const size_t at = Number(line.size());
    line[at] = static_cast<char>(line[at] ^ (1 << Number(5)));
    if (line[at] == '\n') line[at] = 'n';
  }
  void Delete() {
    auto& lines = AnySegment();
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(Number(lines.size())));
  }
  void Swap() {
    std::string &one = Any(), &other = Any();
    std::swap(one, other);
  }
  void Cut() {
    auto& lines = AnySegment();
    lines.resize(Number(lines.size()));
    lines_.resize(static_cast<size_t>(&lines - lines_.data()) + 1);
  }
  void Insert() {
    auto& lines = AnySegment();
    const std::string copy = Any();
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(Number(lines.size() + 1)), copy);
  }
  /// All of it again, in a valid chain, with one record another; signed with a key of the forger's.
  void Rewrite() {
    const size_t count = log_.heads.size() - 1, other = Number(count) + 1;
    Log forged;
    for (size_t i = 1; i <= count; ++i)
      forged.Append(Record(static_cast<int64_t>(i), i == other ? "run.cancelled" : "model.applied"));
    lines_ = {{}};
    for (const std::string_view line : SplitLines(forged.segments[0]).whole) lines_[0].emplace_back(line);
  }

 private:
  size_t Number(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  std::vector<std::string>& AnySegment() {
    while (true) {
      auto& lines = lines_[Number(lines_.size())];
      if (!lines.empty()) return lines;
    }
  }
  std::string& Any() {
    auto& lines = AnySegment();
    return lines[Number(lines.size())];
  }

  const Log& log_;
  std::mt19937& random_;
  std::vector<std::vector<std::string>> lines_;
};

/// Of one text nothing says where a segment has ended when no later end follows: every record is as it was, and fewer
/// of them are signed.
bool OnlyLastEndsAreGone(std::string before, const std::string& all) {
  for (size_t at = before.rfind("{\"close\""); at != std::string::npos; at = before.rfind("{\"close\"")) {
    before.erase(at, before.find('\n', at) + 1 - at);
    if (before == all) return true;
  }
  return false;
}

TEST(ChainVerifier, EveryChangeOfAnyLogIsFound) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 600; ++round) {
    const Log log = LogOf(1 + static_cast<int>(random() % 12), 1 + static_cast<int>(random() % 5));
    const Anchor anchor = AnchorAt(log.heads.back());
    ASSERT_THAT(Verify(log.segments, {anchor}), IsEmpty());
    Editor editor(log, random);
    const std::vector<std::pair<const char*, void (Editor::*)()>> changes{
        {"edit", &Editor::Edit}, {"delete", &Editor::Delete}, {"swap", &Editor::Swap},
        {"cut", &Editor::Cut},   {"insert", &Editor::Insert}, {"rewrite", &Editor::Rewrite}};
    const auto& [name, change] = changes[static_cast<size_t>(round) % changes.size()];
    (editor.*change)();
    const auto changed = editor.Segments();
    std::string all, before;
    for (const std::string& text : changed) all += text;
    for (const std::string& text : log.segments) before += text;
    // Nothing was changed, or the close of the newest segment was taken off, which then is one that is still written
    // to.
    if (before == all ||
        (before.starts_with(all) && ParseLine(SplitLines(before.substr(all.size())).whole[0]) &&
         std::holds_alternative<SegmentClose>(*ParseLine(SplitLines(before.substr(all.size())).whole[0]))))
      continue;
    EXPECT_THAT(Verify(changed, {anchor}), testing::Not(IsEmpty())) << name << " of round " << round;
    ASSERT_THAT(VerifyCopy(before, AnchorLine(log.heads.back()), 1 + random() % 900), IsEmpty()) << before;
    if (OnlyLastEndsAreGone(before, all)) continue;
    EXPECT_THAT(VerifyCopy(all, AnchorLine(log.heads.back()), 1 + random() % 900), testing::Not(IsEmpty()))
        << name << " of round " << round;
  }
}

TEST(ChainVerifier, EveryBeginningOfALogIsFound) {
  const Log log = LogOf(4, 2);
  const std::string text = log.segments[0] + log.segments[1];
  const Anchor anchor = AnchorAt(log.heads.back());
  const size_t last_record_ends = log.segments[0].size() + log.segments[1].find("{\"close\"");
  for (size_t size = 0; size < last_record_ends; ++size) {
    std::vector<std::string> cut{text.substr(0, std::min(size, log.segments[0].size()))};
    if (size > log.segments[0].size()) cut.push_back(text.substr(log.segments[0].size(), size - cut[0].size()));
    EXPECT_THAT(Verify(cut, {anchor}), testing::Not(IsEmpty())) << size;
    EXPECT_THAT(VerifyCopy(text.substr(0, size), AnchorLine(log.heads.back()), 100), testing::Not(IsEmpty())) << size;
  }
}

}  // namespace
}  // namespace yellow::access
