#include "adapters/faults/wrappers.h"

#include "base/error.h"
#include "sql/effect.h"

namespace yellow::adapters::faults {
namespace {

using ports::Fate;
using ports::Faults;

base::Error Injected(const std::string& effect) {
  return base::Error("fault", "a fault was put in the way of: " + effect).Retryable();
}

/// An effect outside a database: it has no answer that could be lost on its way, so losing it is failing after it.
template <typename Act>
auto Pass(Faults& faults, const std::string& effect, Act act) {
  const Fate fate = faults.Before(effect);
  if (fate == Fate::kFails) throw Injected(effect);
  struct Ending {
    Faults& faults;
    const std::string& effect;
    const Fate fate;
    void Done() const {
      faults.After(effect);
      if (fate == Fate::kAnswerIsLost) throw Injected(effect);
    }
  } const ending{faults, effect, fate};
  if constexpr (std::is_void_v<decltype(act())>) {
    act();
    ending.Done();
  } else {
    auto result = act();
    ending.Done();
    return result;
  }
}

class FaultySession : public ports::Session {
  ports::Session& Inner() {
    if (!inner_) throw base::Error("connection_lost", "the connection was lost").Retryable();
    return *inner_;
  }

  template <typename Do>
  auto Act(const std::string& effect, bool durable, bool commit, Do act) {
    if (effect.empty()) return act();
    const Fate fate = faults_.Before(effect);
    if (fate == Fate::kFails) throw Injected(effect);
    auto result = act();
    if (fate == Fate::kAnswerIsLost) {
      inner_.reset();
      throw base::Error("connection_lost", "the answer was lost to: " + effect).Retryable().OutcomeUnknown(commit);
    }
    if (durable) faults_.After(effect);
    return result;
  }

 public:
  FaultySession(std::unique_ptr<ports::Session> inner, std::string name, Faults& faults)
      : inner_(std::move(inner)), name_(std::move(name)), faults_(faults) {}

  ports::Rows Execute(const sql::Statement& statement) override {
    if (statement.text.starts_with("BEGIN")) {
      transaction_ = std::string(sql::NameIn(statement.text)) + ".";
      in_transaction_ = true;
      read_only_ = statement.text.find("READ ONLY") != std::string::npos;
      if (transaction_ == ".") transaction_.clear();
    }
    std::string effect = sql::EffectOf(statement.text);
    const bool ends = effect == "commit" || statement.text.starts_with("ROLLBACK");
    if (effect == "commit" && read_only_) effect.clear();
    const std::string name = effect.empty() ? "" : name_ + "." + transaction_ + effect;
    const bool durable = effect == "commit" || !in_transaction_;
    if (ends) in_transaction_ = false, transaction_.clear();
    return Act(name, durable, effect == "commit", [&] { return Inner().Execute(statement); });
  }

  void ExecuteScript(std::string_view script) override {
    Act(name_ + "." + transaction_ + "script", !in_transaction_, false, [&] {
      Inner().ExecuteScript(script);
      return 0;
    });
  }

  int64_t CopyFrom(ports::Session& from, std::string_view copy_out, std::string_view copy_in,
                   const ports::CopyProgress& progress) override {
    return Act(name_ + "." + transaction_ + sql::EffectOf(copy_in), !in_transaction_, false, [&] {
      return Inner().CopyFrom(dynamic_cast<FaultySession&>(from).Inner(), copy_out, copy_in, progress);
    });
  }

  int backend_pid() const override { return inner_ ? inner_->backend_pid() : 0; }
  int server_version() const override { return inner_ ? inner_->server_version() : 0; }
  bool in_transaction() const override { return !inner_ || inner_->in_transaction(); }
  bool Await(std::chrono::milliseconds most) override { return Inner().Await(most); }
  void Cancel() override {
    if (inner_) inner_->Cancel();
  }

 private:
  std::unique_ptr<ports::Session> inner_;
  const std::string name_;
  Faults& faults_;
  std::string transaction_;
  bool in_transaction_ = false, read_only_ = false;
};

class FaultyConnector : public ports::Connector {
 public:
  FaultyConnector(ports::Connector& inner, Faults& faults) : inner_(inner), faults_(faults) {}

  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget& target) override {
    std::string name = target.application_name;
    if (name.starts_with("yellow ")) name = name.substr(7);
    name = name.substr(0, name.find(' '));
    return Pass(faults_, name + ".connect", [&]() -> std::unique_ptr<ports::Session> {
      return std::make_unique<FaultySession>(inner_.Open(target), name, faults_);
    });
  }

  void Keep(const ports::ConnectionTarget& target, int count, std::string_view warm_up) override {
    inner_.Keep(target, count, warm_up);
  }
  std::string ScramVerifier(const base::Secret& password) override { return inner_.ScramVerifier(password); }

