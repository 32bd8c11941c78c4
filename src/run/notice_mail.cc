#include "run/notice_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "base/base64.h"
#include "base/utf8.h"
#include "model/mail.h"

namespace yellow::run {
namespace {

constexpr size_t kLongestSubject = 200;  // bytes
constexpr size_t kLongestPlain = 60;     // of a subject that is not encoded: with its name it is one line of 78
constexpr size_t kBytesOfWord = 36;      // a line with an encoded word has 76 at most (RFC 2047, 2): 12 around 4 for 3
constexpr size_t kLineOfBase64 = 76;
constexpr size_t kLongestLine = 900;  // a line has 998 at most (RFC 5322, 2.1.1)

bool IsPlain(char c) { return c >= ' ' && c < 0x7f; }

/// In one line, without what a terminal or a mail program takes for a command.
std::string OneLine(const std::string& text) {
  std::string line = base::AsText(text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return line;
}

/// The longest beginning of at most `most` bytes that cuts no character. REQUIRES: `text` is UTF-8.
std::string_view Beginning(std::string_view text, size_t most) {
  return text.substr(0, base::LengthOfText(text.substr(0, most)));
}

/// A header's value, folded where it is encoded.
std::string HeaderValue(const std::string& text) {
  if (text.size() <= kLongestPlain && std::all_of(text.begin(), text.end(), IsPlain) &&
      text.find("=?") == std::string::npos)
    return text;
  std::string value;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view word = Beginning(rest, kBytesOfWord);
    value += (value.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base::Base64Of(word) + "?=";
    rest.remove_prefix(word.size());
  }
  return value;
}

/// `2026-11-28T07:06:00Z` as `Sat, 28 Nov 2026 07:06:00 +0000`.
std::string MailDate(const std::string& rfc3339) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const int read =
      std::sscanf(rfc3339.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u", &year, &month, &day, &hour, &minute, &second);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  constexpr int kAll = 6;
  if (read != kAll || !date.ok()) return "Thu, 01 Jan 1970 00:00:00 +0000";
  const std::chrono::weekday weekday{std::chrono::sys_days(date)};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays.at(weekday.c_encoding()), day,
                     kMonths.at(month - 1), year, hour, minute, second);
}

std::string MessageId(const std::string& id, const model::Mail& mail) {
  std::string plain = id;
  std::erase_if(
      plain, [](char c) { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-'; });
  return "<" + plain + "@" + std::string(model::DomainOf(mail.from)) + ">";
}

std::string BodyOf(const Notice& notice) {
  std::string body = OneLine(NoticeText(notice)) + "\r\n\r\n";
  for (const auto& [name, value] : {std::pair("Environment", &notice.environment),
                                    {"Node", &notice.node},
                                    {"Batch", &notice.batch},
                                    {"Run", &notice.run_id},
                                    {"Reason", &notice.code},
                                    {"Since", &notice.since},
                                    {"Over", &notice.over_at}})
    if (!value->empty()) body += fmt::format("{}: {}\r\n", name, OneLine(*value));
  return body;
}

/// True for what every server passes on as it is.
bool IsSevenBit(const std::string& body) {
  size_t length = 0;
  for (const char c : body) {
    length = c == '\n' ? 0 : length + 1;
    if (length > kLongestLine || (!IsPlain(c) && c != '\r' && c != '\n')) return false;
  }
  return true;
}

}  // namespace

std::string NoticeMail(const Notice& notice, const model::Mail& mail) {
  std::string subject = OneLine(NoticeTitle(notice) + ": " + notice.reason);
  if (subject.size() > kLongestSubject) subject = std::string(Beginning(subject, kLongestSubject)) + "…";
  std::string text = "From: " + mail.from + "\r\nTo: " + mail.to +
                     "\r\nDate: " + MailDate(notice.over_at.empty() ? notice.since : notice.over_at) +
                     "\r\nMessage-ID: " + MessageId(notice.id, mail) + "\r\n";
  if (notice.cause != notice.id) {
    const std::string about = MessageId(notice.cause, mail);
    text += "In-Reply-To: " + about + "\r\nReferences: " + about + "\r\n";
  }
  // RFC 3834: nobody's holiday answers it.
  text += "Subject: " + HeaderValue(subject) +
          "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n";
  const std::string body = BodyOf(notice);
  if (IsSevenBit(body)) return text + "Content-Transfer-Encoding: 7bit\r\n\r\n" + body;
  text += "Content-Transfer-Encoding: base64\r\n\r\n";
  const std::string encoded = base::Base64Of(body);
  for (size_t at = 0; at < encoded.size(); at += kLineOfBase64) text += encoded.substr(at, kLineOfBase64) + "\r\n";
  return text;
}

}  // namespace yellow::run
