#include "cli/access_service.h"

#include <algorithm>
#include <set>

#include "access/evidence_end.h"
#include "access/log_witness.h"
#include "access/oidc.h"
#include "access/reaper.h"
#include "api/access_api.h"
#include "base/error.h"
#include "cli/audit_place.h"
#include "run/observe.h"

namespace yellow::cli {
namespace {

constexpr std::chrono::milliseconds kLook{1000};
constexpr std::chrono::minutes kIsOver{15};  // longer than anything that is looked at is left alone
constexpr std::chrono::seconds kAskAgain{5};
constexpr std::chrono::minutes kLookAtEvidence{10};

access::Effects EffectsOf(const Program& program, const Project& project, ports::Servers& servers,
                          run::Reporter& reporter,
                          std::function<std::vector<std::shared_ptr<const access::Place>>()> places) {
  return {program.connector,
          servers,
          program.clock,
          program.entropy,
          program.tickets,
          [&reporter](const std::string& line) { reporter.Line(line); },
          program.files,
          project.data,
          program.actor.holder,
          [&program](const std::string& holder) { return program.processes.MayBeAlive(holder); },
          std::move(places),
          [&program, &project] {
            return program.open_cluster(project.loaded.model.environment.value_or(model::Environment{}));
          }};
}

/// The path of a socket has 107 bytes at most.
std::string SocketsOf(const Project& project) {
  constexpr size_t kLongest = 60;
  return project.data.size() <= kLongest ? project.data + "/sessions" : "/tmp";
}

/// The tables and views that a scope opens.
std::set<sql::NamedRelation> RelationsOf(const plan::Physical& physical, const model::Scope& scope) {
  std::set<sql::NamedRelation> relations;
  if (scope.kind == model::ScopeKind::kDtWrite || scope.kind == model::ScopeKind::kDtRead)
    for (const plan::Transformer& transformer : physical.transformers)
      if (transformer.workspace == scope.object)
        for (const sql::TableLayout& table : transformer.outputs) relations.insert({table.schema, table.output_table});
  if (scope.kind == model::ScopeKind::kWsRead)
    for (const plan::PlacedWorkspace& workspace : physical.workspaces)
      if (workspace.workspace == scope.object)
        for (const plan::WorkspaceView& view : workspace.views) relations.insert({workspace.schema, view.name});
  if (scope.kind == model::ScopeKind::kStageRead)
    for (const plan::Stream& stream : physical.streams)
      if (stream.store == scope.object)
        for (const sql::TableLayout& table : stream.tables) {
          relations.insert({table.schema, table.staging_table});
          if (table.sets_aside) relations.insert({table.schema, table.rejected_table});
        }
  return relations;
}

}  // namespace

std::string DefaultSocket(const Project& project) { return project.data + "/access.sock"; }

AccessService::AccessService(const Program& program, const Project& project, ports::Servers& servers,
                             std::vector<std::string> containers, run::Reporter& reporter)
    : program_(program),
      project_(project),
      servers_(servers),
      containers_(std::move(containers)),
      reporter_(reporter),
      desk_(EffectsOf(program, project, servers, reporter, [this] { return Places(); })),
      audit_desk_(
          EffectsOf(program, project, servers, reporter, [this] { return Places(); }), AuditEffectsOf(program, servers),
          [&project](const std::string& container) { return AuditPlaceOf(project, container); },
          [this] {
            const std::lock_guard lock(mutex_);
            return ends_;
          }),
      host_(EffectsOf(program, project, servers, reporter, [this] { return Places(); }),
            {program.recorder, program.proxies, program.files, project.data, SocketsOf(project)}) {
  reaper_ = std::thread([this] { Reap(); });
  witness_ = std::thread([this] { ReadLogs(); });
}

AccessService::~AccessService() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  host_.Stop();
  network_door_.reset();
  door_.reset();
  // What is due is ended as long as anybody is in.
  {
    const std::lock_guard lock(mutex_);
    nobody_is_in_ = true;
  }
  ending_.notify_all();
  reaper_.join();
  witness_.join();
}

void AccessService::Listen(const std::string& socket) {
  // Each session has a socket in a folder of its own there; those of a service that was killed are of no use.
  program_.files.MakeFolder(SocketsOf(project_), 0711);
  auto door = program_.open_door();
  door->Listen(socket,
               [this](const ports::DoorCall& call) { return api::AnswerAccess(desk_, audit_desk_, host_, call); });
  door_ = std::move(door);
}

