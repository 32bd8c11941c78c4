#include "cli/command_line.h"

// The commands about access by people, and its recordings.
namespace yellow::cli {

void CommandLine::Access() {
  CLI::App* access = Group("Operate", "access",
                           {"Look at the recordings of sessions, and make keys for who reviews them",
                            {"yellow access replay session.cast.sealed --key reviewer.key"}});
  CLI::App* replay =
      Command(*access, "Review", "replay",
              {"Show a recorded session as it was, or as text when it is not shown on a terminal",
               {"yellow access replay session.cast.sealed --key reviewer.key --idle 2",
                "yellow access replay session.cast.sealed --key reviewer.key --cast > session.cast"},
               "Exit status 1: its end is missing, or it was changed; what is as it was written is shown up to there."},
              &AccessReplay, access_replay_);
  replay->add_option("file", access_replay_.file, "The recording")->required();
  replay->add_option("--key", access_replay_.key, "File of a private key that it is sealed to")->required();
  replay->add_option("--speed", access_replay_.speed, "How many times as fast")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  replay->add_option("--from", access_replay_.from, "Seconds after its start: what comes before is shown at once")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  replay->add_option("--idle", access_replay_.idle, "Seconds that a pause takes at most (default: as long as it was)")
      ->check(CLI::NonNegativeNumber);
  replay->add_flag("--cast", access_replay_.cast, "Print it as asciicast 2 instead, input included");
  Command(*access, "Review", "keygen",
          {"Make the pair of keys of a reviewer: a new file, and the public key that it prints for the model",
           {"yellow access keygen reviewer.key"}},
          &AccessKeygen, access_keygen_)
      ->add_option("file", access_keygen_.file, "Where the private key is written; never in place of a file")
      ->required();
}

}  // namespace yellow::cli
