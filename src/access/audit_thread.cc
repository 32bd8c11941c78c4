#include "access/audit_thread.h"

#include "base/error.h"

namespace yellow::access {
namespace {

constexpr std::chrono::milliseconds kLook{500};
constexpr std::chrono::seconds kEvery{60};
constexpr std::chrono::seconds kPatience{5};  // with what passes by itself, as a server that begins again
constexpr double kLate = 60;                  // seconds that a record may wait while somebody else writes the chain

}  // namespace

AuditThread::AuditThread(const AuditEffects& effects, ports::Clock& clock, const AuditPlace& place,
                         std::function<void(const std::string&)> say)
    : writer_(effects, place), clock_(clock), say_(std::move(say)), thread_([this] { Run(); }) {}

AuditThread::~AuditThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool AuditThread::Pause() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kLook, [this] { return stop_; });
  return !stop_;
}

void AuditThread::Run() {
  bool last = false;
  while (!last) {
    last = !Pause();
    try {
      Look(last);
    } catch (const base::Error& error) {
      writer_.Forget();
      Alarm(error.what());
    }
  }
}

void AuditThread::Look(bool last) {
  const StoredHead stored = ReadHead(writer_.session());
  const ports::TimePoint now = clock_.Now();
  if (stored.unchained == 0 && now < look_at_ && !last) {
    failing_ = false;
    return;
  }
  look_at_ = now + kEvery;
  Chained chained = writer_.Pass(false);
  while (chained.more) chained = writer_.Pass(false);
  if (chained.outcome == Chained::Outcome::kDone) {
    failing_ = false;
    Anchor(chained, last);
  } else if (stored.waits > kLate && chained.outcome == Chained::Outcome::kElsewhere) {
    Alarm("the files in " + chained.folder + " end at record " + std::to_string(chained.head.sequence) +
          ", the chain at " + std::to_string(chained.behind.sequence) +
          "; it is written somewhere else, and nobody is at it");
  } else if (stored.waits > kLate) {
    Alarm("another process holds " + chained.folder);
  }
}

void AuditThread::Anchor(const Chained& chained, bool last) {
  const ports::TimePoint now = clock_.Now();
  if (now < anchor_at_ && !chained.closed && !last) return;
  anchor_at_ = now + kEvery;
  std::map<std::string, std::string> failures = writer_.NoteAnchors(chained);
  for (const auto& [place, why] : failures) {
    const auto before = said_.find(place);
    if (before == said_.end() || before->second != why)
      say_("audit: the end of the audit log was not noted, " + place + ": " + why);
  }
  said_ = std::move(failures);
}

void AuditThread::Alarm(const std::string& why) {
  const ports::TimePoint now = clock_.Now();
  if (!failing_) failing_ = true, failing_since_ = now, alarm_at_ = now + kPatience;
  if (now < alarm_at_) return;
  alarm_at_ = now + kEvery;
  say_("audit: the audit log is not written: " + why + "; what is recorded meanwhile waits in the database");
}

}  // namespace yellow::access
