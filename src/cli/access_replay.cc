#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/recording_json.h"

namespace yellow::cli {
namespace {

using access::CastEvent;
using access::CastOutput;
using std::chrono::milliseconds;

constexpr int64_t kSecond = 1000000;
constexpr double kMillisecond = 1000;
constexpr milliseconds kLongestSleep{200};  // a person who stops the replay is heard
// What programs leave a terminal in: colours, another screen, no cursor, reports of the mouse and of what is pasted.
constexpr std::string_view kPutBack = "\x1b[0m\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?2004l\r\n";

/// Text that no terminal obeys: ^[ for an escape. Lines stay lines.
std::string Harmless(const std::string& bytes) {
  std::string out;
  const std::string text = access::TextOf(bytes);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned char next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == '\r' && next == '\n') continue;
    if (byte == 0xC2 && next < 0xA0) {  // controls of ISO 6429, as one character
      out += "^[", out += static_cast<char>(next - 0x40), ++i;
    } else if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7F)) {
      out += text[i];
    } else {
      out += '^', out += static_cast<char>(byte ^ 0x40);
    }
  }
  return out;
}

/// A recording on its way to whoever looks at it.
class Replay {
 public:
  Replay(const Program& program, const AccessReplayOptions& options) : program_(program), options_(options) {}

  /// Whole lines of the recording.
  void Take(std::string_view lines) {
    while (!lines.empty() && !program_.stop.Asked()) {
      const size_t end = std::min(lines.find('\n'), lines.size());
      const auto event = reader_.Take(lines.substr(0, end));
      if (!event) throw base::Error("recording", options_.file + ": a line of it " + event.error());
      lines.remove_prefix(std::min(end + 1, lines.size()));
      if (*event) Play(**event);
    }
  }

  const std::optional<access::CastHeader>& header() const { return reader_.header(); }

 private:
  void Play(const CastEvent& event) {
    if (program_.terminal) Wait(event.at);
    const auto* output = std::get_if<CastOutput>(&event.what);
    if (output == nullptr || (!program_.terminal && event.at < From())) return;
    program_.out << (program_.terminal ? output->bytes : Harmless(output->bytes)) << std::flush;
  }

  /// What comes before the place to start from is shown at once, so that the screen is as it was there.
  void Wait(int64_t at) {
    int64_t wait = at - std::max(std::exchange(last_, at), From());
    if (options_.idle) wait = std::min(wait, static_cast<int64_t>(*options_.idle * kSecond));
    owed_ += static_cast<double>(std::max<int64_t>(wait, 0)) / options_.speed;
    while (owed_ >= kMillisecond && !program_.stop.Asked()) {
      const milliseconds part = std::min(milliseconds(static_cast<int64_t>(owed_ / kMillisecond)), kLongestSleep);
      program_.clock.Sleep(part);
      owed_ -= static_cast<double>(part.count()) * kMillisecond;
    }
  }

  int64_t From() const { return static_cast<int64_t>(options_.from * kSecond); }

  const Program& program_;
  const AccessReplayOptions& options_;
  access::CastReader reader_;
  int64_t last_ = 0;
  double owed_ = 0;  // microseconds to wait, less than a millisecond of them between events
};

int Tell(const Program& program, ports::RecordingState state) {
  const std::string why = WhyNotComplete(state);
  if (why.empty()) return kDone;
  program.err << "error: " << why << "\n";
  return kFindings;
}

int PrintForPrograms(const Program& program, const AccessReplayOptions& replay) {
  ReadRecording recording{replay.file, {}, {}, {}};
  access::CastReader reader;
  recording.state = program.recordings.Read(replay.file, replay.key, [&](std::string_view lines) {
    for (size_t at = 0, end = 0; at < lines.size(); at = end + 1) {
      end = std::min(lines.find('\n', at), lines.size());
      auto event = reader.Take(lines.substr(at, end - at));
      if (!event) throw base::Error("recording", replay.file + ": a line of it " + event.error());
      if (*event) recording.events.push_back(std::move(**event));
    }
  });
  recording.header = reader.header().value_or(access::CastHeader{});
  program.out << Printed(ReadRecordingRecord().Write(recording));
  return Tell(program, recording.state);
}

}  // namespace

int AccessReplay(const Program& program, const Options& options, const AccessReplayOptions& replay) {
  if (replay.cast && options.json)
    throw base::UsageError("--cast prints asciicast, not what --output json does").Remedy("leave one of them out");
  if (options.json) return PrintForPrograms(program, replay);
  if (replay.cast)
    return Tell(program, program.recordings.Read(replay.file, replay.key,
                                                 [&](std::string_view lines) { program.out << lines; }));
  program.stop.Watch();
  Replay player(program, replay);
  const auto state =
      program.recordings.Read(replay.file, replay.key, [&](std::string_view lines) { player.Take(lines); });
  if (program.terminal) program.out << kPutBack << std::flush;
  if (program.stop.Asked()) return kDone;
  const int status = Tell(program, state);
  if (status == kDone && player.header()) program.err << "The recording ends here: it is complete.\n";
  return status;
}

int AccessKeygen(const Program& program, const Options& options, const AccessKeygenOptions& keygen) {
  const std::string public_key = program.recordings.MakeKey(keygen.file);
  if (options.json) {
    program.out << Printed(MadeKeyRecord().Write({keygen.file, public_key}));
    return kDone;
  }
  program.out << public_key << "\n";
  program.err << "The private key is in " << keygen.file << ": keep it with its reviewer alone; without it nobody "
              << "reads what is sealed to it.\n";
  return kDone;
}

}  // namespace yellow::cli