 private:
  ports::Connector& inner_;
  Faults& faults_;
};

class FaultyFiles : public ports::FileSystem {
 public:
  FaultyFiles(ports::FileSystem& inner, Faults& faults) : inner_(inner), faults_(faults) {}

  std::map<std::string, std::string> ReadTree(const std::string& root, const std::string& folder) override {
    return inner_.ReadTree(root, folder);
  }
  std::optional<std::string> Read(const std::string& path) override { return inner_.Read(path); }
  std::optional<std::string> ReadPart(const std::string& path, int64_t offset, size_t most) override {
    return inner_.ReadPart(path, offset, most);
  }
  bool Exists(const std::string& path) override { return inner_.Exists(path); }
  std::optional<ports::DiskSpace> Space(const std::string& path) override { return inner_.Space(path); }
  std::string ReadTail(const std::string& path, size_t bytes) override { return inner_.ReadTail(path, bytes); }
  std::vector<std::string> FoldersIn(const std::string& path) override { return inner_.FoldersIn(path); }
  void WriteAtomically(const std::string& path, const std::string& content, bool secret) override {
    Pass(faults_, "file.write", [&] { inner_.WriteAtomically(path, content, secret); });
  }
  void Fill(const std::string& path, const std::string& content) override {
    Pass(faults_, "file.fill", [&] { inner_.Fill(path, content); });
  }
  void WritePrivateTree(const std::string& folder, const std::map<std::string, std::string>& files) override {
    Pass(faults_, "file.write_tree", [&] { inner_.WritePrivateTree(folder, files); });
  }
  void Link(const std::string& path, const std::string& target) override {
    Pass(faults_, "file.link", [&] { inner_.Link(path, target); });
  }
  void MakeFolder(const std::string& path, unsigned mode) override {
    Pass(faults_, "file.make_folder", [&] { inner_.MakeFolder(path, mode); });
  }
  void GiveTo(const std::string& path, unsigned uid, unsigned gid) override {
    Pass(faults_, "file.give", [&] { inner_.GiveTo(path, uid, gid); });
  }
  void RemoveTree(const std::string& path) override {
    Pass(faults_, "file.remove", [&] { inner_.RemoveTree(path); });
  }

 private:
  ports::FileSystem& inner_;
  Faults& faults_;
};

class FaultyProcess : public ports::Process {
 public:
  FaultyProcess(std::unique_ptr<ports::Process> inner, Faults& faults) : inner_(std::move(inner)), faults_(faults) {}
  std::optional<ports::ProcessExit> Poll() override { return inner_->Poll(); }
  void Terminate() override {
    Pass(faults_, "process.end", [&] { inner_->Terminate(); });
  }

 private:
  std::unique_ptr<ports::Process> inner_;
  Faults& faults_;
};

class FaultyWorkplace : public ports::Workplace {
 public:
  FaultyWorkplace(std::unique_ptr<ports::Workplace> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}
  const std::string& folder() const override { return inner_->folder(); }
  bool MayUse(const std::string& path) override { return inner_->MayUse(path); }
  std::unique_ptr<ports::Process> Start(const ports::ProcessSpec& spec) override {
    return Pass(faults_, "process.start", [&]() -> std::unique_ptr<ports::Process> {
      return std::make_unique<FaultyProcess>(inner_->Start(spec), faults_);
    });
  }

 private:
  std::unique_ptr<ports::Workplace> inner_;
  Faults& faults_;
};

class FaultyLauncher : public ports::ProcessLauncher {
 public:
  FaultyLauncher(ports::ProcessLauncher& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  std::unique_ptr<ports::Workplace> MakeWorkplace(const std::string& data, const std::string& name) override {
    return Pass(faults_, "process.prepare", [&]() -> std::unique_ptr<ports::Workplace> {
      return std::make_unique<FaultyWorkplace>(inner_.MakeWorkplace(data, name), faults_);
    });
  }
  void CleanUp(const std::string& data) override {
    Pass(faults_, "process.clean", [&] { inner_.CleanUp(data); });
  }
  std::string WhyNoUser() override { return inner_.WhyNoUser(); }
  bool MayBeAlive(const std::string& holder) override { return inner_.MayBeAlive(holder); }

 private:
  ports::ProcessLauncher& inner_;
  Faults& faults_;
};

class FaultyEngine : public ports::ContainerEngine {
 public:
  FaultyEngine(std::unique_ptr<ports::ContainerEngine> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}
  ports::EngineInfo Describe() override { return inner_->Describe(); }
  void Fetch(const std::string& image, const ports::CredentialValue* login,
             const std::function<bool()>& go_on) override {
    Pass(faults_, "container.fetch", [&] { inner_->Fetch(image, login, go_on); });
  }
  bool Start(const ports::ContainerSpec& spec) override {
    return Pass(faults_, "container.start", [&] { return inner_->Start(spec); });
  }
  std::optional<ports::ContainerState> Find(const std::string& name) override { return inner_->Find(name); }
  std::optional<std::map<std::string, std::string>> EnvironmentOf(const std::string& name) override {
    return inner_->EnvironmentOf(name);
  }
  std::unique_ptr<ports::ContainerFollower> Follow(const std::string& name, const std::string& path,
                                                   int64_t limit) override {
    return inner_->Follow(name, path, limit);
  }
  void Stop(const std::string& name) override {
    Pass(faults_, "container.stop", [&] { inner_->Stop(name); });
  }
  void Remove(const std::string& name, const std::string& id) override {
    Pass(faults_, "container.remove", [&] { inner_->Remove(name, id); });
  }
  std::vector<ports::FoundContainer> List(const std::string& label) override { return inner_->List(label); }

