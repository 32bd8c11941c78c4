#include "adapters/recorder/recorder.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "adapters/process/run_user.h"
#include "adapters/recorder/channel.h"
#include "adapters/recorder/failure.h"
#include "adapters/recorder/order.h"
#include "adapters/recorder/review_key.h"
#include "adapters/recorder/sealed_file.h"
#include "adapters/recorder/session.h"
#include "base/error.h"

namespace yellow::adapters::recorder {
namespace {

constexpr const char* kName = "yellow-recorder";
constexpr int kOrders = 3;
constexpr int kTerminal = 4;
constexpr int kOutOfTheWay = 10;
constexpr int kStartTime = 30000;  // milliseconds
constexpr int kNothingIsLeft = 5000;

bool Readable(int descriptor, int milliseconds) {
  pollfd waiting{descriptor, POLLIN, 0};
  int ready = 0;
  while ((ready = poll(&waiting, 1, milliseconds)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

/// After fork, of a process that may have threads: async-signal-safe calls only. The program again, without a variable
/// of the environment and without a file of this process: what a session could ever reach in it is its own.
[[noreturn]] void Exec(int orders, int terminal) {
  const int one = fcntl(orders, F_DUPFD, kOutOfTheWay), other = fcntl(terminal, F_DUPFD, kOutOfTheWay);
  const int nothing = open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, standard);
  if (dup2(one, kOrders) != kOrders || dup2(other, kTerminal) != kTerminal) _exit(126);
  close_range(kTerminal + 1, ~0U, 0);
  char name[] = "yellow-recorder";
  char* const arguments[] = {name, nullptr};
  char* const variables[] = {nullptr};
  execve("/proc/self/exe", arguments, variables);
  _exit(126);
}

class ProcessSession : public ports::RecordedSession {
 public:
  ProcessSession(pid_t recorder, int orders, std::string path)
      : recorder_(recorder), orders_(orders), path_(std::move(path)) {}
  ~ProcessSession() override {
    close(orders_);
    if (listener_ >= 0) close(listener_);
    if (!report_) WaitForRecorder();
    WaitForProgram();
    EndInput();
  }
  ProcessSession(const ProcessSession&) = delete;
  ProcessSession& operator=(const ProcessSession&) = delete;

  void Begin(const ports::RecordingSpec& spec) {
    if (!SendMessage(orders_, MessageOf(spec)) || !Readable(orders_, kStartTime))
      throw Failure("cannot start a recorder");
    const auto answer = ReceiveMessage(orders_);
    if (!answer || answer->size() != 3) throw base::Error("recorder", "the recorder ended before it began");
    if (answer->front() == "refused") throw base::Error("recorder", (*answer)[1]).Remedy((*answer)[2]);
    program_ = static_cast<int>(syscall(SYS_pidfd_open, std::stoi((*answer)[1]), 0));
    if (spec.listened_port != 0) listener_ = ReceiveDescriptor(orders_);
    if (spec.piped_input) input_ = ReceiveDescriptor(orders_);
  }

  std::optional<ports::RecordingReport> Poll() override {
    if (report_ || !Readable(orders_, 0)) return report_;
    const auto message = ReceiveMessage(orders_);
    if (message == kInputIsWhole) {
      EndInput();
      return std::nullopt;
    }
    WaitForRecorder();
    report_ = message ? ReportOf(*message) : ports::RecordingReport{};
    // Its recorder was killed: the kernel kills what ran in it, and that takes a moment.
    if (!message) WaitForProgram();
    if (report_->digest.empty()) Summarize();
    return report_;
  }

  int TakeListener() override { return std::exchange(listener_, -1); }

  void Cancel() override {
    const char order = 'c';
    if (send(orders_, &order, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;  // it has ended; Poll tells how
  }

 private:
  void WaitForRecorder() const {
    while (waitpid(recorder_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  void WaitForProgram() {
    if (program_ < 0) return;
    Readable(program_, kNothingIsLeft);
    close(std::exchange(program_, -1));
  }
  void EndInput() {
    if (input_ >= 0) close(std::exchange(input_, -1));
  }
  /// Of a recording that did not end properly, as far as it goes.
  void Summarize() {
    try {
      const FileSummary summary = SummaryOf(path_);
      report_->bytes = summary.bytes;
      report_->digest = summary.digest;
    } catch (const base::Error& error) {
      report_->why += (report_->why.empty() ? "" : "; ") + std::string(error.what());
    }
  }

  pid_t recorder_;
  int orders_;
  int program_ = -1;   // a pidfd
  int listener_ = -1;  // of the session's own loopback, until it is taken
  // A second end of the pipe into which piped input goes. The recorder's alone would close when that is killed, and the
  // program would take half of its input for all of it before it is killed, too.
  int input_ = -1;
  std::string path_;
  std::optional<ports::RecordingReport> report_;
};

class Log : public ports::SealedLog {
 public:
  explicit Log(std::unique_ptr<SealedWriter> writer) : writer_(std::move(writer)) {}
  void Add(std::string_view line) override {
    std::string rest = std::string(line) + "\n";
    for (std::string_view left = rest; !left.empty(); left.remove_prefix(std::min(left.size(), SealedWriter::kLargest)))
      writer_->Write(left.substr(0, SealedWriter::kLargest));
  }

  ports::SealedFacts Finish() override {
    const FileSummary summary = writer_->Finish();
    return {summary.bytes, summary.digest};
  }

 private:
  const std::unique_ptr<SealedWriter> writer_;
};

class ProcessRecorder : public ports::Recorder {
 public:
  unsigned ChooseUser() override { return process::WhyNoRunUser().empty() ? process::ChooseRunUser({}) : geteuid(); }

  std::unique_ptr<ports::SealedLog> OpenLog(const std::string& path,
                                            const std::vector<std::string>& recipients) override {
    return std::make_unique<Log>(SealedWriter::Make(path, recipients));
  }

  void Refuse(int terminal, const std::string& why) override {
    Channel person(terminal);
    person.Send(access::FrameType::kMessage, why);
    TellEnd(person, {ports::RecordingEnd::kCannotRecord, 1, why});
  }

  void Farewell(int terminal, const ports::RecordingReport& report) override {
    Channel person(terminal);
    TellEnd(person, {report.end, report.status, report.why});
  }

  std::unique_ptr<ports::RecordedSession> Start(const ports::RecordingSpec& spec, int terminal) override {
    int orders[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, orders) != 0) throw Failure("cannot make a pair of sockets");
    const pid_t recorder = fork();
    if (recorder == 0) Exec(orders[1], terminal);
    close(orders[1]);
    if (recorder < 0) {
      const base::Error failure = Failure("cannot start a recorder").Retryable();
      close(orders[0]);
      throw failure;
    }
    auto session = std::make_unique<ProcessSession>(recorder, orders[0], spec.path);
    session->Begin(spec);
    return session;
  }
};

class SealedRecordings : public ports::Recordings {
 public:
  std::string MakeKey(const std::string& path) override { return MakeKeyFile(path); }

  ports::RecordingState Read(const std::string& path, const std::string& key_path,
                             const std::function<void(std::string_view)>& take) override {
    const auto reader = SealedReader::Open(path, ReadKeyFile(key_path));
    while (const auto lines = reader->Next()) take(*lines);
    return reader->state();
  }
};

}  // namespace

std::unique_ptr<ports::Recorder> MakeRecorder() { return std::make_unique<ProcessRecorder>(); }

std::unique_ptr<ports::Recordings> MakeRecordings() { return std::make_unique<SealedRecordings>(); }

bool IsRecorder(int argc, const char* const* argv) { return argc == 1 && std::string_view(argv[0]) == kName; }

int BeRecorder() {
  // Who started it says when it ends, not whoever stops a group of processes.
  setsid();
  prctl(PR_SET_NAME, kName);
  for (const int ignored : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) signal(ignored, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  fcntl(kOrders, F_SETFD, FD_CLOEXEC);
  fcntl(kTerminal, F_SETFD, FD_CLOEXEC);
  const auto order = ReceiveMessage(kOrders);
  if (!order || sodium_init() < 0) return 1;
  try {
    Session session(SpecOf(*order), kOrders, kTerminal);
    prctl(PR_SET_DUMPABLE, 0);  // who may look into it could read the file's key
    if (!SendMessage(kOrders, {"started", std::to_string(session.program()), ""})) return 1;
    if (session.listener() >= 0 && !SendDescriptor(kOrders, session.listener())) return 1;
    if (session.input() >= 0 && !SendDescriptor(kOrders, session.input())) return 1;
    SendMessage(kOrders, MessageOf(session.Run()));
  } catch (const base::Error& error) {
    SendMessage(kOrders, {"refused", error.what(), error.remedy});
  }
  return 0;
}

}  // namespace yellow::adapters::recorder
