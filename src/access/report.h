#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "access/request.h"

namespace yellow::access {

/// What an auditor asks about first.
enum class Exception {
  kBreakGlass,
  kDenied,
  kLapsed,
  kRevoked,
  kSessionCut,  ///< a session was ended by another than its person
  kEscalated,
  kOverdue,  ///< the review was late, or is
};
inline constexpr std::array kAllExceptions{Exception::kBreakGlass, Exception::kDenied,     Exception::kLapsed,
                                           Exception::kRevoked,    Exception::kSessionCut, Exception::kEscalated,
                                           Exception::kOverdue};
std::string_view Word(Exception exception);  ///< break_glass, …

/// A request as a report has it.
struct ReportLine {
  std::string id;
  RequestState state = RequestState::kPending;
  RequestKind kind = RequestKind::kRegular;
  std::string container;
  std::string requested_at;  ///< RFC 3339
  std::string person, scope, ticket;
  std::vector<std::string> approvers;  ///< whose vote is for it as it is
  int64_t minutes = 0;                 ///< used, begun ones
  int64_t sessions = 0, statements = 0;
  std::vector<FlagCount> flags;
  std::string reviewer;      ///< empty: nobody yet
  int64_t seconds_late = 0;  ///< of its review; 0: in time
  std::vector<Exception> exceptions;
};

/// Whether a text is a day as 2026-01-31 is.
bool IsDay(const std::string& text);

/// The requests that were asked for on the days from `from` to `to`, both included, in UTC; the oldest first. By the
/// day it was asked for, a request is in one of several reports that follow each other, and in no other.
/// REQUIRES: IsDay of both.
std::vector<ReportLine> ReportOf(const std::vector<Request>& requests, const std::string& from, const std::string& to);

}  // namespace yellow::access
