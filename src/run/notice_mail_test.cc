#include "run/notice_mail.h"

#include <gmock/gmock.h>

namespace yellow::run {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::StartsWith;

const model::Mail kMail{"smtps://mail.example.com", "", "yellow@example.com", "ops@example.org", {}};

Notice Held(const std::string& reason) {
  Notice notice;
  notice.id = notice.cause = "5e3b7185-6d2c";
  notice.environment = "local", notice.event = "held", notice.node = "Ingest/Main/Shop", notice.batch = "3";
  notice.code = "schema", notice.reason = reason, notice.since = "2026-11-28T07:06:00Z";
  return notice;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find("\r\n", begin);
    EXPECT_NE(end, std::string::npos) << "every line ends with CRLF";
    if (end == std::string::npos) break;
    lines.push_back(text.substr(begin, end - begin));
    EXPECT_EQ(lines.back().find_first_of("\r\n"), std::string::npos) << lines.back();
    begin = end + 2;
  }
  return lines;
}

std::string HeadersOf(const std::string& text) { return text.substr(0, text.find("\r\n\r\n") + 2); }

TEST(NoticeMail, IsAsItStandsInTheRfc) {
  EXPECT_EQ(NoticeMail(Held("no column"), kMail),
            "From: yellow@example.com\r\n"
            "To: ops@example.org\r\n"
            "Date: Sat, 28 Nov 2026 07:06:00 +0000\r\n"
            "Message-ID: <5e3b7185-6d2c@example.com>\r\n"
            "Subject: [local] Shop is held, batch 3: no column\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=UTF-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "[local] Shop is held, batch 3: no column. yellow batches show Shop\r\n"
            "\r\n"
            "Environment: local\r\n"
            "Node: Ingest/Main/Shop\r\n"
            "Batch: 3\r\n"
            "Reason: schema\r\n"
            "Since: 2026-11-28T07:06:00Z\r\n");
}

TEST(NoticeMail, WhatIsOverAnswersTheMailAboutIt) {
  Notice over = Held("batch 4 is committed");
  over.id = "b-2", over.event = "over", over.was = "held", over.over_at = "2028-02-29T23:59:59Z";
  const std::string text = NoticeMail(over, kMail);
  EXPECT_THAT(text, HasSubstr("\r\nMessage-ID: <b-2@example.com>\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nIn-Reply-To: <5e3b7185-6d2c@example.com>\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nDate: Tue, 29 Feb 2028 23:59:59 +0000\r\n"));
  EXPECT_THAT(NoticeMail(Held("x"), kMail), Not(HasSubstr("In-Reply-To")));
}

TEST(NoticeMail, NoNameAndNoReasonMakesAHeader) {
  for (const std::string evil : {"x\r\nBcc: all@example.com", "x\nBcc: all@example.com", "x\rBcc: all@example.com",
                                 "x\r\n\r\nBcc: all@example.com", "x\v\f\x1b[2J\x7f", "x\r\n.\r\nMAIL FROM:<a@b>"}) {
    Notice notice = Held(evil);
    notice.environment = notice.node = notice.code = notice.id = evil;
    const std::string text = NoticeMail(notice, kMail);
    for (const std::string& line : LinesOf(text)) {
      EXPECT_THAT(line, Not(StartsWith("Bcc"))) << text;
      EXPECT_NE(line, ".") << text;
    }
    EXPECT_EQ(text.find_first_of("\v\f\x1b\x7f"), std::string::npos);
    EXPECT_THAT(HeadersOf(text), HasSubstr("\r\nContent-Transfer-Encoding: "));
  }
}

TEST(NoticeMail, OtherLettersAreEncodedAndNoneIsCut) {
  std::string reason;
  for (int i = 0; i < 200; ++i) reason += "ä€😀";
  const std::string text = NoticeMail(Held(reason), kMail);
  for (const char c : text) EXPECT_TRUE((c >= ' ' && c < 0x7f) || c == '\r' || c == '\n');
  for (const std::string& line : LinesOf(text)) EXPECT_THAT(line.size(), Le(76U)) << line;
  EXPECT_THAT(text, HasSubstr("\r\nSubject: =?UTF-8?B?W2xvY2FsXSBTaG9wIGlzIGhlbGQsIGJhdGNoIDM6IMOk"));
  EXPECT_THAT(text, HasSubstr("?=\r\n =?UTF-8?B?"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Transfer-Encoding: base64\r\n"));
}

TEST(NoticeMail, WhatLooksEncodedIsEncodedAndWhatIsNoTextIsTold) {
  EXPECT_THAT(HeadersOf(NoticeMail(Held("=?UTF-8?B?eA==?="), kMail)), Not(HasSubstr("eA==")));
  EXPECT_THAT(NoticeMail(Held("\xff\xfe"), kMail), HasSubstr("Shop is held, batch 3: ??"));
}

TEST(NoticeMail, ALongLineIsNoLongerThanServersTake) {
  const std::string text = NoticeMail(Held(std::string(5000, 'x')), kMail);
  for (const std::string& line : LinesOf(text)) EXPECT_THAT(line.size(), Le(998U));
  EXPECT_THAT(text, EndsWith("\r\n"));
}

}  // namespace
}  // namespace yellow::run
