#include "adapters/process/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

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

/// What a guardian is told to start: words, each with its end, and pointers to them. Made without any memory of the
/// program's own, because the process that forked it had threads.
class Order {
 public:
  /// Waits for all of it. False when the other side has gone.
  bool Read(int from) {
    Header header{};
    if (!ReadAll(from, &header, sizeof header)) return false;
    const size_t pointers = (header.arguments + header.assignments + 2) * sizeof(char*);
    void* memory =
        mmap(nullptr, pointers + header.bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    char* words = static_cast<char*>(memory) + pointers;
    if (!ReadAll(from, words, header.bytes)) return false;
    folder_ = Next(words), output_ = Next(words);
    arguments_ = static_cast<char**>(memory);
    for (size_t i = 0; i < header.arguments; ++i) arguments_[i] = Next(words);  // a null pointer follows
    assignments_ = arguments_ + header.arguments + 1;
    for (size_t i = 0; i < header.assignments; ++i) assignments_[i] = Next(words);
    return true;
  }

  static std::string Written(const ports::ProcessSpec& spec) {
    std::string words;
    const auto add = [&](const std::string& word) { words.append(word).push_back('\0'); };
    add(spec.folder), add(spec.output_path);
    for (const std::string& argument : spec.command) add(argument);
    for (const auto& [name, value] : spec.environment) add(name + "=" + value);
    const Header header{spec.command.size(), spec.environment.size(), words.size()};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + words;
  }

  const char* folder() const { return folder_; }
  const char* output() const { return output_; }
  char** arguments() const { return arguments_; }
  char** assignments() const { return assignments_; }

 private:
  struct Header {
    size_t arguments, assignments, bytes;
  };

  static bool ReadAll(int from, void* to, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
      const ssize_t got = read(from, static_cast<char*>(to) + done, bytes - done);
      if (got == 0 || (got < 0 && errno != EINTR)) return false;
      if (got > 0) done += static_cast<size_t>(got);
    }
    return true;
  }

  static char* Next(char*& words) {
    char* const word = words;
    words += std::strlen(words) + 1;
    return word;
  }

  const char* folder_ = nullptr;
  const char* output_ = nullptr;
  char** arguments_ = nullptr;
  char** assignments_ = nullptr;
};

/// The code itself: in the group of its guardian, with its own output and nothing else of ours.
[[noreturn]] void Become(const Order& order, std::optional<uid_t> user) {
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  // Its own open file description in append mode: a truncation moves the writer too.
  const int append = open(order.output(), O_WRONLY | O_APPEND);
  dup2(append, STDOUT_FILENO);
  dup2(append, STDERR_FILENO);
  close_range(3, ~0U, 0);
  if (user && !BecomeRunUser(*user)) {
    dprintf(STDERR_FILENO, "cannot become user %u: %s\n", *user, std::strerror(errno));
    _exit(126);
  }
  if (chdir(order.folder()) != 0) _exit(126);
  environ = order.assignments();  // its PATH is where the program is looked for
  execvp(order.arguments()[0], order.arguments());
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", order.arguments()[0], std::strerror(errno));
  _exit(127);
}

/// The guardian, in its own process: waits for its order, starts the code, and guards it.
[[noreturn]] void BeGuardian(int orders, int alive, int lock, std::optional<uid_t> user) {
  setpgid(0, 0);
  std::array<int, 3> kept{orders, alive, lock};
  std::sort(kept.begin(), kept.end());
  unsigned from = STDERR_FILENO + 1;
  for (const int descriptor : kept) {
    const unsigned until = static_cast<unsigned>(descriptor);
    if (until > from) close_range(from, until - 1, 0);
    from = until + 1;
  }
  close_range(from, ~0U, 0);
  prctl(PR_SET_NAME, "yellow-guardian");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // A request to end that comes while the code is being started must reach it, and must not end its guardian.
  sigset_t ending, pending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  Order order;
  if (!order.Read(orders)) _exit(128 + SIGKILL);
  close(orders);
  // To copy the memory of the program only to throw it away takes a millisecond. What Become changes in it is nothing
  // that a guardian uses.
  const pid_t code = vfork();  // NOLINT(bugprone-unsafe-functions,clang-analyzer-security.insecureAPI.vfork)
  if (code == 0) Become(order, user);
  if (code < 0) _exit(126);
  if (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1) kill(code, SIGTERM);
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  sigprocmask(SIG_UNBLOCK, &ending, nullptr);
  Guard(code, alive, user);
}

base::Error Failure(const std::string& what) { return base::Error("process", what + ": " + std::strerror(errno)); }

}  // namespace

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

Guardian::Guardian(std::optional<uid_t> user, int lock) : user_(user) {
  int order[2], alive[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, order) != 0)
    throw Failure("cannot make a pair of sockets").Retryable();
  if (pipe2(alive, O_CLOEXEC) != 0) {
    const base::Error failure = Failure("cannot make a pipe").Retryable();
    close(order[0]), close(order[1]);
    throw failure;
  }
  process_ = fork();
  if (process_ == 0) BeGuardian(order[0], alive[0], lock, user);
  const base::Error failure = Failure("cannot start a process").Retryable();
  close(order[0]), close(alive[0]);
  order_ = order[1], alive_ = alive[1];
  if (process_ > 0) {
    setpgid(process_, process_);
    return;
  }
  close(order_), close(alive_);
  throw failure;
}

Guardian::~Guardian() {
  if (order_ >= 0) close(order_);
  if (alive_ >= 0) close(alive_);
  if (process_ > 0) waitpid(process_, nullptr, 0);
}

std::unique_ptr<ports::Process> Guardian::Start(const ports::ProcessSpec& spec) {
  const int output = open(spec.output_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (output < 0) throw Failure("cannot write " + spec.output_path);
  if (user_) GiveOutput(output, *user_, *user_);
  // From here on it is the process that ends the guardian.
  auto process =
      std::make_unique<ChildProcess>(std::exchange(process_, -1), std::exchange(alive_, -1), output, spec.output_limit);
  const std::string order = Order::Written(spec);
  for (size_t done = 0; done < order.size();) {
    const ssize_t wrote = send(order_, order.data() + done, order.size() - done, MSG_NOSIGNAL);
    if (wrote < 0 && errno != EINTR) throw Failure("cannot start the code").Retryable();
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  close(std::exchange(order_, -1));
  return process;
}

}  // namespace yellow::adapters::process
