#include "cli/command_line.h"

// The commands that read the applied model.
namespace yellow::cli {

void CommandLine::Operate() {
  CLI::App* run = Command(app_, "Operate", "run",
                          {"Ingest and transform until nothing is due",
                           {"yellow run", "yellow run --apply", "yellow run Shop MaskShop"},
                           "Exit status 1: something is held or has failed."},
                          &cli::Run, run_);
  run->add_flag("--apply", run_.apply, "Apply the model first");
  run->add_option("nodes", run_.nodes,
                  "Streams and transformers to run now, whatever their schedule (default: only what is due)");
  CLI::App* serve = Command(app_, "Operate", "serve",
                            {"Ingest and transform by schedule and event until it is stopped",
                             {"yellow serve", "yellow serve --listen 127.0.0.1:9464 --grace 60"},
                             "With --output json each line is an object of its own."},
                            &Serve, serve_);
  serve->add_option("--listen", serve_.listen, "host:port for /healthz, /readyz and /metrics (default: none)");
  serve->add_option("--socket", serve_.socket,
                    "Where 'yellow access' finds it; everybody may call, and the system says who it is (default: "
                    "access.sock in the data folder)");
  serve->add_flag(
      "--no-audit", serve_.no_audit,
      "Leave the chain of the audit log to another serve or to yellow audit chain; records are kept all the same");
  serve->add_option("--grace", serve_.grace_seconds, "Seconds that jobs under way have to end after a SIGTERM")
      ->capture_default_str();
  Command(app_, "Operate", "status",
          {"Show every stream: its state, newest batch, lag, and what comes next",
           {"yellow status", "yellow status --output json"},
           "Exit status 1: something is held or has failed."},
          &Status);
  CLI::App* explain = Command(app_, "Operate", "explain",
                              {"Say why a node ran or did not, and what it waits for",
                               {"yellow explain MaskShop", "yellow explain Shop --batch 2"}},
                              &Explain, explain_);
  explain->add_option("node", explain_.node, "A key or any unambiguous name")->required();
  explain->add_option("--batch", explain_.batch, "Follow one batch of a stream (default: explain the node)");
  CLI::App* sql = Command(
      app_, "Operate", "sql",
      {"Open psql with exactly the rights of a workspace's readers",
       {"yellow sql -w Analysts", "yellow sql -w Analysts -c \"SELECT count(*) FROM now__shopmasked__customers\"",
        "yellow sql -w Analysts -c \"TABLE now__shopmasked__customers\" --output json"}},
      &Sql, sql_);
  sql->add_option("-w,--workspace", sql_.workspace, "The workspace (default: the only one)");
  sql->add_option("-c,--command", sql_.command, "Run one statement and exit (default: ask for statements)");
  Streams();
  Batches();
  Runs();
}

void CommandLine::DryRun(CLI::App* command, bool& dry_run) {
  command->add_flag("--dry-run", dry_run, "Say what it would touch, and do nothing");
}

void CommandLine::Streams() {
  CLI::App* streams = Group("Operate", "streams",
                            {"List, pause or resume streams", {"yellow streams list", "yellow streams pause Shop"}});
  Command(*streams, "Commands", "list", {"List every stream and its state", {"yellow streams list"}}, &StreamsList,
          streams_);
  CLI::App* pause =
      Command(*streams, "Commands", "pause",
              {"Open no more batches; what is under way ends", {"yellow streams pause Shop"}}, &StreamsPause, streams_);
  CLI::App* resume = Command(*streams, "Commands", "resume", {"Open batches again", {"yellow streams resume Shop"}},
                             &StreamsResume, streams_);
  for (CLI::App* command : {pause, resume}) {
    command->add_option("stream", streams_.stream, "The stream: a store, or Store.dataset")->required();
    DryRun(command, streams_.dry_run);
  }
}

void CommandLine::Batches() {
  CLI::App* batches =
      Group("Operate", "batches",
            {"List, show, release, reject or replay batches", {"yellow batches list", "yellow batches show Shop"}});
  Command(*batches, "Commands", "list",
          {"List the newest batches, at most 50", {"yellow batches list", "yellow batches list Shop"}}, &BatchesList,
          batches_)
      ->add_option("stream", batches_.stream, "Of one stream only (default: of all)");
  CLI::App* show = Command(
      *batches, "Commands", "show",
      {"Show one batch, with its counts and reason", {"yellow batches show Shop", "yellow batches show Shop 2"}},
      &BatchesShow, batches_);
  CLI::App* release = Command(*batches, "Commands", "release",
                              {"Accept a held batch once, as it is",
                               {"yellow batches release Shop", "yellow batches release Shop 2"},
                               "Only what a guard holds can be released; bad rows must be mended at the source."},
                              &BatchesRelease, batches_);
  CLI::App* reject = Command(*batches, "Commands", "reject",
                             {"Give a held batch up", {"yellow batches reject Shop", "yellow batches reject Shop 2"}},
                             &BatchesReject, batches_);
  CLI::App* replay = Command(*batches, "Commands", "replay",
                             {"Read a source again at once, and compare every row",
                              {"yellow batches replay Shop", "yellow batches replay Shop --dry-run"},
                              "It is a new batch, or the one that is held; the output of a transformer is made anew by "
                              "yellow rebuild."},
                             &BatchesReplay, batches_);
  for (CLI::App* command : {show, release, reject, replay})
    command->add_option("stream", batches_.stream, "The stream: a store, or Store.dataset")->required();
  for (CLI::App* command : {show, release, reject})
    command->add_option("batch", batches_.batch, "Its number (default: the newest)");
  for (CLI::App* command : {release, reject, replay}) DryRun(command, batches_.dry_run);
}

void CommandLine::Runs() {
  CLI::App* runs =
      Group("Operate", "runs",
            {"List, show, retry or cancel runs of transformers", {"yellow runs list", "yellow runs retry MaskShop"}});
  Command(*runs, "Commands", "list",
          {"List the newest runs, at most 50", {"yellow runs list", "yellow runs list MaskShop"}}, &RunsList, runs_)
      ->add_option("workspace", runs_.id, "Of one workspace only (default: of all)");
  const auto of_run = [this](CLI::App* command) {
    command->add_option("run", runs_.id, "Its id, or an unambiguous beginning of it")->required();
  };
  const auto of_workspace = [this](CLI::App* command) {
    command->add_option("workspace", runs_.id, "The workspace")->required();
  };
  of_run(Command(*runs, "Commands", "show", {"Show one run: claims, times, reason", {"yellow runs show 0197a3c2"}},
                 &RunsShow, runs_));
  of_run(Command(*runs, "Commands", "logs", {"Print what the code of a run printed", {"yellow runs logs 0197a3c2"}},
                 &RunsLogs, runs_));
  CLI::App* retry = Command(*runs, "Commands", "retry",
                            {"Make a transformer due again", {"yellow runs retry MaskShop"}}, &RunsRetry, runs_);
  CLI::App* cancel =
      Command(*runs, "Commands", "cancel", {"End an open run; nothing it did is seen", {"yellow runs cancel 0197a3c2"}},
              &RunsCancel, runs_);
  CLI::App* rebuild = Command(app_, "Operate", "rebuild",
                              {"Make a transformer's output anew, in full mode",
                               {"yellow rebuild MaskShop", "yellow rebuild MaskShop --dry-run"},
                               "Its next run does it: yellow run"},
                              &Rebuild, runs_);
  of_workspace(retry), of_run(cancel), of_workspace(rebuild);
  for (CLI::App* command : {retry, cancel, rebuild}) DryRun(command, runs_.dry_run);
}

}  // namespace yellow::cli
