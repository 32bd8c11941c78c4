#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/context.h"
#include "run/tick.h"

/// What people are told, once when it begins and once when it is over: decided here from the view of the world, kept in
/// yellow.notice (notice_store.h), delivered by notice_delivery.h. All of it is pure.
namespace yellow::run {

/// Something that people are told of.
struct Cause {
  std::string node;
  model::NoticeEvent event = model::NoticeEvent::kHeld;
  std::optional<int> batch;
  std::string run_id;
  std::string code, reason;  ///< reason: as TellableReason has it
  auto operator<=>(const Cause&) const = default;
};

/// A cause that somebody was told of, or is to be, and that was not over when it was last looked at.
struct LastingNotice {
  std::string id;
  std::string receiver;
  std::string node;
  model::NoticeEvent event = model::NoticeEvent::kHeld;
  std::string ended;  ///< of held and failed: how it has ended, "batch 12 is committed"; empty while it has not
};

/// What is to be written so that everybody is told of what there is.
struct NoticeChanges {
  struct Begun {
    std::string receiver;
    Cause cause;
  };
  struct Ended {
    std::string id;
    std::string how;
  };
  std::vector<Begun> begun;
  std::vector<Ended> ended;
  std::vector<std::string> forgotten;  ///< ids: the model says no more that the receiver is told
  bool empty() const { return begun.empty() && ended.empty() && forgotten.empty(); }
};

/// `watched_since`: what is late was looked after from then on only, as by a scheduler that has just begun; none: by
/// one that has done by now whatever it could.
NoticeChanges DueNotices(const View& view, const std::vector<LastingNotice>& lasting,
                         const std::vector<model::NoticeReceiver>& receivers,
                         std::optional<ports::TimePoint> watched_since);

/// What of a reason leaves the installation: its first line where that is known to hold no values of rows, a rule
/// without its example, and else where to look.
std::string TellableReason(const std::string& code, const std::string& reason, const std::string& name);

/// Who is told of the applied model.
const std::vector<model::NoticeReceiver>& ReceiversOf(const Applied& applied);

/// A message as a receiver gets it. Times are RFC 3339 in UTC.
struct Notice {
  std::string id;
  std::string environment;
  std::string event;  ///< held, failed, stale, access, over
  std::string cause;  ///< id of the message that is over; its own where it is not
  std::string was;    ///< of 'over': what it was
  std::string node;
  std::string batch, run_id;  ///< or empty
  std::string code, reason;
  std::string since, over_at;
};
/// What it is about, in a few words: `[local] Shop is held, batch 3`.
std::string NoticeTitle(const Notice& notice);
/// One line for people.
std::string NoticeText(const Notice& notice);
std::string NoticeJson(const Notice& notice);

}  // namespace yellow::run
