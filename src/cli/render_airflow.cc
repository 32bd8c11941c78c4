#include <algorithm>
#include <map>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/deploy_json.h"
#include "render/airflow.h"
#include "run/tick.h"
#include "run/trust.h"

namespace yellow::cli {
namespace {

std::string AssetOf(const std::string& platform, const model::DatasetAddress& dataset) {
  return "yellow://" + platform + "/" + dataset.store + "/" + dataset.dataset;
}

std::string DagOf(const plan::Stream& stream) {
  return stream.platform + "__" + stream.store + (stream.dataset.empty() ? "" : "__" + stream.dataset) + "__ingest";
}

/// Airflow's weights begin at 1.
int WeightOf(model::Priority priority) { return static_cast<int>(priority) + 1; }

render::AirflowSchedule CronOf(const model::Schedule& schedule) {
  return {render::AirflowSchedule::Kind::kCron, {}, schedule.cron, schedule.timezone};
}

/// What is laid out for Airflow, node by node.
class AirflowLayout {
 public:
  AirflowLayout(const run::Applied& applied, bool by_team) : applied_(applied), by_team_(by_team) {
    for (const plan::Stream& stream : applied.physical.streams) ++names_[run::NameOfNode(stream.key)];
    for (const plan::Transformer& one : applied.physical.transformers) ++names_[run::NameOfNode(one.key)];
  }

  render::AirflowIngest Ingest(const plan::Stream& stream) const {
    render::AirflowIngest ingest;
    ingest.dag = DagOf(stream);
    ingest.node = NameOf(stream.key);
    const model::Datastore& store = *applied_.model.FindDatastore(stream.store);
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    if (snapshot != nullptr && snapshot->schedule) ingest.schedule = CronOf(*snapshot->schedule);
    for (const sql::TableLayout& table : stream.tables)
      ingest.assets.push_back(AssetOf(stream.platform, table.dataset));
    for (const graph::IntentionGraph& graph : applied_.graph.graphs)
      if (const auto id = graph.Find(stream.key)) ingest.priority = WeightOf(graph.node(*id).priority);
    ingest.team = store.owner.team;
    ingest.output = stream.workspace.has_value();
    // Each transformer starts the ingestion of its own output, and waits for its end.
    if (by_team_ && !ingest.output) {
      ingest.dag = TeamDag(stream.platform, store.owner, "streams", ingest.schedule);
      ingest.group = stream.store + (stream.dataset.empty() ? "" : "__" + stream.dataset);
    }
    return ingest;
  }

  render::AirflowTransform Transform(const plan::Transformer& transformer) const {
    const model::Workspace& workspace = *applied_.model.FindWorkspace(transformer.workspace);
    const model::DataTransformer& declared = *workspace.transformer;
    render::AirflowTransform transform;
    transform.dag = transformer.platform + "__" + transformer.workspace + "__transform";
    transform.node = NameOf(transformer.key);
    transform.schedule = ScheduleOf(transformer, declared.trigger);
    transform.output = DagOf(*applied_.physical.FindStream(transformer.output_stream));
    transform.deferred = run::StartsContainer(applied_.model, declared);
    transform.timeout = declared.start_limit.seconds + declared.timeout.seconds;
    transform.priority = WeightOf(transformer.priority);
    transform.team = workspace.owner.team;
    if (by_team_) {
      transform.dag = TeamDag(transformer.platform, workspace.owner, "transformers", transform.schedule);
      transform.group = transformer.workspace;
    }
    if (transform.deferred && declared.snapshot == model::SnapshotUse::kRequired)
      throw base::UsageError(
          "the code of " + transformer.workspace +
          " needs the snapshot of its run, which no process keeps while Airflow waits for a container")
          .Remedy("take snapshot: required away from its transformer, or let yellow serve run it");
    return transform;
  }

 private:
  /// A name that means one node only.
  std::string NameOf(const std::string& key) const {
    const std::string name = run::NameOfNode(key);
    return names_.at(name) == 1 ? name : key;
  }

