#include <sodium.h>
#include <unistd.h>

#include <iostream>
#include <string_view>

#include "adapters/recorder/recorder.h"
#include "adapters/recorder/terminal.h"
#include "base/error.h"
#include "base/json_text.h"

// driver serve SOCKET name=value…: starts a session for the terminal at the other end, prints `started`, and at last a
// report in JSON; the end of its stdin cancels the session.
// driver attach SOCKET: is that terminal; prints how the session ended on stderr.

using namespace yellow;

namespace {

ports::RecordingSpec SpecOf(int argc, char** argv) {
  ports::RecordingSpec spec;
  spec.longest = std::chrono::minutes(5);
  for (int i = 3; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string name(word.substr(0, word.find('='))), value(word.substr(word.find('=') + 1));
    if (name == "command") spec.command.push_back(value);
    if (name == "env") spec.environment[value.substr(0, value.find('='))] = value.substr(value.find('=') + 1);
    if (name == "reachable") spec.reachable.push_back(value);
    if (name == "recipient") spec.recipients.push_back(value);
    if (name == "path") spec.path = value;
    if (name == "title") spec.title = value;
    if (name == "network") spec.network = true;
    if (name == "piped") spec.piped_input = true;
    if (name == "longest") spec.longest = std::chrono::milliseconds(std::stoi(value));
  }
  return spec;
}

int Serve(int socket, ports::RecordingSpec spec) {
  const auto recorder = adapters::recorder::MakeRecorder();
  spec.user = recorder->ChooseUser();
  const auto session = recorder->Start(spec, socket);
  std::cout << "started\n" << std::flush;
  std::optional<ports::RecordingReport> report;
  for (bool cancelled = false; !(report = session->Poll()); usleep(10000)) {
    fd_set in;
    FD_ZERO(&in);
    FD_SET(STDIN_FILENO, &in);
    timeval none{};
    char byte = 0;
    if (!cancelled && select(1, &in, nullptr, nullptr, &none) == 1 && read(STDIN_FILENO, &byte, 1) == 0) {
      session->Cancel();
      cancelled = true;
    }
  }
  recorder->Farewell(socket, *report);
  close(socket);
  std::cout << "{\"end\": \"" << WordOf(report->end) << "\", \"status\": " << report->status
            << ", \"why\": " << base::JsonString(report->why) << ", \"events\": " << report->events
            << ", \"bytes\": " << report->bytes << ", \"digest\": \"" << report->digest << "\"}\n" << std::flush;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (adapters::recorder::IsRecorder(argc, argv)) return adapters::recorder::BeRecorder();
  if (argc < 3 || sodium_init() < 0) return 2;
  const int socket = std::stoi(argv[2]);
  try {
    if (argv[1] == std::string_view("serve")) return Serve(socket, SpecOf(argc, argv));
    const auto end = adapters::recorder::AttachTerminal(socket);
    std::cerr << "end: " << (end ? PayloadOf(*end) : "lost") << "\n" << std::flush;
    return end ? end->status : 3;
  } catch (const base::Error& error) {
    (argv[1] == std::string_view("serve") ? std::cout : std::cerr) << "error: " << base::Describe(error) << "\n"
                                                                    << std::flush;
    return 3;
  }
}
