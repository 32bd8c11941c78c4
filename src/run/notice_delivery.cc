#include "run/notice_delivery.h"

#include <fmt/format.h>

#include "base/error.h"
#include "model/webhook.h"
#include "run/notice_mail.h"
#include "run/world.h"

namespace yellow::run {
namespace {

constexpr std::chrono::seconds kOutboxLook{2};
constexpr std::chrono::seconds kLastDelivery{20};
constexpr int kFirstGood = 200, kFirstRedirection = 300;

using Places = std::vector<model::CredentialPlace>;

/// Throws base::Error when there is none that can be used.
base::Secret UrlOf(const Effects& effects, const model::WebhookUrl& webhook) {
  base::Secret url = effects.secrets.ReadUrl(webhook);
  if (const auto why = model::WhyNotWebhook(url.Reveal()))
    throw base::Error("webhook", "messages cannot be posted to its URL: " + *why);
  return url;
}

/// Throws base::Error when it is missing.
std::optional<ports::CredentialValue> LoginOf(const Effects& effects, const model::Mail& mail, const Places& places) {
  if (!mail.credential) return std::nullopt;
  for (const model::CredentialPlace& place : places) {
    if (place.credential != mail.credential->text) continue;
    ports::CredentialValue login = effects.secrets.Read(place.credential, place.source);
    if (login.user.empty() || login.password.empty())
      throw base::Error("secret", "credential " + place.credential + " is no user and password");
    return login;
  }
  throw base::Error("secret", "the environment does not say where this credential is: " + mail.credential->text);
}

/// Sends once, and returns the status of the answer.
int Send(const Effects& effects, const Receivers& receivers, const model::NoticeReceiver& receiver,
         const Notice& notice, const std::function<bool()>& go_on) {
  if (const auto* webhook = std::get_if<model::WebhookUrl>(&receiver.channel))
    return effects.webhook.Post({UrlOf(effects, *webhook), notice.id, NoticeJson(notice)}, go_on);
  const auto& mail = std::get<model::Mail>(receiver.channel);
  const ports::MailMessage message{mail.server, mail.ca, LoginOf(effects, mail, receivers.credentials),
                                   mail.from,   mail.to, NoticeMail(notice, mail)};
  return effects.mailer.Send(message, go_on);
}

/// What came of one attempt; empty when the receiver has it.
std::string Attempt(const Effects& effects, const Receivers& receivers, const model::NoticeReceiver& receiver,
                    const Notice& notice, const std::function<bool()>& go_on) {
  try {
    const int status = Send(effects, receivers, receiver, notice, go_on);
    if (status >= kFirstGood && status < kFirstRedirection) return "";
    return fmt::format("it answered with status {}", status);
  } catch (const base::Error& error) {
    return error.what();
  }
}

}  // namespace

void SettleNotices(ports::Session& session, const Applied& applied, const std::vector<LastingNotice>& lasting,
                   const View& view, std::optional<ports::TimePoint> watched_since) {
  const NoticeChanges changes = DueNotices(view, lasting, ReceiversOf(applied), watched_since);
  if (!changes.empty()) Write(session, changes);
}

Receivers ReceiversIn(const Applied& applied) {
  if (!applied.model.environment) return {};
  return {applied.model.environment->name, ReceiversOf(applied), applied.model.environment->credentials};
}

std::map<std::string, std::string> Unreachable(const Effects& effects, const Receivers& receivers) {
  std::map<std::string, std::string> wrong;
  for (const model::NoticeReceiver& receiver : receivers.receivers) {
    try {
      if (const auto* webhook = std::get_if<model::WebhookUrl>(&receiver.channel))
        UrlOf(effects, *webhook);
      else
        LoginOf(effects, std::get<model::Mail>(receiver.channel), receivers.credentials);
    } catch (const base::Error& error) {
      wrong[receiver.name] = error.what();
    }
  }
  return wrong;
}

void Courier::Deliver(ports::Session& session, const Receivers& receivers, const std::function<bool()>& go_on) {
  for (const model::NoticeReceiver& receiver : receivers.receivers) {
    while (go_on() && DeliverNext(session, receivers, receiver, go_on)) {
    }
  }
}

bool Courier::DeliverNext(ports::Session& session, const Receivers& receivers, const model::NoticeReceiver& receiver,
                          const std::function<bool()>& go_on) {
  const auto due = TakeDue(session, receiver.name, receivers.environment);
  if (!due) return false;
  const std::string failure = Attempt(effects_, receivers, receiver, due->notice, go_on);
  std::string& said = said_[receiver.name];
  if (failure.empty()) {
    MarkDelivered(session, due->notice.id);
    if (!said.empty()) effects_.reporter.Line("notify " + receiver.name + ": messages arrive again");
    said.clear();
    return true;
  }
  MarkFailed(session, due->notice.id, failure);
  if (due->attempts >= kNoticeAttempts)
    effects_.reporter.Line("notify " + receiver.name + ": " + failure + "; a message was given up (yellow status)");
  else if (failure != said)
    effects_.reporter.Line("notify " + receiver.name + ": " + failure + "; trying again for a day (yellow status)");
  said = failure;
  return false;
}

void DeliverAtTheEnd(const Effects& effects, const Actor& actor, const Applied& applied, ports::Session& session) {
  const std::vector<LastingNotice> lasting = ReadLasting(session);
  const Receivers receivers = ReceiversIn(applied);
  if (lasting.empty() && receivers.receivers.empty()) return;
  SettleNotices(session, applied, lasting, ReadWorld(session, applied, actor, effects.processes), std::nullopt);
  const ports::TimePoint until = effects.clock.Now() + kLastDelivery;
  Courier(effects).Deliver(session, receivers, [&] { return effects.clock.Now() < until; });
}

DeliveryThread::DeliveryThread(const Effects& effects, std::string container)
    : effects_(effects), container_(std::move(container)), thread_([this] { Run(); }) {}

DeliveryThread::~DeliveryThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void DeliveryThread::Use(Receivers receivers) {
  const std::lock_guard lock(mutex_);
  receivers_ = std::move(receivers);
  changed_.notify_all();
}

bool DeliveryThread::Pause() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kOutboxLook, [this] { return stop_; });
  return !stop_;
}

void DeliveryThread::Run() {
  Courier courier(effects_);
  std::unique_ptr<ports::Session> session;
  const auto go_on = [this] {
    const std::lock_guard lock(mutex_);
    return !stop_;
  };
  while (Pause()) {
    Receivers receivers;
    {
      const std::lock_guard lock(mutex_);
      receivers = receivers_;
    }
    if (receivers.receivers.empty()) continue;
    try {
      if (session == nullptr) {
        session =
            effects_.connector.Open(effects_.endpoints.Service(container_, ports::ServiceRole::kEngine, "notify"));
      }
      courier.Deliver(*session, receivers, go_on);
    } catch (const base::Error&) {  // who schedules says that the database is away, and waits for it too
      session.reset();
    }
  }
}

}  // namespace yellow::run
