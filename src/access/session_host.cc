#include "access/session_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "access/audit_store.h"
#include "access/evidence.h"
#include "access/login.h"
#include "access/witness.h"
#include "base/check.h"
#include "base/error.h"
#include "sql/names.h"

namespace yellow::access {
namespace {

using Kind = Refusal::Kind;

constexpr std::chrono::seconds kCloseAgain{1};
constexpr std::chrono::milliseconds kLook{50};          // how long an end may stay unseen
constexpr std::chrono::milliseconds kLookAtState{500};  // the same of a request that is over
constexpr int64_t kManyRows = 1000;
constexpr int kDigitsOfId = 16;
constexpr const char* kRecordingEnd = ".cast.sealed";

tl::unexpected<Refusal> No(Refusal refusal) { return tl::unexpected<Refusal>(std::move(refusal)); }

bool IsOfDatabase(model::ScopeKind kind) {
  switch (kind) {
    case model::ScopeKind::kDtWrite:
    case model::ScopeKind::kDtRead:
    case model::ScopeKind::kWsRead:
    case model::ScopeKind::kStageRead:
      return true;
    case model::ScopeKind::kOperation:
    case model::ScopeKind::kShell:
    case model::ScopeKind::kKubernetes:
      return false;
  }
  YELLOW_CHECK(false);
}

/// Why there is no such session under this scope; nothing when there is.
std::optional<Refusal> Fits(const model::Scope* scope, SessionProgram program, const std::string& id) {
  if (scope == nullptr)
    return Refusal{Kind::kState, "no_scope", "the model has this scope no more", "yellow access release " + id};
  if (scope->kind == model::ScopeKind::kOperation)
    return Refusal{Kind::kInvalid, "no_session", "nobody logs in for " + scope->Text() + ": Yellow does it itself",
                   "yellow access show " + id + " says how far it is"};
  if (program == SessionProgram::kSql && !IsOfDatabase(scope->kind))
    return Refusal{Kind::kInvalid, "no_database", scope->Text() + " opens no database", "yellow access shell " + id};
  return std::nullopt;
}

ports::ClusterGrant GrantOf(const Request& request, const model::Scope& scope) {
  return {request.id, request.content.person, scope.object, scope.role, request.expires_at};
}

bool LiesIn(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder.ends_with('/') ? folder : folder + "/");
}

}  // namespace

Result<SessionHost::Admitted> SessionHost::Admit(const Found& found, SessionProgram program,
                                                 const TerminalWords& terminal) const {
  const Request& request = found.request;
  if (request.content.person != found.person->name)
    return No({Kind::kForbidden, "not_yours", "only who has asked may use it"});
  if (request.state != RequestState::kActive || request.seconds_left <= 0) return No(NotInItsState(request));
  const model::Scope* scope = ScopeOf(found.place->model, request.content.scope);
  if (const auto refusal = Fits(scope, program, request.id)) return No(*refusal);
  if (const auto refusal = WhyNoCluster(effects_, *scope)) return No(*refusal);
  if (stop_) return No({Kind::kUnavailable, "stopping", "the service is being stopped"});
  std::vector<std::string> recipients = KeysOf(found.place->model, request, model::kSeniorDevops);
  if (recipients.empty())
    return No({Kind::kState, "no_reviewer",
               "nobody could review the recording: no senior other than " + found.person->name +
                   " has a review_key in the model",
               "a senior makes one: yellow access keygen FILE"});
  const std::vector<std::string> auditors = KeysOf(found.place->model, request, model::kAuditor);
  recipients.insert(recipients.end(), auditors.begin(), auditors.end());
  return Admitted{found.place, found.identity, request, *scope, std::move(recipients), program, terminal};
}

base::Secret SessionHost::PasswordOf(ports::Session& session, const Place& place, const std::string& request) {
  const std::lock_guard lock(mutex_);
  const auto known = passwords_.find(request);
  if (known != passwords_.end()) return known->second;
  const ports::ConnectionTarget own =
      effects_.endpoints.Service(place.container, ports::ServiceRole::kAccess, "access");
  base::Secret password = PasswordOfLogin(own.password, request, effects_.entropy);
  TemporaryLogin(session, place.RolePrefix(), request).Open(password, effects_.connector);
  return passwords_[request] = std::move(password);
}

void SessionHost::ForgetPassword(const std::string& request) {
  const std::lock_guard lock(mutex_);
  passwords_.erase(request);
}

/// One session, from its beginning to its end.
class SessionHost::Session {
 public:
  Session(SessionHost& host, const Admitted& admitted, int socket)
      : host_(host),
        admitted_(admitted),
        socket_(socket),
        id_(host.effects_.entropy.Hex(kDigitsOfId)),
        name_("recordings/" + admitted.request.id + "-" + id_),
        folder_(host.parts_.sockets + "/" + id_),
        left_(std::chrono::seconds(admitted.request.seconds_left)),
        database_(OpenRecords()),
        store_(*database_, admitted.place->container) {}

  void Run();

