#include "access/audit_search.h"
#include "cli/command_line.h"

// The audit log.
namespace yellow::cli {

void CommandLine::Audit() {
  CLI::App* audit = Group(
      "Govern", "audit",
      {"Look at the audit log, and prove that nobody has changed it", {"yellow audit tail", "yellow audit verify"}});
  CLI::App* verify =
      Command(*audit, "Commands", "verify",
              {"Compare the audit log with itself, recordings, the database and anchors",
               {"yellow audit verify", "yellow audit verify --from 100 --to 200", "yellow audit verify --output json",
                "yellow audit verify --file audit.jsonl --anchor anchors.jsonl --key PUBLIC_KEY"},
               "With --file a copy is verified that was exported, with neither project nor service: all but recordings "
               "and the\n"
               "database. Exit status: 0 good; 1 an anchor cannot be noted or read; 20 a record was changed; 21 the "
               "log ends before an\n"
               "anchor; 22 it differs at an anchor; 23 a signature is wrong or missing; 24 a record is missing; 25 a "
               "recording\n"
               "is missing or changed; 26 the database and the files disagree. Of several the first one counts."},
              &AuditVerify, audit_);
  verify->add_option("--file", audit_.copies, "Files of a copy, in order; takes --key (default: the log itself)");
  verify->add_option("--anchor", audit_.anchor, "A file with anchors (default: those of the environment)")
      ->check(IsSaid());
  verify->add_option("--key", audit_.key, "The public key that must have signed (default: the data folder's)")
      ->check(IsSaid());
  verify->add_option("--from", audit_.from, "Tell only what is wrong from this record on (default: from the first)");
  verify->add_option("--to", audit_.to, "And up to this one (default: to the last)");
  CLI::App* tail = Command(*audit, "Commands", "tail",
                           {"Show the newest records",
                            {"yellow audit tail", "yellow audit tail -n 100"},
                            "With -f and --output json each line is an object of its own."},
                           &AuditTail, audit_);
  tail->add_flag("-f,--follow", audit_.follow, "Go on with what is chained, until it is stopped");
  tail->add_option("-n,--lines", audit_.lines, "How many")->check(CLI::PositiveNumber)->capture_default_str();
  AuditSearchCommand(*audit);
  CLI::App* export_ =
      Command(*audit, "Commands", "export",
              {"Write the whole audit log into one file, as it is", {"yellow audit export --to audit.jsonl"}},
              &AuditExport, audit_);
  export_->add_option("--to", audit_.file, "The file; it must not be there")->required();
  CLI::App* chain = Command(*audit, "Commands", "chain",
                            {"Put what waits into the chain, as yellow serve does all the time",
                             {"yellow audit chain", "yellow audit chain --close"},
                             "Exit status 1: another process is at it, or an anchor cannot be noted."},
                            &AuditChain, audit_);
  chain->add_flag("--close", audit_.close, "Close the newest segment and sign it");
  for (CLI::App* command : audit->get_subcommands(nullptr)) {
    command->add_option("--container", audit_.container, "Of one merge database only (default: of all)")
        ->check(IsSaid());
    if (command != chain)
      command->add_option("--socket", audit_.socket,
                          "Ask the service that answers here, as an auditor or senior of the model does (default: "
                          "$YELLOW_SOCKET unless\n--project is given; without either the project here is read, as its "
                          "operator does)");
  }
}

void CommandLine::AuditSearchCommand(CLI::App& audit) {
  CLI::App* search = Command(audit, "Commands", "search",
                             {"Show the records that fit all that is named",
                              {"yellow audit search --action batch.released",
                               "yellow audit search --action 'run.*' --since 2026-01-31T06:00:00Z",
                               "yellow audit search --text Shop --output json"},
                              "Who searches is recorded."},
                             &AuditSearch, audit_);
  search->add_option("--person", audit_.person, "Who did it (default: anybody)")->check(IsSaid());
  search
      ->add_option("--action", audit_.action,
                   "What was done: run.cancelled, or run.* for all that is done to runs (default: anything)")
      ->check(IsSaid());
  search->add_option("--subject", audit_.subject, "To what (default: anything)")->check(IsSaid());
  search->add_option("--request", audit_.request, "For which access request (default: with and without one)")
      ->check(IsSaid());
  search->add_option("--since", audit_.since, "From this time on: 2026-01-31T06:00:00Z (default: the beginning)")
      ->check(IsUtc());
  search->add_option("--until", audit_.until, "Before this time (default: now)")->check(IsUtc());
  search->add_option("--text", audit_.text, "Stands anywhere in it, whatever its case (default: anything)")
      ->check(IsSaid());
}

CLI::Validator CommandLine::IsUtc() {
  return {[](const std::string& text) {
            return access::IsInstant(text) ? std::string() : "no time as 2026-01-31T06:00:00Z: " + text;
          },
          "TIME"};
}

CLI::Validator CommandLine::IsSaid() {
  return {[](const std::string& text) { return text.empty() ? "it is empty: name one, or leave it out" : ""; }, ""};
}

}  // namespace yellow::cli
