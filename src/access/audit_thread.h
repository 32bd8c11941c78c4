#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "access/audit_writer.h"
#include "ports/clock.h"

namespace yellow::access {

/// Keeps the audit log of one merge database on a thread of its own until it is destroyed: puts records into the chain
/// twice a second, and notes its end at the anchors each minute and when a segment is closed. Whatever is in the way is
/// said, the chain's own trouble again each minute; none of it ends the thread. Its end is one more pass.
class AuditThread {
 public:
  /// `say`: a line of a log; called from the thread. What is referred to must outlive it.
  AuditThread(const AuditEffects& effects, ports::Clock& clock, const AuditPlace& place,
              std::function<void(const std::string&)> say);
  ~AuditThread();
  AuditThread(const AuditThread&) = delete;
  AuditThread& operator=(const AuditThread&) = delete;

 private:
  void Run();
  void Look(bool last);
  void Anchor(const Chained& chained, bool last);
  void Alarm(const std::string& why);
  /// False when it is to end.
  bool Pause();

  AuditWriter writer_;
  ports::Clock& clock_;
  const std::function<void(const std::string&)> say_;
  ports::TimePoint look_at_{}, anchor_at_{}, alarm_at_{}, failing_since_{};
  bool failing_ = false;
  std::map<std::string, std::string> said_;  ///< by anchor: what was wrong with it
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace yellow::access
