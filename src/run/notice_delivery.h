#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "run/notice_store.h"

/// Brings messages to their receivers, so that no receiver, however slow, is in the way of a batch.
namespace yellow::run {

/// Writes what is due by the world as it is, and the outbox does not hold yet.
void SettleNotices(ports::Session& session, const Applied& applied, const std::vector<LastingNotice>& lasting,
                   const View& view, std::optional<ports::TimePoint> watched_since);

/// Who is told, as of one applied model.
struct Receivers {
  std::string environment;
  std::vector<model::NoticeReceiver> receivers;
  std::vector<model::CredentialPlace> credentials;
};
Receivers ReceiversIn(const Applied& applied);

/// Receivers whose URL or login is missing or cannot be one, each with why: to be said before there is anything to tell
/// them.
std::map<std::string, std::string> Unreachable(const Effects& effects, const Receivers& receivers);

/// Delivers what is due, while `go_on` holds; a receiver that does not take a message is left alone. Reports what could
/// not be delivered, unless it was said before. Throws base::Error of the database only.
class Courier {
 public:
  explicit Courier(const Effects& effects) : effects_(effects) {}
  void Deliver(ports::Session& session, const Receivers& receivers, const std::function<bool()>& go_on);

 private:
  bool DeliverNext(ports::Session& session, const Receivers& receivers, const model::NoticeReceiver& receiver,
                   const std::function<bool()>& go_on);

  const Effects& effects_;
  std::map<std::string, std::string> said_;  // by receiver: what is wrong with it
};

/// Settles and delivers once, for a command that ends: no longer than kLastDelivery.
void DeliverAtTheEnd(const Effects& effects, const Actor& actor, const Applied& applied, ports::Session& session);

/// Delivers on a thread of its own until it is destroyed, which takes no longer than a message that is under way.
class DeliveryThread {
 public:
  DeliveryThread(const Effects& effects, std::string container);
  DeliveryThread(const DeliveryThread&) = delete;
  DeliveryThread& operator=(const DeliveryThread&) = delete;
  ~DeliveryThread();

  /// Another model was taken up.
  void Use(Receivers receivers);

 private:
  void Run();
  /// False when it is to end.
  bool Pause();

  const Effects& effects_;
  const std::string container_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  Receivers receivers_;
  std::thread thread_;
};

}  // namespace yellow::run