 private:
  std::unique_ptr<ports::Session> Open(std::string_view purpose) const {
    return host_.effects_.connector.Open(
        host_.effects_.endpoints.Service(admitted_.place->container, ports::ServiceRole::kAccess, purpose));
  }
  /// The session's own records say by which account or token it was begun.
  std::unique_ptr<ports::Session> OpenRecords() const {
    auto session = Open("access");
    SetIdentity(*session, admitted_.identity);
    return session;
  }
  std::string InData(const std::string& name) const { return host_.parts_.data + "/" + name; }
  bool IsActive();
  void LeadToDatabase(ports::RecordingSpec& spec);
  void LeadToCluster(ports::RecordingSpec& spec);
  void LeadToFolders(ports::RecordingSpec& spec) const;
  ports::RecordingSpec SpecOf(unsigned user);
  void Begin(std::unique_ptr<ports::SealedLog> log);
  void Await(ports::RecordedSession& recorded);
  bool Close(const std::optional<RecordingFacts>& recorded);
  void TellPerson();
  std::string WhyItEnds();

  SessionHost& host_;
  const Admitted& admitted_;
  const int socket_;             // of the person's terminal
  const std::string id_, name_;  // the name of its files, without what tells them apart
  const std::string folder_;     // of its sockets
  const std::chrono::milliseconds left_;
  std::unique_ptr<ports::Session> database_;
  Store store_;  // on the session of its beginning
  ports::TimePoint look_again_{};
  std::unique_ptr<ports::ClusterAccess> cluster_;  // of a scope in one
  std::unique_ptr<Witness> witness_;
  std::unique_ptr<ports::SessionProxy> proxy_;  // none: there is no server; goes before its witness
  std::string why_;
  std::string refusal_;  // what its person is told when it could not begin
  ports::RecordingReport report_;
  bool revoked_ = false, told_ = false;
  std::optional<RecordingFacts> stated_;  // of the file of statements, once it is whole
};

bool SessionHost::Session::IsActive() {
  const auto request = store_.Look(admitted_.request.id);
  return request && request->state == RequestState::kActive && request->seconds_left > 0;
}

/// As who the request makes of its person.
void SessionHost::Session::LeadToDatabase(ports::RecordingSpec& spec) {
  const Place& place = *admitted_.place;
  const std::string& request = admitted_.request.id;
  const base::Secret password = host_.PasswordOf(*database_, place, request);
  const std::string login = sql::Roles(place.RolePrefix()).TemporaryLogin(request);
  const ports::ProxySpec proxied{host_.effects_.endpoints.As(place.container, login, password, "access " + request),
                                 folder_, spec.user, left_};
  proxy_ = host_.parts_.proxies.Start(proxied, *witness_);
  spec.reachable = {folder_};
  const DatabaseDoor door{folder_, login, proxied.target.database};
  if (admitted_.program == SessionProgram::kSql)
    RunPsql(spec, door, admitted_.terminal.piped);
  else
    FindDatabase(spec, door);
}

/// The credential is the proxy's, which is there once the session is.
void SessionHost::Session::LeadToCluster(ports::RecordingSpec& spec) {
  cluster_ = host_.effects_.cluster();
  cluster_->Open(GrantOf(admitted_.request, admitted_.scope));
  // Its end may have come in between, and who takes away what is over been here before.
  if (!IsActive()) {
    cluster_->Close(admitted_.scope.object, admitted_.request.id);
    throw base::Error("session", "its time is over");
  }
  const std::string kubeconfig = folder_ + "/kubeconfig";
  host_.parts_.files.MakeFolder(folder_, 0711);
  host_.parts_.files.WriteAtomically(kubeconfig, FindCluster(spec, kubeconfig, admitted_.scope.object), false);
  spec.readable = {folder_};
}

void SessionHost::Session::LeadToFolders(ports::RecordingSpec& spec) const {
  for (const std::string& folder : admitted_.scope.folders)
    if (LiesIn(folder, host_.parts_.data) || LiesIn(host_.parts_.data, folder))
      throw base::Error("session", "a folder of the scope holds what Yellow keeps: " + folder)
          .Remedy("name in the model those that are needed below it");
  spec.readable = admitted_.scope.folders;
  spec.sockets = false;
}

ports::RecordingSpec SessionHost::Session::SpecOf(unsigned user) {
  const Content& content = admitted_.request.content;
  ports::RecordingSpec spec;
  spec.user = user;
  spec.recipients = admitted_.recipients;
  spec.path = InData(name_ + kRecordingEnd);
  spec.title = fmt::format("{} {} {}", content.person, content.scope, admitted_.request.id);
  spec.longest = left_;
  PrepareTerminal(spec, admitted_.terminal);
  if (admitted_.program == SessionProgram::kShell) RunShell(spec, content.scope, admitted_.terminal.piped);
  if (IsOfDatabase(admitted_.scope.kind)) LeadToDatabase(spec);
  if (admitted_.scope.kind == model::ScopeKind::kKubernetes) LeadToCluster(spec);
  if (admitted_.scope.kind == model::ScopeKind::kShell) LeadToFolders(spec);
  return spec;
}

