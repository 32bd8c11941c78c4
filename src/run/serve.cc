#include "run/serve.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/error.h"
#include "run/audit.h"
#include "run/execute_container.h"
#include "run/jobs.h"
#include "run/next_run.h"
#include "run/notice_delivery.h"
#include "run/operations.h"
#include "run/patience.h"
#include "run/retention.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/space.h"
#include "run/tick.h"
#include "run/trust.h"
#include "run/try_runner.h"
#include "run/verdicts.h"
#include "run/witness.h"
#include "run/world.h"

namespace yellow::run {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{2000};     // how long a commit of somebody else may stay unseen without a notification
constexpr milliseconds kStopLook{200};  // how long a request to stop may
constexpr milliseconds kHeadStart{30};  // in which what was started has the processors to itself
constexpr int kBatchConnections = 2;    // session and lease
constexpr int kRunConnections = 5;      // engine, output, lease, keeper, and first the login's, then the code's
// Of an operation: its own session, engine, output and lease.
constexpr int kOperationConnections = 4;
// What a batch and the run that follows it at once open: session and lease, then engine, lease, login and keeper; and
// output.
constexpr int kSpareEngines = 6, kSpareOutputs = 1;
// A session's first use of a table or a function takes as long as to connect.
constexpr const char* kWarmEngine =
    "SELECT yellow_sec.backends_end('{}'); SELECT FROM yellow.stream, yellow.transformer, yellow.run, yellow.claim, "
    "yellow.cursor, yellow.batch WHERE false";
constexpr const char* kWarmOutput =
    "DO 'BEGIN END'; SELECT FROM yellow.batch, yellow.batch_dataset, yellow.cursor, yellow.run, yellow.change_log "
    "WHERE false";
constexpr std::chrono::hours kForgetEvery{1};
constexpr std::chrono::hours kPatience{24 * 365};
constexpr milliseconds kPauseAfterFailure{1000};
constexpr const char* kSpaceJob = "Space";
constexpr int kSpaceConnections = 1;
constexpr std::chrono::seconds kSpaceEvery{10};

/// The jobs under way, each on a thread of its own. Only the serving thread starts and collects them.
class Jobs {
 public:
  /// `others`: nodes on which it works besides. REQUIRES: none of them is under way.
  void Start(const std::string& node, int connections, std::function<bool()> work,
             const std::vector<std::string>& others = {}) {
    Job& job = jobs_[node];
    job.connections = connections;
    job.nodes = {others.begin(), others.end()};
    job.thread = std::thread([this, &job, work = std::move(work)] {
      const bool good = work();
      const std::lock_guard lock(mutex_);
      job.ended = true, job.good = good;
      ended_.notify_all();
    });
  }

  /// Joins those that have ended; says which of them did not do what they were to do.
  std::vector<std::string> Collect() {
    std::vector<std::string> bad;
    for (auto job = jobs_.begin(); job != jobs_.end();) {
      if (!HasEnded(job->second)) {
        ++job;
        continue;
      }
      job->second.thread.join();
      if (!job->second.good) bad.push_back(job->first);
      job = jobs_.erase(job);
    }
    return bad;
  }

  /// Waits for all of them; false when the time is over.
  bool AwaitAll(std::chrono::seconds grace) {
    std::unique_lock lock(mutex_);
    const bool all = ended_.wait_for(lock, grace, [this] {
      for (const auto& [node, job] : jobs_) {
        if (!job.ended) return false;
      }
      return true;
    });
    lock.unlock();
    Collect();
    return all;
  }

  bool UnderWay(const std::string& node) const {
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [&](const auto& job) { return job.first == node || job.second.nodes.count(node) != 0; });
  }
  /// Whether a job that is not the node's own works on it.
  bool TakenByOthers(const std::string& node) const {
    return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& job) { return job.second.nodes.count(node) != 0; });
  }
  size_t size() const { return jobs_.size(); }
  int connections() const {
    int sum = 0;
    for (const auto& [node, job] : jobs_) sum += job.connections;
    return sum;
  }

 private:
  struct Job {
    std::thread thread;
    std::set<std::string> nodes;
    int connections = 0;
    bool ended = false, good = false;
  };

  bool HasEnded(const Job& job) {
    const std::lock_guard lock(mutex_);
    return job.ended;
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::string, Job> jobs_;  // its nodes stay where they are
};

class Scheduler {
 public:
  Scheduler(const Effects& effects, const Actor& actor, const std::string& container, const ServeHooks& hooks,
            const ServeOptions& options, ports::Stop& stop, ports::Watch& watch)
      : effects_(effects),
        actor_(actor),
        container_(container),
        hooks_(hooks),
        options_(options),
        stop_(stop),
        watch_(watch),
        patience_(effects.clock, effects.entropy, kPatience),
        delivery_(effects, container) {}

