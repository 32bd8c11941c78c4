#include "access/session_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "access/login.h"
#include "access/wire_record.h"
#include "base/digest.h"
#include "base/error.h"
#include "sql/names.h"

namespace yellow::access {
namespace {

using Kind = Refusal::Kind;

constexpr std::chrono::milliseconds kLook{50};          // how long an end may stay unseen
constexpr std::chrono::milliseconds kLookAtState{500};  // the same of a request that is over
constexpr int64_t kManyRows = 1000;
constexpr int kDigitsOfId = 16;

tl::unexpected<Refusal> No(Refusal refusal) { return tl::unexpected<Refusal>(std::move(refusal)); }

/// Public keys of the people who may review what this person does; never their own.
std::vector<std::string> RecipientsOf(const Place& place, const Request& request) {
  std::vector<std::string> keys;
  const model::Scope* scope = ScopeOf(place.model, request.content.scope);
  if (scope == nullptr) return keys;
  for (const model::Person& person : place.model.people) {
    if (person.name == request.content.person || person.review_key.empty()) continue;
    if (person.Has(model::kSeniorDevops) && person.MayActIn(scope->owner)) keys.push_back(person.review_key);
  }
  return keys;
}

/// A name of terminfo, as far as that goes.
std::string TermOf(const std::string& word) {
  const bool plain = !word.empty() && word.size() <= 32 && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '+' ||
           c == '.';
  });
  return plain ? word : "dumb";
}

/// Records what is asked of the server: whole, sealed; and what the audit log keeps of it. What cannot be recorded does
/// not go on.
class Witness : public ports::WireSink {
 public:
  Witness(std::unique_ptr<ports::SealedLog> log, std::unique_ptr<ports::Session> database, std::string session,
          FlagRules rules)
      : log_(std::move(log)), database_(std::move(database)), session_(std::move(session)), rules_(std::move(rules)) {}

