#include "run/notices.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/cron.h"
#include "base/json_text.h"
#include "merge/merge.h"
#include "run/commit.h"

namespace yellow::run {
namespace {

using model::NoticeEvent;
using ports::TimePoint;

// Reasons that name tables, columns, limits, processes and servers, and never what rows hold.
constexpr std::array<std::string_view, 14> kAboutNoRows{
    "emptied", "mass_delete", "mass_reject", "went_back", "schema", "connect",      "exit_status",
    "timeout", "lost",        "process",     "venv",      "secret", "staging_lost", "keeper_lost"};

std::string FirstLineOf(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The tick after which a batch was to come: the first that nothing has been read since. None: no schedule, or nothing
/// is known of it yet.
std::optional<TimePoint> MissedTick(const StreamView& stream) {
  if (!stream.schedule || !stream.last_read_at) return std::nullopt;
  std::string why;
  const auto cron = base::Cron::Parse(stream.schedule->cron, &why);
  return cron ? cron->Next(*stream.last_read_at, stream.schedule->timezone) : std::nullopt;
}

TimePoint StaleAt(TimePoint from, const model::NoticeReceiver& receiver) {
  return from + std::chrono::seconds(receiver.stale_after.seconds);
}

/// The world as one receiver is told of it.
class ReceiverNotices {
 public:
  ReceiverNotices(const View& view, const model::NoticeReceiver& receiver, std::optional<TimePoint> watched_since)
      : view_(view), receiver_(receiver), watched_since_(watched_since) {}

  std::vector<Cause> Causes() const {
    std::vector<Cause> causes;
    for (const auto* streams : {&view_.streams, &view_.outputs}) {
      for (const StreamView& stream : *streams) AddBatch(stream, causes);
    }
    for (const TransformerView& transformer : view_.transformers) {
      if (!transformer.failed_run || merge::IsGuarded(transformer.failed_run->reason_code)) continue;
      const RunView& run = *transformer.failed_run;
      causes.push_back({transformer.key, NoticeEvent::kFailed, std::nullopt, run.id, run.reason_code,
                        TellableReason(run.reason_code, run.reason, NameOfNode(transformer.key))});
    }
    for (const StreamView& stream : view_.streams) {
      if (auto stale = StaleOf(stream)) causes.push_back(std::move(*stale));
    }
    for (const AccessView& access : view_.access)
      causes.push_back({access.key, NoticeEvent::kAccess, std::nullopt, "", access.code, access.reason});
    std::erase_if(causes, [this](const Cause& cause) { return !receiver_.Wants(cause.event); });
    return causes;
  }

  /// How a stream that was stale has become fresh; none while it has not.
  std::optional<std::string> Refreshed(const std::string& node) const {
    for (const StreamView& stream : view_.streams) {
      if (stream.key != node) continue;
      if (!stream.schedule) return "it has no schedule any more";
      const auto missed = MissedTick(stream);
      if (missed && StaleAt(*missed, receiver_) > view_.now)
        return fmt::format("batch {} is committed", stream.last_committed);
    }
    return std::nullopt;
  }

 private:
  static void AddBatch(const StreamView& stream, std::vector<Cause>& causes) {
    const bool held = stream.under_way == StreamView::UnderWay::kHeld && !stream.released;
    if (!held && !stream.newest_failed) return;
    causes.push_back({stream.key, held ? NoticeEvent::kHeld : NoticeEvent::kFailed, stream.newest, "",
                      stream.reason_code, TellableReason(stream.reason_code, stream.reason, NameOfNode(stream.key))});
  }

  /// Who is told that it is held, or has failed, knows why it is old; who has paused it wants it so.
  std::optional<Cause> StaleOf(const StreamView& stream) const {
    if (!stream.schedule || stream.paused) return std::nullopt;
    if (stream.under_way == StreamView::UnderWay::kHeld && receiver_.Wants(NoticeEvent::kHeld)) return std::nullopt;
    if (stream.newest_failed && receiver_.Wants(NoticeEvent::kFailed)) return std::nullopt;
    std::optional<TimePoint> from = MissedTick(stream);
    if (stream.last_read_at && !from) return std::nullopt;
    for (const auto& begun : {watched_since_, stream.resumed_at}) {
      if (begun) from = from ? std::max(*from, *begun) : *begun;
    }
    if (!from || StaleAt(*from, receiver_) > view_.now) return std::nullopt;
    const auto missed = MissedTick(stream);
    const std::string reason =
        missed ? fmt::format(
                     "its schedule had a tick at {:%Y-%m-%d %H:%M:%S} UTC, and no batch that was read since is "
                     "committed",
                     std::chrono::floor<std::chrono::seconds>(*missed))
               : "it has no committed batch yet";
    return Cause{stream.key, NoticeEvent::kStale, std::nullopt, "", "stale", reason};
  }

  const View& view_;
  const model::NoticeReceiver& receiver_;
  const std::optional<TimePoint> watched_since_;
};

bool IsThere(const View& view, const std::string& node) {
  const auto is = [&](const auto& one) { return one.key == node; };
  return std::any_of(view.streams.begin(), view.streams.end(), is) ||
         std::any_of(view.outputs.begin(), view.outputs.end(), is) ||
         std::any_of(view.transformers.begin(), view.transformers.end(), is);
}

bool IsWatched(const View& view, const std::string& node) {
  return std::any_of(view.access.begin(), view.access.end(), [&](const auto& one) { return one.key == node; });
}

const model::NoticeReceiver* FindReceiver(const std::vector<model::NoticeReceiver>& receivers,
                                          const std::string& name) {
  const auto found =
      std::find_if(receivers.begin(), receivers.end(), [&](const auto& one) { return one.name == name; });
  return found == receivers.end() ? nullptr : &*found;
}

/// What people call it: a node of the model, or a request for access.
std::string NameIn(const Notice& notice, const std::string& event) {
  return event == "access" ? notice.node.substr(notice.node.find('/') + 1) : NameOfNode(notice.node);
}

/// Where to look, and what helps.
std::string HintOf(const Notice& notice, const std::string& event) {
  const std::string name = NameIn(notice, event);
  if (event == "access") return "yellow access show " + name;
  if (event == "held") return "yellow batches show " + name;
  if (!notice.run_id.empty()) return "yellow runs show " + notice.run_id;
  return "yellow explain " + name;
}

std::string Member(const std::string& name, const std::string& value) {
  return base::JsonString(name) + ": " + base::JsonString(value);
}

}  // namespace

NoticeChanges DueNotices(const View& view, const std::vector<LastingNotice>& lasting,
                         const std::vector<model::NoticeReceiver>& receivers, std::optional<TimePoint> watched_since) {
  NoticeChanges changes;
  std::set<std::tuple<std::string, std::string, NoticeEvent>> told;
  for (const LastingNotice& notice : lasting) {
    const model::NoticeReceiver* receiver = FindReceiver(receivers, notice.receiver);
    if (receiver == nullptr || !receiver->Wants(notice.event)) {
      changes.forgotten.push_back(notice.id);
      continue;
    }
    std::string how = notice.ended;
    if (notice.event == NoticeEvent::kAccess)
      how = IsWatched(view, notice.node) ? "" : "it is reviewed";
    else if (!IsThere(view, notice.node))
      how = "it is not in the model any more";
    if (how.empty() && notice.event == NoticeEvent::kStale)
      how = ReceiverNotices(view, *receiver, watched_since).Refreshed(notice.node).value_or("");
    if (how.empty())
      told.insert({notice.receiver, notice.node, notice.event});
    else
      changes.ended.push_back({notice.id, how});
  }
  for (const model::NoticeReceiver& receiver : receivers) {
    for (Cause& cause : ReceiverNotices(view, receiver, watched_since).Causes()) {
      if (told.count({receiver.name, cause.node, cause.event}) == 0)
        changes.begun.push_back({receiver.name, std::move(cause)});
    }
  }
  return changes;
}

std::string TellableReason(const std::string& code, const std::string& reason, const std::string& name) {
  if (std::find(kAboutNoRows.begin(), kAboutNoRows.end(), code) != kAboutNoRows.end()) return FirstLineOf(reason);
  const std::string rule = WithoutExample(FirstLineOf(reason));
  return rule.empty() ? "the reason may hold values of rows and is told by: yellow explain " + name : rule;
}

const std::vector<model::NoticeReceiver>& ReceiversOf(const Applied& applied) {
  static const std::vector<model::NoticeReceiver> kNobody;
  return applied.model.environment && !applied.rehearsal ? applied.model.environment->receivers : kNobody;
}

std::string NoticeTitle(const Notice& notice) {
  const bool over = notice.event == "over";
  const std::string& event = over ? notice.was : notice.event;
  const std::string name = NameIn(notice, event);
  std::string what = name + (event == "failed" ? " has failed" : " is " + event);
  if (over) what = "Over: " + name + (event == "failed" ? " had failed" : " was " + event);
  if (event == "access") what = (over ? "Over: access " : "access ") + name;
  if (!notice.batch.empty()) what += ", batch " + notice.batch;
  if (!notice.run_id.empty()) what += ", run " + notice.run_id;
  return fmt::format("[{}] {}", notice.environment, what);
}

std::string NoticeText(const Notice& notice) {
  if (notice.event == "over") return fmt::format("{}, since {}; {}", NoticeTitle(notice), notice.since, notice.reason);
  return fmt::format("{}: {}. {}", NoticeTitle(notice), notice.reason, HintOf(notice, notice.event));
}

std::string NoticeJson(const Notice& notice) {
  std::string json = "{" + Member("id", notice.id) + ", " + Member("event", notice.event) + ", " +
                     Member("cause", notice.cause) + ", ";
  if (!notice.was.empty()) json += Member("was", notice.was) + ", ";
  json += Member("environment", notice.environment) + ", " + Member("node", notice.node) + ", ";
  if (!notice.batch.empty()) json += "\"batch\": " + notice.batch + ", ";
  if (!notice.run_id.empty()) json += Member("run", notice.run_id) + ", ";
  json += "\"reason\": {" + Member("code", notice.code) + ", " + Member("text", notice.reason) + "}, " +
          Member("since", notice.since) + ", ";
  if (!notice.over_at.empty()) json += Member("over", notice.over_at) + ", ";
  return json + Member("text", NoticeText(notice)) + "}";
}

}  // namespace yellow::run
