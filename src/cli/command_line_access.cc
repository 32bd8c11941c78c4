#include "cli/command_line.h"

// Temporary access for people.
namespace yellow::cli {

void CommandLine::Access() {
  CLI::App* access = Group("Govern", "access",
                           {"Ask for temporary access, approve, use and review it",
                            {"yellow access scopes", "yellow access list"},
                            "All of it is asked of a yellow serve on this machine, which knows who calls from the "
                            "system.\nIt is found by --socket, $YELLOW_SOCKET, or in the data folder of the project."});
  const auto add = [&](const char* section, const char* name, const char* about, const std::string& example,
                       auto do_it) {
    CLI::App* command = Command(*access, section, name, {about, {example}}, do_it, access_);
    command->add_option("--socket", access_.socket,
                        "Where the service answers (default: $YELLOW_SOCKET, or access.sock in the data folder)");
    return command;
  };
  const auto with_id = [&](CLI::App* command) {
    command->add_option("request", access_.id, "The request")->required();
    return command;
  };
  const auto with_wish = [&](CLI::App* command, bool required) {
    command
        ->add_option("--for", access_.duration,
                     "For how long, such as 30m or 1h, from its activation on (default: as it was)")
        ->required(required);
    command
        ->add_option("--ticket", access_.ticket,
                     "The open ticket that it is for: yours, or in an emergency anybody's (default: as it was)")
        ->required(required);
    command->add_option("--reason", access_.reason, "What is to be done, in a line (default: as it was)")
        ->required(required);
    command->add_option("--parameter", access_.parameters,
                        "What an operation is to be done with, as name=value; once for each (default: as it was)");
    return command;
  };
  const char* ask = "Ask";
  const std::string id = "4f1d2c3b5a697887";
  add(ask, "scopes", "List what you may ask for", "yellow access scopes", &AccessScopes);
  const auto with_scope = [&](CLI::App* command) {
    with_wish(command, true)
        ->add_option("--scope", access_.scope, "What for, as yellow access scopes lists it")
        ->required();
    command->add_option("--container", access_.container, "The merge database (default: the first that has it)");
  };
  with_scope(add(ask, "request", "Ask for access",
                 "yellow access request --scope dt_write:MaskShop --for 1h --ticket OPS-142 --reason \"wrong names\"",
                 &AccessRequest));
  with_scope(add(ask, "break-glass",
                 "Ask for access in an emergency: 30 minutes at most, two approve, review within an hour",
                 "yellow access break-glass --scope dt_write:MaskShop --for 30m --ticket OPS-143 --reason \"no masks\"",
                 &AccessBreakGlass));
  with_wish(with_id(add(ask, "edit", "Change a request of yours that is not active; every vote is void then",
                        "yellow access edit " + id + " --for 2h", &AccessEdit)),
            false);
  with_id(add(ask, "withdraw", "Ask no more", "yellow access withdraw " + id, &AccessWithdraw));
  const char* approve = "Approve";
  add(approve, "list", "List the requests that wait or go on", "yellow access list", &AccessList)
      ->add_flag("--all", access_.all, "Those that are over, too");
  with_id(add(approve, "show", "Show a request whole", "yellow access show " + id, &AccessShow));
  const auto vote = [&](const char* name, const char* about, auto do_it) {
    CLI::App* command = with_id(
        add(approve, name, about, std::string("yellow access ") + name + " " + id + " --content 3f9a2c11d0b7", do_it));
    command
        ->add_option("--content", access_.content,
                     "What you mean, as access show has it: so nobody approves what was changed meanwhile")
        ->required();
    command->add_option("--note", access_.note, "What you want to say with it (default: nothing)");
  };
  vote("approve", "Approve somebody else's request", &AccessApprove);
  vote("deny", "Deny somebody else's request; one is enough", &AccessDeny);
  const char* use = "Use";
  with_id(add(use, "activate", "Begin: from now on its time passes", "yellow access activate " + id, &AccessActivate));
  with_id(
      add(use, "sql",
          "Open a recorded psql under an active request; input that is no terminal's is run to its end or its first "
          "error, which is exit status 1",
          "yellow access sql " + id, &AccessSql))
      ->add_option("-c,--command", access_.statement,
                   "SQL to run instead of what comes in, all of it or to its first error (default: the input)");
  with_id(add(use, "shell",
              "Open a recorded shell that reaches what the request gives and nothing else; input as with access sql",
              "yellow access shell " + id, &AccessShell));
  with_id(add(use, "release", "Give it back", "yellow access release " + id, &AccessRelease));
  with_id(add(use, "revoke", "End somebody else's access at once",
              "yellow access revoke " + id + " --reason \"wrong ticket\"", &AccessRevoke))
      ->add_option("--reason", access_.reason, "Why (default: who has done it)");
  const char* review = "Review";
  add(review, "review", "List what has to be reviewed, the most urgent first; or show one, with what was asked",
      "yellow access review", &AccessReview)
      ->add_option("request", access_.id, "The request (default: all that wait for a review or go on)");
  with_id(add(review, "statements", "List what was asked of the database under a request, flags last",
              "yellow access statements " + id, &AccessStatements));
  CLI::App* report = add(review, "report", "List what was asked for on some days, and what has become of it",
                         "yellow access report --from 2026-01-01 --to 2026-01-31", &AccessReport);
  report->add_option("--from", access_.from, "The first day, in UTC")->required();
  report->add_option("--to", access_.to, "The last day")->required();
  const auto judge = [&](const char* name, const char* about, auto do_it) {
    with_id(add(review, name, about,
                std::string("yellow access ") + name + " " + id + " \"three names corrected, as the ticket says\"",
                do_it))
        ->add_option("sentence", access_.note, "What you have found")
        ->required();
  };
  judge("accept", "Say that what was done under a request is in order", &AccessAccept);
  judge("escalate", "Say that what was done under a request is not in order", &AccessEscalate);
  Recordings(*access);
  Erasing();
}

void CommandLine::Erasing() {
  CLI::App* erase = Command(
      app_, "Govern", "erase",
      {"Ask for a row to be removed from wherever Yellow keeps it, with all its versions",
       {"yellow erase --dataset Shop.customers --key id=C00017 --ticket OPS-142 --reason \"asked to be forgotten\""},
       "It is a request for op:erase:<Datastore>, which two seniors approve as any other: yellow access "
       "approve.\nAsked of a yellow serve on this machine, like yellow access, and done by it."},
      &Erase, access_);
  erase->add_option("--dataset", access_.dataset, "The dataset, as Store.dataset")->required();
  erase
      ->add_option(
          "--key", access_.key,
          "The row, as column=value; once for each column of the dataset's key, or the value alone of a key of "
          "one column. Dates as 2026-01-31")
      ->required();
  erase->add_option("--ticket", access_.ticket, "The open ticket of yours that it is for")->required();
  erase->add_option("--reason", access_.reason,
                    "Why, in a line and without values of the row (default: that the ticket says so)");
  erase->add_option("--container", access_.container,
                    "The merge database that it is removed from (default: the only one that has it)");
  erase->add_option("--for", access_.duration, "How long it may take at most, from its activation on (default: 1h)");
  erase->add_option("--socket", access_.socket,
                    "Where the service answers (default: $YELLOW_SOCKET, or access.sock in the data folder)");
}

void CommandLine::Recordings(CLI::App& access) {
  CLI::App* replay =
      Command(access, "Review", "replay",
              {"Show a recorded session as it was, or as text when it is not shown on a terminal",
               {"yellow access replay 4f1d2c3b5a697887 --key reviewer.key --idle 2",
                "yellow access replay 4f1d2c3b5a697887 --key reviewer.key --statements",
                "yellow access replay session.cast.sealed --key reviewer.key --cast > session.cast"},
               "A recording of a request comes from the service, which records who reads it; seniors for its scope and "
               "auditors\nwith a key may, but never who asked for it. It is compared with the audit log before it is "
               "shown.\nExit status 1: its end is missing, or it was changed; what is as it was written is shown up to "
               "there."},
              &AccessReplay, access_replay_);
  replay->add_option("recording", access_replay_.recording, "A request, or the file of a recording")->required();
  replay->add_option("session", access_replay_.session, "The session of the request (default: the only one)");
  replay->add_flag("--statements", access_replay_.statements,
                   "Print what was asked of the database in the session, a line each, instead of its terminal");
  replay->add_option("--socket", access_replay_.socket,
                     "Where the service answers (default: $YELLOW_SOCKET, or access.sock in the data folder)");
  replay->add_option("--key", access_replay_.key, "File of a private key that it is sealed to")->required();
  replay->add_option("--speed", access_replay_.speed, "How many times as fast")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  replay->add_option("--from", access_replay_.from, "Seconds after its start: what comes before is shown at once")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  replay->add_option("--idle", access_replay_.idle, "Seconds that a pause takes at most (default: as long as it was)")
      ->check(CLI::NonNegativeNumber);
  replay->add_flag("--cast", access_replay_.cast,
                   "Print its lines as they are, input included: asciicast 2, or what was asked of the database");
  Command(access, "Review", "keygen",
          {"Make the pair of keys of a reviewer: a new file, and the public key that it prints for the model",
           {"yellow access keygen reviewer.key"}},
          &AccessKeygen, access_keygen_)
      ->add_option("file", access_keygen_.file, "Where the private key is written; never in place of a file")
      ->required();
}

}  // namespace yellow::cli
