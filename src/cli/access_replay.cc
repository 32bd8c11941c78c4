#include <algorithm>
#include <memory>
#include <ostream>
#include <variant>

#include "base/error.h"
#include "cli/access_call.h"
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
  Replay(const Program& program, const AccessReplayOptions& options, std::string name)
      : program_(program), options_(options), name_(std::move(name)) {}

  /// Whole lines of the recording.
  void Take(std::string_view lines) {
    while (!lines.empty() && !program_.stop.Asked()) {
      const size_t end = std::min(lines.find('\n'), lines.size());
      const auto event = reader_.Take(lines.substr(0, end));
      if (!event) throw base::Error("recording", name_ + ": a line of it " + event.error());
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
  const std::string name_;
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

/// A sealed file to be read.
struct Source {
  std::string name, path;
  std::shared_ptr<void> kept = {};  ///< what has come from the service is there as long
};

/// Says which file is meant, not where it lies for the moment.
ports::RecordingState Read(const Program& program, const AccessReplayOptions& replay, const Source& source,
                           const std::function<void(std::string_view)>& take) {
  try {
    return program.recordings.Read(source.path, replay.key, take);
  } catch (const base::Error& error) {
    std::string text = error.what();
    if (const size_t at = text.find(source.path); at != std::string::npos)
      text.replace(at, source.path.size(), source.name);
    throw base::Error(error.code, text).Remedy(error.remedy);
  }
}

/// What of the request is meant; throws base::UsageError when that is not clear.
const Json& ChooseEvidence(const Json& evidence, const AccessReplayOptions& replay) {
  const std::string what = replay.statements ? "statements" : "recording";
  const Json* chosen = nullptr;
  std::string sessions;
  for (const Json& one : evidence) {
    const std::string session = one.value("session", "");
    if (one.value("what", "") != what || (!replay.session.empty() && session != replay.session)) continue;
    chosen = &one;
    sessions += (sessions.empty() ? "" : ", ") + session;
  }
  if (chosen == nullptr)
    throw base::UsageError(replay.session.empty() ? "no session of this request has ended"
                                                  : "no session of this request is called so: " + replay.session)
        .Remedy("yellow access show " + replay.recording);
  if (sessions.find(',') != std::string::npos)
    throw base::UsageError("the request has several sessions: " + sessions)
        .Remedy("name one: yellow access replay " + replay.recording + " SESSION");
  return *chosen;
}

/// Asks the service for the file, and compares it with what the audit log has bound.
std::variant<Source, int> Fetch(const Program& program, const Options& options, const AccessReplayOptions& replay) {
  const std::string socket = SocketOf(program, options, replay.socket);
  const std::string request = std::string(kRequests) + "/" + replay.recording;
  const Answered answered = Call(program, options, socket, "GET", request + "/evidence");
  if (answered.status != kDone) return answered.status;
  const Json& chosen = ChooseEvidence(answered.json, replay);
  const std::string name = chosen.value("file", ""), sha256 = chosen.value("sha256", "");
  const ports::FetchedFile fetched = program.fetch_file(
      socket, request + "/sessions/" + chosen.value("session", "") + "/" + chosen.value("what", ""), "");
  if (fetched.answer.status != 200) return Refused(program, options, fetched.answer);
  if (fetched.bytes != chosen.value("bytes", int64_t{0}) || fetched.sha256 != sha256)
    throw base::Error("recording", name + " is not what the audit log has bound");
  program.err << "SHA-256 as the audit log has it: " << sha256 << "\n";
  return Source{name, fetched.path, fetched.kept};
}

int PrintForPrograms(const Program& program, const AccessReplayOptions& replay, const Source& source) {
  ReadRecording recording{source.name, {}, {}, {}};
  access::CastReader reader;
  recording.state = Read(program, replay, source, [&](std::string_view lines) {
    for (size_t at = 0, end = 0; at < lines.size(); at = end + 1) {
      end = std::min(lines.find('\n', at), lines.size());
      auto event = reader.Take(lines.substr(at, end - at));
      if (!event) throw base::Error("recording", source.name + ": a line of it " + event.error());
      if (*event) recording.events.push_back(std::move(**event));
    }
  });
  recording.header = reader.header().value_or(access::CastHeader{});
  program.out << Printed(ReadRecordingRecord().Write(recording));
  return Tell(program, recording.state);
}

int Play(const Program& program, const AccessReplayOptions& replay, const Source& source) {
  program.stop.Watch();
  Replay player(program, replay, source.name);
  const auto state = Read(program, replay, source, [&](std::string_view lines) { player.Take(lines); });
  if (program.terminal) program.out << kPutBack << std::flush;
  if (program.stop.Asked()) return kDone;
  const int status = Tell(program, state);
  if (status == kDone && player.header()) program.err << "The recording ends here: it is complete.\n";
  return status;
}

}  // namespace

int AccessReplay(const Program& program, const Options& options, const AccessReplayOptions& replay) {
  if (replay.cast && options.json)
    throw base::UsageError("--cast prints asciicast, not what --output json does").Remedy("leave one of them out");
  if (replay.statements && options.json)
    throw base::UsageError("--statements prints JSON by itself, a line each").Remedy("leave --output json out");
  const bool is_request = IsAccessId(replay.recording) && !program.files.Exists(replay.recording);
  if (!is_request && (replay.statements || !replay.session.empty()))
    throw base::UsageError("a session and --statements go with a request, and this is a file: " + replay.recording)
        .Remedy("leave them out: the file says what it is");
  Source source{replay.recording, replay.recording};
  if (is_request) {
    auto fetched = Fetch(program, options, replay);
    if (const int* refused = std::get_if<int>(&fetched)) return *refused;
    source = std::get<Source>(fetched);
  }
  if (options.json) return PrintForPrograms(program, replay, source);
  if (!replay.cast && !replay.statements) return Play(program, replay, source);
  return Tell(program, Read(program, replay, source, [&](std::string_view lines) { program.out << lines; }));
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