 private:
  std::unique_ptr<ports::ContainerEngine> inner_;
  Faults& faults_;
};

class FaultyEngines : public ports::ContainerEngines {
 public:
  FaultyEngines(ports::ContainerEngines& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  std::unique_ptr<ports::ContainerEngine> Of(const model::Environment& environment) override {
    return std::make_unique<FaultyEngine>(inner_.Of(environment), faults_);
  }

 private:
  ports::ContainerEngines& inner_;
  Faults& faults_;
};

class FaultyPrograms : public ports::ServerPrograms {
 public:
  FaultyPrograms(ports::ServerPrograms& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  ports::ProgramResult Run(const std::string& name, const std::vector<std::string>& arguments, unsigned uid,
                           unsigned gid, int inherited) override {
    return Pass(faults_, "server." + name, [&] { return inner_.Run(name, arguments, uid, gid, inherited); });
  }

 private:
  ports::ServerPrograms& inner_;
  Faults& faults_;
};

class FaultyWebhook : public ports::Webhook {
 public:
  FaultyWebhook(ports::Webhook& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  int Post(const ports::WebhookMessage& message, const std::function<bool()>& go_on) override {
    return Pass(faults_, "webhook.post", [&] { return inner_.Post(message, go_on); });
  }

 private:
  ports::Webhook& inner_;
  Faults& faults_;
};

class FaultyMailer : public ports::Mailer {
 public:
  FaultyMailer(ports::Mailer& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  int Send(const ports::MailMessage& message, const std::function<bool()>& go_on) override {
    return Pass(faults_, "mail.send", [&] { return inner_.Send(message, go_on); });
  }

 private:
  ports::Mailer& inner_;
  Faults& faults_;
};

class FaultySealedLog : public ports::SealedLog {
 public:
  FaultySealedLog(std::unique_ptr<ports::SealedLog> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}
  void Add(std::string_view line) override {
    Pass(faults_, "sealed.add", [&] { inner_->Add(line); });
  }
  ports::SealedFacts Finish() override {
    return Pass(faults_, "sealed.finish", [&] { return inner_->Finish(); });
  }

 private:
  std::unique_ptr<ports::SealedLog> inner_;
  Faults& faults_;
};

class FaultyRecorder : public ports::Recorder {
 public:
  FaultyRecorder(ports::Recorder& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  unsigned ChooseUser() override { return inner_.ChooseUser(); }
  std::unique_ptr<ports::SealedLog> OpenLog(const std::string& path,
                                            const std::vector<std::string>& recipients) override {
    return Pass(faults_, "sealed.open", [&]() -> std::unique_ptr<ports::SealedLog> {
      return std::make_unique<FaultySealedLog>(inner_.OpenLog(path, recipients), faults_);
    });
  }
  void Refuse(int terminal, const std::string& why) override { inner_.Refuse(terminal, why); }
  void Farewell(int terminal, const ports::RecordingReport& report) override { inner_.Farewell(terminal, report); }
  std::unique_ptr<ports::RecordedSession> Start(const ports::RecordingSpec& spec, int terminal) override {
    return Pass(faults_, "recorder.start", [&] { return inner_.Start(spec, terminal); });
  }

 private:
  ports::Recorder& inner_;
  Faults& faults_;
};

class FaultyProxy : public ports::SessionProxy {
 public:
  FaultyProxy(std::unique_ptr<ports::SessionProxy> inner, Faults& faults) : inner_(std::move(inner)), faults_(faults) {}
  void End(const std::string& reason) override {
    Pass(faults_, "proxy.end", [&] { inner_->End(reason); });
  }
  std::optional<std::string> Ended() override { return inner_->Ended(); }