  render::AirflowSchedule ScheduleOf(const plan::Transformer& transformer, const model::Trigger& trigger) const {
    if (trigger.kind == model::TriggerKind::kCron) return CronOf(*trigger.schedule);
    render::AirflowSchedule schedule;
    schedule.kind = trigger.kind == model::TriggerKind::kAllInputs ? render::AirflowSchedule::Kind::kAll
                                                                   : render::AirflowSchedule::Kind::kAny;
    for (const plan::TransformerInput& input : transformer.inputs) {
      if (input.reference || input.own_output) continue;
      const plan::Stream& stream = *applied_.physical.FindStream(input.stream);
      schedule.assets.push_back(AssetOf(stream.platform, input.table.dataset));
    }
    std::sort(schedule.assets.begin(), schedule.assets.end());
    schedule.assets.erase(std::unique(schedule.assets.begin(), schedule.assets.end()), schedule.assets.end());
    if (schedule.assets.empty()) schedule.kind = render::AirflowSchedule::Kind::kNever;
    return schedule;
  }

  /// A DAG has one time zone: crons of others than UTC are a DAG apart.
  static std::string TeamDag(const std::string& platform, const model::Owner& owner, const std::string& what,
                             const render::AirflowSchedule& schedule) {
    std::string name = platform + "__" + owner.zone + "__" + owner.team + "__" + what;
    if (schedule.kind == render::AirflowSchedule::Kind::kCron && schedule.timezone != "UTC")
      name += "__" + render::AirflowWord(schedule.timezone);
    return name;
  }

  const run::Applied& applied_;
  const bool by_team_;
  std::map<std::string, int> names_;
};

render::AirflowProject ProjectOf(const Program& program, const Options& options, const Project& project,
                                 const RenderAirflowOptions& render) {
  const run::Applied applied = Compile(project.files, project.environment, project.root, 0, project.digest);
  const std::string root = render.root.empty() ? project.root : render.root;
  render::AirflowProject airflow;
  airflow.name = render::AirflowName(render.name.empty() ? root.substr(root.find_last_of('/') + 1) : render.name);
  airflow.command = {render.program.empty() ? program.executable : render.program, "--project", root, "--environment",
                     project.environment};
  if (!options.data.empty()) airflow.command.insert(airflow.command.end(), {"--data", project.data});
  airflow.reconcile = render.reconcile;
  const AirflowLayout layout(applied, render.dag_per == "team");
  for (const plan::Stream& stream : applied.physical.streams) airflow.ingests.push_back(layout.Ingest(stream));
  for (const plan::Transformer& transformer : applied.physical.transformers)
    airflow.transforms.push_back(layout.Transform(transformer));
  return airflow;
}

}  // namespace

int RenderAirflow(const Program& program, const Options& options, const RenderAirflowOptions& render) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  std::vector<RenderedFile> files;
  for (const auto& [name, text] : render::AirflowFiles(ProjectOf(program, options, project, render))) {
    if (!render.folder.empty())
      program.files.WriteAtomically(AbsolutePath(program, render.folder) + "/" + name, text, false);
    files.push_back({name, render.folder.empty() ? "printed" : "written", text});
  }
  const auto& environment = project.loaded.model.environment;
  if (!environment || environment->scheduler != model::SchedulerKind::kAirflow)
    program.err << "note: the scheduler of environment " << project.environment
                << " is yellow: yellow serve starts the same things\n  = write scheduler: airflow\n";
  if (options.json) {
    program.out << Printed(RenderedFileRecord().List(files));
  } else if (render.folder.empty()) {
    for (const RenderedFile& file : files) program.out << "# ---- " << file.name << "\n" << file.text;
  } else {
    program.out << "Wrote " << files.size() << " files to " << render.folder
                << "\nNext: let Airflow load that folder; its workers need the Python package yellow-airflow\n";
  }
  return kDone;
}

}  // namespace yellow::cli