  bool Take(const ports::WireEvent& event) override {
    try {
      log_->Add(access::LineOf(event));
      const std::string fact = FactOf(event, rules_);
      if (!fact.empty()) database_->Execute({"SELECT yellow_access.stated($1, $2::jsonb)", {session_, fact}});
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

 private:
  const std::unique_ptr<ports::SealedLog> log_;
  const std::unique_ptr<ports::Session> database_;
  const std::string session_;
  const FlagRules rules_;
};

}  // namespace

Result<SessionHost::Admitted> SessionHost::Admit(const Found& found, const TerminalWords& terminal) const {
  const Request& request = found.request;
  if (request.content.person != found.person->name)
    return No({Kind::kForbidden, "not_yours", "only who has asked may use it"});
  if (request.state != RequestState::kActive || request.seconds_left <= 0)
    return No({Kind::kState, "state", "the request is " + std::string(Word(request.state)),
               request.state == RequestState::kApproved ? "begin: yellow access activate " + request.id : ""});
  if (request.content.grants.empty())
    return No({Kind::kInvalid, "no_database", request.content.scope + " opens no database",
               "yellow access show " + request.id + " says what it is for"});
  if (stop_) return No({Kind::kUnavailable, "stopping", "the service is being stopped"});
  std::vector<std::string> recipients = RecipientsOf(*found.place, request);
  if (recipients.empty())
    return No({Kind::kState, "no_reviewer",
               "nobody could review the recording: no senior other than " + found.person->name +
                   " has a review_key in the model",
               "a senior makes one: yellow access keygen FILE"});
  return Admitted{found.place, request, std::move(recipients), terminal};
}

base::Secret SessionHost::PasswordOf(ports::Session& session, const Place& place, const std::string& request) {
  const std::lock_guard lock(mutex_);
  const auto known = passwords_.find(request);
  if (known != passwords_.end()) return known->second;
  return passwords_[request] =
             TemporaryLogin(session, place.RolePrefix(), request).Open(effects_.entropy, effects_.connector);
}

ports::RecordingReport SessionHost::Await(const Admitted& admitted, ports::RecordedSession& recorded,
                                          ports::SessionProxy& proxy, Store& store, std::string& why) const {
  auto look_again = effects_.clock.Now();
  for (bool cancelled = false;;) {
    if (const auto report = recorded.Poll()) return *report;
    if (why.empty() && stop_) why = "the service is being stopped";
    if (why.empty() && effects_.clock.Now() >= look_again) {
      look_again = effects_.clock.Now() + kLookAtState;
      const auto now = store.Find(admitted.request.id);
      if (!now || now->state != RequestState::kActive || now->seconds_left <= 0)
        why = now && !now->end_reason.empty() ? now->end_reason : "its time is over";
    }
    if (const auto ended = proxy.Ended(); why.empty() && ended) why = *ended;
    if (!why.empty() && !std::exchange(cancelled, true)) {
      proxy.End(why);
      recorded.Cancel();
    }
    effects_.clock.Sleep(kLook);
  }
}

void SessionHost::Host(const Admitted& admitted, int socket) {
  const Place& place = *admitted.place;
  const Request& request = admitted.request;
  const std::string id = effects_.entropy.Hex(kDigitsOfId);
  const auto open = [&](std::string_view purpose) {
    return effects_.connector.Open(effects_.endpoints.Service(place.container, ports::ServiceRole::kAccess, purpose));
  };
  const auto session = open("access");
  Store store(*session, place.container);
  parts_.files.MakeFolder(parts_.data + "/recordings", 0700);
  const std::string recording = fmt::format("recordings/{}-{}.cast.sealed", request.id, id);
  const std::string statements = fmt::format("{}/recordings/{}-{}.statements.sealed", parts_.data, request.id, id);

  FlagRules rules;
  rules.many_rows = kManyRows;
  if (const auto known = place.relations.find(request.content.scope); known != place.relations.end())
    rules.scope = known->second;
  auto log = parts_.recorder.OpenLog(statements, admitted.recipients);
  store.SessionBegan(id, request.id, recording, effects_.holder);
  std::string why;
  ports::RecordingReport report;
  try {
    const base::Secret password = PasswordOf(*session, place, request.id);
    Witness witness(std::move(log), open("statements"), id, std::move(rules));
    const std::chrono::milliseconds left = std::chrono::seconds(request.seconds_left);
    const std::string login = sql::Roles(place.RolePrefix()).TemporaryLogin(request.id);
    const std::string folder = parts_.sockets + "/" + id;
    const unsigned user = parts_.recorder.ChooseUser();
    ports::ProxySpec proxied{effects_.endpoints.As(place.container, login, password, "access " + request.id), folder,
                             user, left};
    const auto proxy = parts_.proxies.Start(proxied, witness);
    ports::RecordingSpec spec;
    spec.command = {"psql", "-X", "-P", "pager=off", "-h", folder, "-U", login, "-d", proxied.target.database};
    spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                        {"HOME", "/tmp"},
                        {"LANG", "C.UTF-8"},
                        {"TERM", TermOf(admitted.terminal.term)},
                        {"PSQL_HISTORY", "/dev/null"}};
    spec.reachable = {folder};
    spec.recipients = admitted.recipients;
    spec.path = parts_.data + "/" + recording;
    spec.title = fmt::format("{} {} {}", request.content.person, request.content.scope, request.id);
    spec.user = user;
    spec.columns = admitted.terminal.columns, spec.rows = admitted.terminal.rows;
    spec.longest = left;
    const auto recorded = parts_.recorder.Start(spec, socket);
    report = Await(admitted, *recorded, *proxy, store, why);
    proxy->End("the session has ended");
  } catch (const base::Error& error) {
    why = error.what();
    parts_.recorder.Refuse(socket, base::Describe(error));
    if (const auto begun = effects_.read(recording))  // it was under way
      report.bytes = static_cast<int64_t>(begun->size()), report.digest = base::Sha256Hex(*begun);
  }
  parts_.files.RemoveTree(parts_.sockets + "/" + id);
  if (why.empty()) why = std::string(ports::WordOf(report.end)) + (report.why.empty() ? "" : ": " + report.why);
  store.SessionEnded(id, why, report.bytes, report.digest);
  const auto now = store.Find(request.id);
  if (now && now->state == RequestState::kActive) return;
  const std::lock_guard lock(mutex_);
  passwords_.erase(request.id);
}

void SessionHost::Run(const Admitted& admitted, int socket) {
  try {
    Host(admitted, socket);
  } catch (const base::Error& error) {
    effects_.report("a session under request " + admitted.request.id + " has failed: " + base::Describe(error));
    parts_.recorder.Refuse(socket, error.what());
  }
}

}  // namespace yellow::access