 private:
  std::unique_ptr<ports::SessionProxy> inner_;
  Faults& faults_;
};

class FaultyProxies : public ports::SessionProxies {
 public:
  FaultyProxies(ports::SessionProxies& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  std::unique_ptr<ports::SessionProxy> Start(const ports::ProxySpec& spec, ports::WireSink& sink) override {
    return Pass(faults_, "proxy.start", [&]() -> std::unique_ptr<ports::SessionProxy> {
      return std::make_unique<FaultyProxy>(inner_.Start(spec, sink), faults_);
    });
  }

 private:
  ports::SessionProxies& inner_;
  Faults& faults_;
};

class FaultyTickets : public ports::Tickets {
 public:
  FaultyTickets(ports::Tickets& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  std::optional<ports::Ticket> Find(const model::Environment& environment, const std::string& name) override {
    return Pass(faults_, "ticket.find", [&] { return inner_.Find(environment, name); });
  }

 private:
  ports::Tickets& inner_;
  Faults& faults_;
};

class FaultyAuditLog : public ports::AuditLog {
 public:
  FaultyAuditLog(ports::AuditLog& inner, Faults& faults) : inner_(inner), faults_(faults) {}
  std::unique_ptr<Lock> TryLock(const std::string& folder) override { return inner_.TryLock(folder); }
  std::vector<int> Segments(const std::string& folder) override { return inner_.Segments(folder); }
  std::string Read(const std::string& folder, int segment) override { return inner_.Read(folder, segment); }
  uint64_t Size(const std::string& folder, int segment) override { return inner_.Size(folder, segment); }
  void Append(const std::string& folder, int segment, std::string_view lines) override {
    Pass(faults_, "audit.append", [&] { inner_.Append(folder, segment, lines); });
  }
  void SetAside(const std::string& folder, int segment, uint64_t size, const std::string& name) override {
    Pass(faults_, "audit.set_aside", [&] { inner_.SetAside(folder, segment, size, name); });
  }
  void Note(const model::AnchorTarget& target, const std::string& project, const std::string& line) override {
    Pass(faults_, "audit.anchor", [&] { inner_.Note(target, project, line); });
  }
  std::string ReadNotes(const model::AnchorTarget& target, const std::string& project) override {
    return inner_.ReadNotes(target, project);
  }

 private:
  ports::AuditLog& inner_;
  Faults& faults_;
};

}  // namespace

std::unique_ptr<ports::Connector> Wrap(ports::Connector& connector, ports::Faults& faults) {
  return std::make_unique<FaultyConnector>(connector, faults);
}
std::unique_ptr<ports::FileSystem> Wrap(ports::FileSystem& files, ports::Faults& faults) {
  return std::make_unique<FaultyFiles>(files, faults);
}
std::unique_ptr<ports::ProcessLauncher> Wrap(ports::ProcessLauncher& processes, ports::Faults& faults) {
  return std::make_unique<FaultyLauncher>(processes, faults);
}
std::unique_ptr<ports::ContainerEngines> Wrap(ports::ContainerEngines& engines, Faults& faults) {
  return std::make_unique<FaultyEngines>(engines, faults);
}

std::unique_ptr<ports::ServerPrograms> Wrap(ports::ServerPrograms& programs, ports::Faults& faults) {
  return std::make_unique<FaultyPrograms>(programs, faults);
}
std::unique_ptr<ports::Webhook> Wrap(ports::Webhook& webhook, ports::Faults& faults) {
  return std::make_unique<FaultyWebhook>(webhook, faults);
}
std::unique_ptr<ports::Mailer> Wrap(ports::Mailer& mailer, ports::Faults& faults) {
  return std::make_unique<FaultyMailer>(mailer, faults);
}
std::unique_ptr<ports::AuditLog> Wrap(ports::AuditLog& log, ports::Faults& faults) {
  return std::make_unique<FaultyAuditLog>(log, faults);
}
std::unique_ptr<ports::Recorder> Wrap(ports::Recorder& recorder, ports::Faults& faults) {
  return std::make_unique<FaultyRecorder>(recorder, faults);
}
std::unique_ptr<ports::SessionProxies> Wrap(ports::SessionProxies& proxies, ports::Faults& faults) {
  return std::make_unique<FaultyProxies>(proxies, faults);
}
std::unique_ptr<ports::Tickets> Wrap(ports::Tickets& tickets, ports::Faults& faults) {
  return std::make_unique<FaultyTickets>(tickets, faults);
}
ports::Foreground Wrap(ports::Foreground foreground, ports::Faults& faults) {
  return [foreground = std::move(foreground), &faults](const auto& command, const auto& variables) {
    return Pass(faults, "foreground." + command.at(0), [&] { return foreground(command, variables); });
  };
}

}  // namespace yellow::adapters::faults