  bool Run() {
    while (!stop_.Asked()) {
      try {
        if (engine_ == nullptr) Open();
        TakeUpModel();
        const ports::TimePoint wake_at = StartWhatIsDue();
        patience_.Renew();
        watch_.Beat(container_);
        if (effects_.clock.Now() >= forget_at_) {
          ForgetOld(effects_, *engine_, *applied_);
          RemoveOrphanContainers(effects_, *engine_, *applied_);  // what could not be removed when its run ended
          forget_at_ = effects_.clock.Now() + kForgetEvery;
        }
        Wait(wake_at);
      } catch (const base::Error& error) {
        engine_.reset();
        watch_.NotReady(container_);
        // A database that was there may be away to be restored.
        const bool passes = error.retryable || (applied_ != nullptr && error.code == "connect");
        if (!passes || !Again(effects_, patience_, container_, error)) {
          if (!AwaitJobs()) return false;
          throw;
        }
      }
      Collect();
    }
    if (jobs_.size() > 0)
      effects_.reporter.Line("Asked to stop; " + std::to_string(jobs_.size()) + " jobs under way may end first");
    if (!AwaitJobs()) return false;
    DropLoginAhead();
    RecordEnd();
    return true;
  }

 private:
  void Open() {
    hooks_.revive();
    engine_ = effects_.connector.Open(effects_.endpoints.Service(container_, ports::ServiceRole::kEngine, "serve"));
    engine_->Execute("LISTEN yellow");
  }

  /// Jobs end on the model with which they began, so a newer one waits for them; nothing new begins meanwhile.
  void TakeUpModel() {
    const int64_t newest = engine_->Execute("SELECT coalesce(max(version), 0) FROM yellow.model").Integer(0, 0);
    if (applied_ && applied_->version == newest) return;
    newer_model_ = jobs_.size() > 0;
    if (newer_model_) return;
    applied_ = std::make_unique<Applied>(hooks_.compile(*engine_));
    effects_.reporter.Line(container_ + ": serving model version " + std::to_string(applied_->version));
    RecordAudit(*engine_, actor_, std::exchange(started_, true) ? "serve.model" : "serve.started", container_,
                {{"model_version", std::to_string(applied_->version)}, {"process", actor_.holder}});
    for (const auto& [receiver, why] : Unreachable(effects_, ReceiversIn(*applied_)))
      effects_.reporter.Line("notify " + receiver + ": " + why);
    delivery_.Use(ReceiversIn(*applied_));
    if (witness_ == nullptr) witness_ = std::make_unique<Witness>(effects_, container_, applied_->data_folder);
    if (next_run_ == nullptr)
      next_run_ = std::make_unique<NextRun>(effects_, container_, PrefixOf(*applied_), applied_->data_folder);
    effects_.next_run = next_run_.get();
    watched_since_.reset();
    DropOrphanLogins(effects_, *engine_, PrefixOf(*applied_));
    DropAbandonedTries(effects_, *engine_, container_, *applied_);
    effects_.processes.CleanUp(applied_->data_folder);
    RemoveOrphanContainers(effects_, *engine_, *applied_);
  }

  bool AwaitJobs() {
    space_.Stop();
    return jobs_.AwaitAll(options_.grace) && beside_.AwaitAll(options_.grace);
  }

  void DropLoginAhead() {
    try {
      if (next_run_ != nullptr && engine_ != nullptr) next_run_->DropLogin(*engine_);
    } catch (const base::Error&) {  // nobody can use it, and who runs next drops it
    }
  }

  void RecordEnd() {
    try {
      if (started_ && engine_ != nullptr)
        RecordAudit(*engine_, actor_, "serve.stopped", container_, {{"process", actor_.holder}});
    } catch (
        const base::Error&) {  // the database is away: it has ended as in a crash, and the next one's start follows
    }
  }

