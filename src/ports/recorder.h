#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Terminal sessions that are recorded before anybody sees them, and the sealed recordings (SECURITY 4).
namespace yellow::ports {

struct RecordingSpec {
  std::vector<std::string> command;                ///< a program of the system, found in the PATH of `environment`
  std::map<std::string, std::string> environment;  ///< all that the program gets; TERM alone is recorded
  /// Folders besides the system's that it may read and write, absolute, as that of a unix socket; whatever user it runs
  /// as must be able to enter them. One below /tmp is there in its private /tmp too.
  std::vector<std::string> reachable;
  std::vector<std::string> readable;  ///< the same, to be read only
  bool network = false;               ///< true: it may open connections; else it reaches unix sockets only
  bool sockets = true;                ///< false: not even these, whatever file it finds
  /// Not 0: a port of its own 127.0.0.1 that is listened at for it, by whoever takes RecordedSession::TakeListener.
  int listened_port = 0;
  /// true: what is typed is the program's input as it is, through a pipe, and an empty input is its end. Its terminal
  /// shows no input and changes no output.
  bool piped_input = false;
  bool hidden_input = false;            ///< true: what is typed where it is not shown is recorded, too
  std::vector<std::string> recipients;  ///< public keys of reviewers (Recordings::MakeKey); none: refused
  std::string path;                     ///< the recording; must not be there
  std::string title;                    ///< recorded
  unsigned user = 0;                    ///< from Recorder::ChooseUser
  int columns = 80, rows = 24;
  std::chrono::milliseconds longest{0};  ///< from the start; goes on while the machine sleeps
};

/// Why a session ended.
enum class RecordingEnd {
  kEnded,         ///< its program did
  kHungUp,        ///< the person's program closed its socket, or broke the protocol
  kExpired,       ///< its longest time was over
  kCannotRecord,  ///< something could not be written; it was not passed on
  kServiceGone,   ///< whoever started it has ended
  kCancelled,     ///< RecordedSession::Cancel
  kRecorderGone,  ///< the recorder was killed; the recording is cut
};
const char* WordOf(RecordingEnd end);

struct RecordingReport {
  RecordingEnd end = RecordingEnd::kRecorderGone;
  int status = 0;      ///< exit status of the program, or 128 + the signal that ended it
  std::string why;     ///< of kCannotRecord: what failed; else empty
  int64_t events = 0;  ///< 0 of kRecorderGone: nobody has counted them
  int64_t bytes = 0;   ///< size of the file
  std::string digest;  ///< SHA-256 of the file, hexadecimal
};

/// A session under way. Ends with this object, and with this process.
class RecordedSession {
 public:
  virtual ~RecordedSession() = default;
  /// Nothing while it goes on. The file is whole and no process of it is left once there is a report.
  virtual std::optional<RecordingReport> Poll() = 0;
  virtual void Cancel() = 0;  ///< ends it at once; Poll then tells
  /// The socket that listens at `listened_port`, the caller's own from now on; -1: there is none, or it was taken.
  virtual int TakeListener() = 0;
};

/// Of a sealed file, as it was written.
struct SealedFacts {
  int64_t bytes = 0;
  std::string digest;  ///< SHA-256, hexadecimal
};

/// Lines that are sealed as they are written, for the same readers as a recording.
class SealedLog {
 public:
  virtual ~SealedLog() = default;
  /// The system has the line when this returns. Throws base::Error when it cannot be written; the log is good for
  /// nothing then.
  virtual void Add(std::string_view line) = 0;
  /// Nothing more comes: the file ends properly, and the disk has it. One that was not finished reads as cut. Throws
  /// base::Error. REQUIRES: called once, last.
  virtual SealedFacts Finish() = 0;
};

class Recorder {
 public:
  virtual ~Recorder() = default;
  /// The number of the user that a session is to run as: one that nobody has, where this process may give such, else
  /// its own. Throws base::Error when there is none.
  virtual unsigned ChooseUser() = 0;
  /// Makes a file for `recipients`, which must not be there. Throws base::Error.
  virtual std::unique_ptr<SealedLog> OpenLog(const std::string& path, const std::vector<std::string>& recipients) = 0;
  /// Tells who is at the other end of `terminal` that there will be no session, and why.
  virtual void Refuse(int terminal, const std::string& why) = 0;
  /// Tells who is at the other end of `terminal` that the session is over: of the report how it ended, its status and
  /// why.
  virtual void Farewell(int terminal, const RecordingReport& report) = 0;
  /// Starts a session for who is at the other end of `terminal`, a stream socket that the recorder takes a copy of (see
  /// access/terminal_frames.h for what is said on it). Its end is told by Farewell. Returns once the program runs.
  /// Throws base::Error, code `recorder`, when it cannot be recorded or enclosed; then nothing has run.
  virtual std::unique_ptr<RecordedSession> Start(const RecordingSpec& spec, int terminal) = 0;
};

/// How far a sealed recording could be read.
enum class RecordingState {
  kComplete,
  kCut,      ///< its end is missing; what was read is as it was written
  kChanged,  ///< something in it is not as it was written; what was read before that is
};

/// The reviewers' side.
class Recordings {
 public:
  virtual ~Recordings() = default;
  /// Makes a pair of keys: writes the private one into a new file that only its owner may read, and returns the public
  /// one, as it stands in a model. Throws base::Error, also when there is a file.
  virtual std::string MakeKey(const std::string& path) = 0;
  /// Gives the text of a recording (access/cast.h) in pieces of whole lines. Throws base::Error when a file cannot be
  /// read, is no recording, or is not sealed to this key.
  virtual RecordingState Read(const std::string& path, const std::string& key_path,
                              const std::function<void(std::string_view)>& take) = 0;
};

}  // namespace yellow::ports
