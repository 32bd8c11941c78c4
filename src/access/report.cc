#include "access/report.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <tuple>

#include "base/check.h"
#include "ports/recorder.h"

namespace yellow::access {
namespace {

constexpr size_t kDigitsOfDay = 10;  // 2026-01-31

/// Not ended by its person.
bool WasCut(const AccessSession& session, const std::string& person) {
  const std::string& why = session.end_reason;
  return !session.ended_at.empty() && why != ports::WordOf(ports::RecordingEnd::kEnded) &&
         why != ports::WordOf(ports::RecordingEnd::kHungUp) && why != GivenBackBy(person);
}

bool Holds(const Request& request, Exception exception) {
  switch (exception) {
    case Exception::kBreakGlass:
      return request.content.kind == RequestKind::kBreakGlass;
    case Exception::kDenied:
      return request.state == RequestState::kDenied;
    case Exception::kLapsed:
      return request.state == RequestState::kLapsed;
    case Exception::kRevoked:
      return request.revoked;
    case Exception::kSessionCut:
      return std::any_of(request.sessions.begin(), request.sessions.end(),
                         [&](const AccessSession& session) { return WasCut(session, request.content.person); });
    case Exception::kEscalated:
      return request.state == RequestState::kEscalated;
    case Exception::kOverdue:
      return request.seconds_late > 0;
  }
  YELLOW_CHECK(false);
}

ReportLine LineOf(const Request& request) {
  ReportLine line;
  line.id = request.id, line.state = request.state, line.kind = request.content.kind;
  line.container = request.container, line.requested_at = request.requested_at;
  line.person = request.content.person, line.scope = request.content.scope, line.ticket = request.content.ticket;
  for (const Vote& vote : request.votes)
    if (vote.approves && vote.content_hash == request.content_hash) line.approvers.push_back(vote.person);
  line.minutes = (request.seconds_used + 59) / 60;
  line.sessions = static_cast<int64_t>(request.sessions.size());
  line.statements = request.statements;
  line.flags = request.flags;
  if (request.review) line.reviewer = request.review->person;
  line.seconds_late = request.seconds_late;
  std::copy_if(kAllExceptions.begin(), kAllExceptions.end(), std::back_inserter(line.exceptions),
               [&](Exception exception) { return Holds(request, exception); });
  return line;
}

}  // namespace

std::string_view Word(Exception exception) {
  switch (exception) {
    case Exception::kBreakGlass:
      return "break_glass";
    case Exception::kDenied:
      return "denied";
    case Exception::kLapsed:
      return "lapsed";
    case Exception::kRevoked:
      return "revoked";
    case Exception::kSessionCut:
      return "session_cut";
    case Exception::kEscalated:
      return "escalated";
    case Exception::kOverdue:
      return "overdue";
  }
  YELLOW_CHECK(false);
}

bool IsDay(const std::string& text) {
  constexpr std::string_view kForm = "dddd-dd-dd";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return false;
  }
  const auto number = [&](size_t begin, size_t size) {
    int value = 0;
    std::from_chars(text.data() + begin, text.data() + begin + size, value);
    return value;
  };
  return std::chrono::year_month_day(std::chrono::year(number(0, 4)),
                                     std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                     std::chrono::day(static_cast<unsigned>(number(8, 2))))
      .ok();
}

std::vector<ReportLine> ReportOf(const std::vector<Request>& requests, const std::string& from, const std::string& to) {
  std::vector<ReportLine> lines;
  for (const Request& request : requests) {
    const std::string day = request.requested_at.substr(0, kDigitsOfDay);
    if (from <= day && day <= to) lines.push_back(LineOf(request));
  }
  std::sort(lines.begin(), lines.end(), [](const ReportLine& a, const ReportLine& b) {
    return std::tie(a.requested_at, a.id) < std::tie(b.requested_at, b.id);
  });
  return lines;
}

}  // namespace yellow::access