  /// Returns when to look again at the latest.
  ports::TimePoint StartWhatIsDue() {
    const ports::TimePoint began = effects_.clock.Now();
    if (!EndOverdueRuns(effects_, *engine_, actor_, *applied_).empty())
      DropOrphanLogins(effects_, *engine_, PrefixOf(*applied_));
    const bool tells = !watched_since_ || !ReceiversOf(*applied_).empty();  // at first: of receivers that are gone
    const std::vector<LastingNotice> lasting = tells ? ReadLasting(*engine_) : std::vector<LastingNotice>{};
    View view = ReadWorld(*engine_, *applied_, actor_, effects_.processes);
    if (witness_->Look(*engine_, actor_, view)) view = ReadWorld(*engine_, *applied_, actor_, effects_.processes);
    if (!watched_since_) watched_since_ = view.now;
    SettleNotices(*engine_, *applied_, lasting, view, watched_since_);
    const std::vector<Decision> decisions = Tick(view);
    Show(decisions, effects_.clock.Now() - began);
    ports::TimePoint wake_at = view.now + kLook;
    const auto& environment = applied_->model.environment;
    const bool elsewhere = environment && environment->scheduler == model::SchedulerKind::kAirflow;
    bool started = false;
    const std::set<std::string> taken = StartOperations(view.now);
    GiveSpaceBack(view.now);
    for (const Decision& decision : decisions) {
      if (decision.wake_at) wake_at = std::min(wake_at, std::max(*decision.wake_at, view.now));
      if (decision.action == Action::kWait || elsewhere || newer_model_ || jobs_.UnderWay(decision.node) ||
          taken.count(decision.node) != 0)
        continue;
      if (decision.action == Action::kConsume) {
        ConsumeUnchanged(*engine_, *applied_, decision.node);
        wake_at = view.now;
        continue;
      }
      const auto after = not_before_.find(decision.node);
      if (after != not_before_.end() && after->second > view.now) continue;
      started |= Start(decision);
    }
    if (started) AwaitStarts();
    RecordWhatHolds(decisions);
    KeepSpares(options_.connections - jobs_.connections());
    if (jobs_.size() == 0) PrepareNextRun();
    return effects_.clock.Now() + (wake_at - view.now);
  }

  /// A sentence about a node that an operation works on may quote what the operation removes.
  void RecordWhatHolds(std::vector<Decision> decisions) {
    std::erase_if(decisions, [this](const Decision& decision) { return jobs_.TakenByOthers(decision.node); });
    Record(*engine_, decisions);
  }

  /// What was approved goes before what is due: a run that begins empties what a repair is to take. Returns the nodes
  /// that are left to operations which have to wait.
  std::set<std::string> StartOperations(ports::TimePoint now) {
    std::set<std::string> taken;
    for (const OperationOrder& order : FindOperations(*engine_, effects_, actor_)) {
      space_at_ = {};  // it may owe some when it has ended
      const std::string job = "Operation/" + order.request;
      if (jobs_.UnderWay(job)) {
        RenewOperation(*engine_, actor_, order);
        continue;
      }
      const std::vector<std::string> nodes = NodesOf(*applied_, order);
      const auto after = not_before_.find(job);
      const bool waits =
          newer_model_ || (after != not_before_.end() && after->second > now) ||
          std::any_of(nodes.begin(), nodes.end(), [&](const std::string& node) { return jobs_.UnderWay(node); });
      if (waits || !HasRoomFor(kOperationConnections))
        taken.insert(nodes.begin(), nodes.end());
      else
        Start(job, order, nodes);
    }
    return taken;
  }

  /// What operations owe, also those that a process has done which is gone. Beside the jobs, as it may take long and
  /// has nothing to do with the model.
  void GiveSpaceBack(ports::TimePoint now) {
    beside_.Collect();
    if (now < space_at_ || beside_.UnderWay(kSpaceJob)) return;
    space_at_ = now + kSpaceEvery;
    if (FindOwedSpace(*engine_).empty()) return;
    beside_.Start(kSpaceJob, kSpaceConnections,
                  [this, prefix = PrefixOf(*applied_)] { return space_.GiveBack(effects_, container_, prefix); });
  }

  void Start(const std::string& job, const OperationOrder& order, const std::vector<std::string>& nodes) {
    const auto work = [this, order, applied = applied_.get()] {
      try {
        return CarryOut(effects_, actor_, *applied, container_, order);
      } catch (const base::Error& error) {
        effects_.reporter.Line(order.scope.Text() + " of request " + order.request + ": " + error.what());
        return false;
      }
    };
    jobs_.Start(job, kOperationConnections, work, nodes);
  }

  bool HasRoomFor(int connections) const {
    return static_cast<int>(jobs_.size()) < options_.jobs &&
           jobs_.connections() + beside_.connections() + connections <= options_.connections;
  }

  /// The next run is not to wait until its sessions are connected; within what is left of the limit.
  void KeepSpares(int left) {
    const bool wanted = left >= kSpareEngines + kSpareOutputs && !applied_->physical.transformers.empty();
    if (wanted == spares_) return;
    spares_ = wanted;
    const auto keep = [&](ports::ServiceRole role, int count, const char* warm_up) {
      effects_.connector.Keep(effects_.endpoints.Service(container_, role, "spare"), wanted ? count : 0, warm_up);
    };
    keep(ports::ServiceRole::kEngine, kSpareEngines, kWarmEngine);
    keep(ports::ServiceRole::kIngestOut, kSpareOutputs, kWarmOutput);
    if (wanted) {  // this one is asked the same again and again, too
      Open();
      woken_ = true;
    }
  }

