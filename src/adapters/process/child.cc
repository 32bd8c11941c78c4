#include "adapters/process/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "adapters/process/guardian.h"
#include "adapters/process/run_user.h"
#include "base/error.h"

namespace yellow::adapters::process {
namespace {

constexpr std::chrono::seconds kGrace{5};

/// The code may open its own output again, as /dev/stdout, while it runs.
void GiveOutput(int output, uid_t user, gid_t group) {
  struct stat info{};
  if (geteuid() == 0 && fstat(output, &info) == 0 && S_ISREG(info.st_mode) && fchown(output, user, group) != 0) {
    // Then it cannot, and goes on writing all the same.
  }
}

class ChildProcess : public ports::Process {
 public:
  /// `guardian` leads the group of the code; closing `alive` makes it kill everything.
  ChildProcess(pid_t guardian, int alive, int output, int64_t limit)
      : guardian_(guardian), alive_(alive), output_(output), limit_(limit) {}
  ~ChildProcess() override {
    Abandon();
    if (!exit_) waitpid(guardian_, nullptr, 0);
    GiveOutput(output_, geteuid(), getegid());
    close(output_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  std::optional<ports::ProcessExit> Poll() override {
    if (exit_) return exit_;
    CapOutput();
    if (killing_since_ && std::chrono::steady_clock::now() - *killing_since_ > kGrace) Abandon();
    int status = 0;
    if (waitpid(guardian_, &status, WNOHANG) != guardian_) return std::nullopt;
    ports::ProcessExit exit;
    exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    exit.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + exit.signal;
    exit_ = exit;
    return exit_;
  }

  void Terminate() override {
    if (exit_ || killing_since_) return;
    kill(-guardian_, SIGTERM);  // the guardian ignores it
    killing_since_ = std::chrono::steady_clock::now();
  }

 private:
  void Abandon() {
    if (alive_ >= 0) close(alive_);
    alive_ = -1;
  }

  /// Past its limit the output is cut back to the limit, so that a flood fills no disk and the code goes on.
  void CapOutput() {
    struct stat info{};
    if (fstat(output_, &info) == 0 && info.st_size > limit_ && ftruncate(output_, limit_) != 0) Terminate();
  }

  pid_t guardian_;
  int alive_;
  int output_;
  int64_t limit_;
  std::optional<ports::ProcessExit> exit_;
  std::optional<std::chrono::steady_clock::time_point> killing_since_;
};

/// The code itself: in the group of its guardian, with its own output and nothing else of ours.
[[noreturn]] void Become(const ports::ProcessSpec& spec, char* const* arguments, char* const* environment,
                         std::optional<uid_t> user) {
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  // Its own open file description in append mode: a truncation moves the writer too.
  const int append = open(spec.output_path.c_str(), O_WRONLY | O_APPEND);
  dup2(append, STDOUT_FILENO);
  dup2(append, STDERR_FILENO);
  close_range(3, ~0U, 0);
  if (user && !BecomeRunUser(*user)) {
    dprintf(STDERR_FILENO, "cannot become user %u: %s\n", *user, std::strerror(errno));
    _exit(126);
  }
  if (chdir(spec.folder.c_str()) != 0) _exit(126);
  const auto path = spec.environment.find("PATH");
  if (path != spec.environment.end()) setenv("PATH", path->second.c_str(), 1);
  execvpe(arguments[0], arguments, environment);
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", arguments[0], std::strerror(errno));
  _exit(127);
}

}  // namespace

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::unique_ptr<ports::Process> StartChild(const ports::ProcessSpec& spec, std::optional<uid_t> user, int lock) {
  const int output = open(spec.output_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (output < 0) throw base::Error("process", "cannot write " + spec.output_path + ": " + std::strerror(errno));
  if (user) GiveOutput(output, *user, *user);
  std::vector<std::string> assignments;
  for (const auto& [name, value] : spec.environment) assignments.push_back(name + "=" + value);
  const std::vector<char*> arguments = Pointers(spec.command);
  const std::vector<char*> environment = Pointers(assignments);
  int alive[2];
  if (pipe2(alive, O_CLOEXEC) != 0) {
    const int number = errno;
    close(output);
    throw base::Error("process", std::string("cannot make a pipe: ") + std::strerror(number)).Retryable();
  }
  const pid_t guardian = fork();
  if (guardian < 0) {
    const int number = errno;
    close(output);
    close(alive[0]);
    close(alive[1]);
    throw base::Error("process", std::string("cannot start a process: ") + std::strerror(number)).Retryable();
  }
  if (guardian == 0) {
    setpgid(0, 0);
    for (int descriptor = 3; descriptor < 1024; ++descriptor) {
      if (descriptor != alive[0] && descriptor != lock) close(descriptor);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    // A request to end that comes while the code is being started must reach it, and must not end its guardian.
    sigset_t ending, pending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigprocmask(SIG_BLOCK, &ending, nullptr);
    const pid_t code = fork();
    if (code == 0) Become(spec, arguments.data(), environment.data(), user);
    if (code < 0) _exit(126);
    if (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1) kill(code, SIGTERM);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &ending, nullptr);
    Guard(code, alive[0], user);
  }
  setpgid(guardian, guardian);
  close(alive[0]);
  return std::make_unique<ChildProcess>(guardian, alive[1], output, spec.output_limit);
}

}  // namespace yellow::adapters::process
