#pragma once

#include <string>
#include <vector>

#include "run/notices.h"

/// yellow.notice, the outbox of messages. What is written here, in the transaction of what causes it, is delivered at
/// least once, under one id.
namespace yellow::run {

/// A cause begins: one message to each receiver that wants it and was not told yet. Part of the caller's transaction.
void BeginNotices(ports::Session& session, const Applied& applied, const Cause& cause);
/// Causes of a node are over: one message to each that was told. Part of the caller's transaction.
void EndNotices(ports::Session& session, const std::string& node, const std::vector<model::NoticeEvent>& events,
                const std::string& how);

/// To be read before the view that it is compared with: what begins or ends in between is then seen twice, which
/// changes nothing, and never missed.
std::vector<LastingNotice> ReadLasting(ports::Session& session);
/// One transaction; what somebody else has written meanwhile stays.
void Write(ports::Session& session, const NoticeChanges& changes);

/// A message that is due. It is due again after a pause that doubles from fifteen seconds to an hour: longer than a
/// delivery takes, so that nobody else delivers it meanwhile.
struct DueNotice {
  Notice notice;
  int attempts = 0;
};
/// The oldest due message to a receiver, now this caller's; never one that says that something is over before the one
/// that it is about.
std::optional<DueNotice> TakeDue(ports::Session& session, const std::string& receiver, const std::string& environment);
void MarkDelivered(ports::Session& session, const std::string& id);
/// After kNoticeAttempts of them, about a day, it is given up.
void MarkFailed(ports::Session& session, const std::string& id, const std::string& error);
inline constexpr int kNoticeAttempts = 30;

/// Messages to one receiver that have not arrived: those that are tried again, and those that were given up since the
/// last one that has arrived.
struct Undelivered {
  std::string receiver;  ///< one of mail has its address behind a slash
  bool given_up = false;
  int64_t messages = 0;
  std::string oldest;  ///< RFC 3339
  std::string next;    ///< when the next is tried, RFC 3339; empty when given up
  std::string error;   ///< of the last attempt; empty before the first
};
std::vector<Undelivered> ReadUndelivered(ports::Session& session);

}  // namespace yellow::run