  void PrepareNextRun() {
    if (applied_->physical.transformers.empty()) return;
    next_run_->login.Prepare();
    const auto& workspaces = applied_->model.workspaces;
    if (std::any_of(workspaces.begin(), workspaces.end(), [&](const model::Workspace& workspace) {
          return workspace.transformer && StartsProcess(applied_->model, *workspace.transformer);
        }))
      next_run_->workplace.Prepare();
  }

  void Show(const std::vector<Decision>& decisions, std::chrono::microseconds took) {
    const auto help = std::count_if(decisions.begin(), decisions.end(),
                                    [](const Decision& decision) { return WaitsForHelp(decision.code); });
    const ports::Watch::Labels here{{"container", container_}};
    watch_.Set("yellow_tick_seconds", here, std::chrono::duration<double>(took).count());
    watch_.Set("yellow_nodes_waiting_for_help", here, static_cast<double>(help));
    watch_.Set("yellow_jobs", here, static_cast<double>(jobs_.size()));
    watch_.Set("yellow_model_version", here, applied_->version);
  }

  void Count(const LoopReport& report) {
    for (const auto& [outcome, number] :
         {std::pair("committed", report.batches), {"held", report.held}, {"failed", report.failed}}) {
      watch_.Add("yellow_batches_total", {{"container", container_}, {"outcome", outcome}}, number);
    }
    watch_.Add("yellow_runs_total", {{"container", container_}}, report.runs);
  }

  /// What is left to do here can wait a moment, and would only take the processors from what begins.
  void AwaitStarts() { woken_ = engine_->Await(kHeadStart); }

  /// False when it has to wait for others to end.
  bool Start(const Decision& decision) {
    const int cost = decision.action == Action::kIngest ? kBatchConnections : kRunConnections;
    if (!HasRoomFor(cost)) return false;
    jobs_.Start(decision.node, cost, [this, decision, applied = applied_.get()] {
      try {
        const JobReport done =
            applied->model.environment && applied->model.environment->jobs == model::JobsKind::kKubernetes
                ? WorkInPod(effects_, *applied, decision, options_.pod)
                : Work(effects_, actor_, *applied, decision);
        LoopReport report;
        Add(report, decision, done);
        Count(report);
        return done.state == JobState::kCommitted;
      } catch (const base::Error& error) {
        effects_.reporter.Line(decision.node + ": " + base::Describe(error));
        return false;
      }
    });
    return true;
  }

  /// A job that did not do what it was to do is left alone for a moment: whatever it met is not to be met in a circle.
  void Collect() {
    for (const std::string& node : jobs_.Collect()) not_before_[node] = effects_.clock.Now() + kPauseAfterFailure;
  }

  /// Until something is committed, a job ends, or the time has come.
  void Wait(ports::TimePoint until) {
    if (std::exchange(woken_, false)) return;
    while (!stop_.Asked() && !newer_model_) {
      const auto left = std::chrono::duration_cast<milliseconds>(until - effects_.clock.Now());
      if (left.count() <= 0) return;
      const size_t under_way = jobs_.size();
      if (engine_->Await(std::min(left, kStopLook))) return;
      Collect();
      if (jobs_.size() < under_way) return;
    }
    if (newer_model_) effects_.clock.Sleep(kStopLook);
  }

  Effects effects_;
  std::unique_ptr<NextRun> next_run_;
  std::unique_ptr<Witness> witness_;
  const Actor& actor_;
  const std::string container_;
  const ServeHooks& hooks_;
  const ServeOptions options_;
  ports::Stop& stop_;
  ports::Watch& watch_;
  Patience patience_;
  std::unique_ptr<ports::Session> engine_;
  std::unique_ptr<Applied> applied_;
  bool newer_model_ = false, spares_ = false, started_ = false;
  bool woken_ = false;  // a notification came that nobody has followed yet
  ports::TimePoint forget_at_{};
  std::map<std::string, ports::TimePoint> not_before_;
  std::optional<ports::TimePoint> watched_since_;  // this model, by the database's clock
  DeliveryThread delivery_;
  Jobs jobs_;
  SpaceKeeper space_;
  ports::TimePoint space_at_{};  // when to look again what is owed
  Jobs beside_;
};

}  // namespace

bool Serve(const Effects& effects, const Actor& actor, const std::string& container, const ServeHooks& hooks,
           const ServeOptions& options, ports::Stop& stop, ports::Watch& watch) {
  auto scheduler = std::make_unique<Scheduler>(effects, actor, container, hooks, options, stop, watch);
  if (scheduler->Run()) return true;
  [[maybe_unused]] const Scheduler* left = scheduler.release();  // its jobs go on until the process ends
  return false;
}

}  // namespace yellow::run