void AccessService::Listen(const model::AccessListener& listener) {
  auto door = program_.open_network_door();
  const api::TokenReader who = [this, listener](const std::string& token) {
    return access::IdentityOfToken(listener, program_.token_keys, DatabaseNow(), token);
  };
  door->Listen(listener.listen, [this, who](const ports::DoorCall& call) {
    return api::AnswerAccessByToken(desk_, audit_desk_, who, call);
  });
  network_door_ = std::move(door);
}

ports::TimePoint AccessService::DatabaseNow() {
  const ports::TimePoint here = program_.clock.Now();
  {
    const std::lock_guard lock(mutex_);
    if (here >= asked_at_ && here - asked_at_ < kAskAgain) return here + ahead_;
  }
  const auto session =
      program_.connector.Open(servers_.Service(containers_.front(), ports::ServiceRole::kAccess, "access"));
  const ports::Rows now = session->Execute("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint");
  const ports::TimePoint there(std::chrono::seconds(now.Integer(0, 0)));
  const std::lock_guard lock(mutex_);
  asked_at_ = here, ahead_ = there - here;
  return there;
}

/// As it is applied now: who was made a senior, or is none any more, is known at once.
std::shared_ptr<const access::Place> AccessService::PlaceOf(const std::string& container) {
  const auto session = program_.connector.Open(servers_.Service(container, ports::ServiceRole::kEngine, "access"));
  const int version = run::NewestVersion(*session);
  {
    const std::lock_guard lock(mutex_);
    if (const Known& known = known_[container]; known.place != nullptr && known.version == version) return known.place;
  }
  const auto stored = run::LoadApplied(*session);
  if (!stored) throw base::Error("not_applied", "no model was applied yet to " + container);
  run::Applied applied = CompileStored(project_, container, *stored);
  auto place = std::make_shared<access::Place>();
  place->container = container;
  for (const plan::PlacedWorkspace& workspace : applied.physical.workspaces)
    place->workspaces.insert(workspace.workspace);
  for (const plan::Stream& stream : applied.physical.streams) place->stores.insert(stream.store);
  for (const model::Scope& scope : applied.model.scopes)
    place->relations[scope.Text()] = RelationsOf(applied.physical, scope);
  place->model = std::move(applied.model);
  const std::lock_guard lock(mutex_);
  known_[container] = {stored->version, place};
  return place;
}

std::vector<std::shared_ptr<const access::Place>> AccessService::Places() {
  std::vector<std::shared_ptr<const access::Place>> places;
  for (const std::string& container : containers_) places.push_back(PlaceOf(container));
  return places;
}

std::vector<std::string> AccessService::EndOldEvidence() {
  std::vector<std::string> in_the_way;
  try {
    const access::Effects effects = EffectsOf(program_, project_, servers_, reporter_, {});
    for (const auto& place : Places())
      for (std::string& line : access::EndEvidence(effects, *place)) in_the_way.push_back(std::move(line));
  } catch (const base::Error& error) {
    in_the_way.push_back(std::string("old recordings stay for now: ") + error.what());
  }
  return in_the_way;
}

void AccessService::Reap() {
  const auto& environment = project_.loaded.model.environment;
  access::Reaper reaper(EffectsOf(program_, project_, servers_, reporter_, {}), containers_,
                        environment ? environment->role_prefix : "yellow");
  ports::TimePoint look_at_evidence{};
  Watch([&] {
    std::vector<std::string> in_the_way = reaper.Look();
    if (const ports::TimePoint now = program_.clock.Now(); now >= look_at_evidence) {
      look_at_evidence = now + kLookAtEvidence;
      for (std::string& line : EndOldEvidence()) in_the_way.push_back(std::move(line));
    }
    return in_the_way;
  });
}

void AccessService::ReadLogs() {
  const auto& environment = project_.loaded.model.environment;
  access::LogWitness witness({program_.connector, servers_, program_.clock, program_.server_log},
                             environment ? environment->role_prefix : "yellow",
                             WitnessPlacesOf(project_, servers_, containers_));
  Watch([&] { return witness.Look(); });
}

/// What is in the way is told when it begins to be: once, however often it is met, and whatever it says of why.
void AccessService::Watch(const std::function<std::vector<std::string>()>& look) {
  std::map<std::string, ports::TimePoint> met;
  for (;;) {
    const std::vector<std::string> in_the_way = look();
    const ports::TimePoint now = program_.clock.Now();
    for (const std::string& line : in_the_way) {
      const std::string what = line.substr(0, line.find(": "));
      if (!met.contains(what)) reporter_.Line(line);
      met[what] = now;
    }
    std::erase_if(met, [&](const auto& one) { return now - one.second > kIsOver; });
    std::unique_lock lock(mutex_);
    if (ending_.wait_for(lock, kLook, [this] { return nobody_is_in_; })) return;
  }
}

}  // namespace yellow::cli