/// Why it has to end now; empty: it may go on.
std::string SessionHost::Session::WhyItEnds() {
  if (host_.stop_) return "the service is being stopped";
  const ports::TimePoint now = host_.effects_.clock.Now();
  if (now >= look_again_) {
    look_again_ = now + kLookAtState;
    const auto request = store_.Look(admitted_.request.id);
    if (!request || request->state != RequestState::kActive || request->seconds_left <= 0) {
      revoked_ = request && request->revoked;
      return request && !request->end_reason.empty() ? request->end_reason : "its time is over";
    }
  }
  return proxy_ == nullptr ? "" : proxy_->Ended().value_or("");
}

void SessionHost::Session::Await(ports::RecordedSession& recorded) {
  for (bool cancelled = false;;) {
    if (const auto report = recorded.Poll()) {
      report_ = *report;
      if (report_.end == ports::RecordingEnd::kEnded && report_.status != 0) {
        // A program that loses its database ends before it is cancelled, or before it is seen why.
        if (why_.empty()) look_again_ = {}, why_ = WhyItEnds();
        if (!why_.empty()) report_.end = ports::RecordingEnd::kCancelled;
      }
      return;
    }
    if (why_.empty()) why_ = WhyItEnds();
    if (!why_.empty() && !std::exchange(cancelled, true)) {
      if (proxy_ != nullptr) proxy_->End(why_);
      recorded.Cancel();
    }
    host_.effects_.clock.Sleep(kLook);
  }
}

void SessionHost::Session::Begin(std::unique_ptr<ports::SealedLog> log) {
  FlagRules rules;
  rules.many_rows = kManyRows;
  const auto& relations = admitted_.place->relations;
  if (const auto known = relations.find(admitted_.request.content.scope); known != relations.end())
    rules.scope = known->second;
  witness_ =
      std::make_unique<Witness>(std::move(log), Open("statements"), id_, std::move(rules), admitted_.scope.object);
  const auto recorded = host_.parts_.recorder.Start(SpecOf(host_.parts_.recorder.ChooseUser()), socket_);
  if (cluster_ != nullptr) {
    const int listener = recorded->TakeListener();
    if (listener < 0) throw base::Error("session", "nothing listens for the session's calls").Retryable();
    proxy_ = cluster_->Start(GrantOf(admitted_.request, admitted_.scope), listener, left_, *witness_);
  }
  Await(*recorded);
  if (proxy_ != nullptr) proxy_->End("the session has ended");
  stated_ = witness_->Finish();
}

/// How it has ended, once.
void SessionHost::Session::TellPerson() {
  if (std::exchange(told_, true)) return;
  if (!refusal_.empty()) return host_.parts_.recorder.Refuse(socket_, refusal_);
  ports::RecordingReport report = report_;
  if (report.end == ports::RecordingEnd::kCancelled) report.why = revoked_ ? "revoked: " + why_ : why_;
  host_.parts_.recorder.Farewell(socket_, report);
}

/// Its end is recorded as soon as the database takes it, and then its person is let go; who cannot be waited for with
/// what is away is let go before. False when the service is stopped before, and the next one
/// that looks does it.
bool SessionHost::Session::Close(const std::optional<RecordingFacts>& recorded) {
  for (;;) {
    try {
      Store(*database_, admitted_.place->container).SessionEnded(id_, why_, recorded, stated_);
      TellPerson();
      return true;
    } catch (const base::Error&) {
      TellPerson();
      if (host_.stop_) return false;
    }
    host_.effects_.clock.Sleep(kCloseAgain);
    try {
      database_ = OpenRecords();
    } catch (const base::Error&) {  // it is away still
    }
  }
}

void SessionHost::Session::Run() {
  const Parts& parts = host_.parts_;
  const std::string& request = admitted_.request.id;
  parts.files.MakeFolder(InData("recordings"), 0700);
  const std::string recording = name_ + kRecordingEnd, statements = InData(StatementsOf(recording));
  store_.SessionBegan(id_, request, recording, host_.effects_.holder);
  try {
    Begin(parts.recorder.OpenLog(statements, admitted_.recipients));
  } catch (const base::Error& error) {
    why_ = error.what();
    refusal_ = base::Describe(error);
  }
  proxy_.reset();
  witness_.reset();
  parts.files.RemoveTree(folder_);
  if (why_.empty()) why_ = std::string(ports::WordOf(report_.end)) + (report_.why.empty() ? "" : ": " + report_.why);
  // What did not come to its end is bound as far as it goes.
  std::optional<RecordingFacts> recorded{{report_.bytes, report_.digest}};
  if (report_.digest.empty()) recorded = FactsOf(parts.files, InData(recording));
  if (!stated_) stated_ = FactsOf(parts.files, statements);
  if (!Close(recorded)) return;
  const auto now = Store(*database_, admitted_.place->container).Look(request);
  if (!now || now->state != RequestState::kActive) host_.ForgetPassword(request);
}

void SessionHost::Run(const Admitted& admitted, int socket) {
  try {
    Session(*this, admitted, socket).Run();
  } catch (const base::Error& error) {
    effects_.report("a session under request " + admitted.request.id + " has failed: " + base::Describe(error));
    parts_.recorder.Refuse(socket, error.what());
  }
}

}  // namespace yellow::access
