#include "cli/views/deploy_json.h"

#include "cli/views/findings_json.h"

namespace yellow::cli {
namespace {

const Record<ports::ConnectionInfo>& PlaceRecord() {
  using Info = ports::ConnectionInfo;
  static const Record<Info> record = Record<Info>()
                                         .Field("host", "A name, an address, or the folder of a socket.", &Info::host)
                                         .Field("port", "Of the server.", &Info::port)
                                         .Field("database", "Its name there.", &Info::database)
                                         .Field("embedded", "It is in the private PostgreSQL.", &Info::embedded);
  return record;
}

const Record<plan::Step>& StepRecord() {
  using plan::Step;
  static const Record<Step> record =
      Record<Step>()
          .Field("key", "What it is about: a schema, table, view or role.", &Step::address)
          .Field("state", "What is done: create table, add column, …", &Step::kind)
          .Reason("reason", "Why.", &Step::kind, &Step::reason)
          .Field("destroys", "Data is lost; it needs --allow-destroy.", &Step::destroys);
  return record;
}

const char* StateOfPlan(const PlannedContainer& it) {
  if (it.plan.diagnostics.has_errors()) return "refused";
  return it.plan.empty() ? "nothing_to_do" : "changes";
}

const Record<run::Decision>& WaitingRecord() {
  using run::Decision;
  static const Record<Decision> record =
      Record<Decision>()
          .Field("key", "A stream or a transformer.", &Decision::node)
          .Word("state", "It waits.", {"waiting"}, [](const Decision&) { return "waiting"; })
          .Reason("reason", "What for, and what helps.", &Decision::code, &Decision::sentence);
  return record;
}

}  // namespace

const Record<PlannedContainer>& PlannedContainerRecord() {
  using Planned = PlannedContainer;
  static const Record<Planned> record =
      Record<Planned>()
          .Field("key", "The container.", [](const Planned& it) { return it.place.container; })
          .Word("state", "Whether there is something to do, and whether it can be done.",
                {"nothing_to_do", "changes", "refused"}, &StateOfPlan)
          .Reason(
              "reason", "Why it is refused; findings says more.",
              [](const Planned& it) {
                return it.plan.diagnostics.has_errors() ? it.plan.diagnostics.items().front().code : "";
              },
              [](const Planned& it) {
                return it.plan.diagnostics.empty() ? "" : it.plan.diagnostics.items().front().message;
              })
          .Field("environment", "The one in use.", &Planned::environment)
          .Object("place", "Where it really is.", PlaceRecord(), &Planned::place)
          .Field("base_version", "The applied model that it was made against; 0: none.",
                 [](const Planned& it) { return it.plan.base_version; })
          .Field("model_digest", "Of the model's files.", [](const Planned& it) { return it.plan.model_digest; })
          .Field("fingerprint", "By which apply FILE knows that it is not stale.",
                 [](const Planned& it) { return plan::Fingerprint(it.plan); })
          .Field("install", "Yellow's own state is not there yet.",
                 [](const Planned& it) { return it.plan.schema_version == 0; })
          .Field("migrate", "Yellow's own state is an older version's.",
                 [](const Planned& it) { return it.plan.schema_version != 0 && it.plan.migrates(); })
          .Field("new_model", "The model is not the newest applied one.",
                 [](const Planned& it) { return it.plan.new_model; })
          .List("steps", "In the order in which they are taken.", StepRecord(),
                [](const Planned& it) { return it.plan.steps; })
          .List("findings", "What cannot be done, and why.", FindingRecord(),
                [](const Planned& it) { return it.plan.diagnostics.items(); });
  return record;
}

const Record<AppliedContainer>& AppliedContainerRecord() {
  using Applied = AppliedContainer;
  static const Record<Applied> record =
      Record<Applied>()
          .Field("key", "The container.", [](const Applied& it) { return it.place.container; })
          .Word("state", "Whether there was something to do.", {"applied", "nothing_to_do"},
                [](const Applied& it) { return it.changed ? "applied" : "nothing_to_do"; })
          .NoReason()
          .Field("environment", "The one in use.", &Applied::environment)
          .Object("place", "Where it really is.", PlaceRecord(), &Applied::place)
          .Field("model_version", "Of the applied model.", &Applied::model_version)
          .Field("steps", "How many were taken.", &Applied::steps);
  return record;
}

const Record<RunOutcome>& RunOutcomeRecord() {
  static const Record<RunOutcome> record =
      Record<RunOutcome>()
          .Word("state", "Whether anything was due.", {"done", "nothing_due"},
                [](const RunOutcome& it) { return it.idle() ? "nothing_due" : "done"; })
          .Field("batches", "Committed, outputs of transformers included.", &RunOutcome::batches)
          .Field("runs", "Committed runs of transformers.", &RunOutcome::runs)
          .Field("held", "Batches that are held now.", &RunOutcome::held)
          .Field("failed", "Batches and runs that failed.", &RunOutcome::failed)
          .List("waiting", "What goes on only when somebody helps, or could not do what was asked for.",
                WaitingRecord(), &RunOutcome::waiting)
          .List("applied", "What --apply did first; empty without it.", AppliedContainerRecord(), &RunOutcome::applied);
  return record;
}

const Record<BootstrappedContainer>& BootstrappedContainerRecord() {
  using Made = BootstrappedContainer;
  static const Record<Made> record =
      Record<Made>()
          .Field("key", "The container.", [](const Made& it) { return it.place.container; })
          .Word("state", "The private PostgreSQL bootstraps itself; --print makes nothing.",
                {"made", "embedded", "printed"}, &Made::state)
          .Reason(
              "reason", "What a superuser should still do.",
              [](const Made& it) { return it.superuser ? "" : "no_superuser"; },
              [](const Made&) {
                return "who bootstrapped is no superuser, so the code of a transformer may take advisory locks and "
                       "fill large objects, and doctor does not see who is idle in a transaction; "
                       "yellow bootstrap --print ends with what a superuser can do about it";
              })
          .Object("place", "Where it really is.", PlaceRecord(), &Made::place)
          .TextOrNull("sql", "With --print: for a database administrator.", &Made::sql);
  return record;
}

const Record<RenderedFile>& RenderedFileRecord() {
  static const Record<RenderedFile> record =
      Record<RenderedFile>()
          .Field("key", "The name of the file.", &RenderedFile::name)
          .Word("state", "Whether it was written into a folder.", {"printed", "written"}, &RenderedFile::state)
          .NoReason()
          .Field("text", "What stands in it.", &RenderedFile::text);
  return record;
}

const Record<ServeLine>& ServeLineRecord() {
  static const Record<ServeLine> record = Record<ServeLine>()
                                              .Time("at", "When.", &ServeLine::at)
                                              .Field("text", "What happened, for people.", &ServeLine::text);
  return record;
}

}  // namespace yellow::cli
