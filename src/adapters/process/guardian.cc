#include "adapters/process/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "adapters/process/run_user.h"

namespace yellow::adapters::process {
namespace {

constexpr int kRounds = 200;
constexpr useconds_t kPause = 5000;

/// Kills every child; children of the dead become ours and go in the next round. Only async-signal-safe calls: the
/// process that was forked had threads.
void KillDescendants(std::optional<uid_t> user) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  for (int round = 0; round < kRounds; ++round) {
    if (user) KillAllOf(*user);
    char list[4096];
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t length = file < 0 ? 0 : read(file, list, sizeof list - 1);
    if (file >= 0) close(file);
    list[length > 0 ? length : 0] = '\0';
    for (char* at = list; *at != '\0';) {
      char* end = at;
      const long pid = std::strtol(at, &end, 10);
      if (end == at) break;
      if (pid > 1) kill(static_cast<pid_t>(pid), SIGKILL);
      at = *end == ' ' ? end + 1 : end;
    }
    pid_t ended = 0;
    while ((ended = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0 && errno == ECHILD) return;
    usleep(kPause);
  }
}

[[noreturn]] void EndAs(int status) {
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  signal(WTERMSIG(status), SIG_DFL);
  kill(getpid(), WTERMSIG(status));
  _exit(128 + WTERMSIG(status));
}

}  // namespace

void Guard(pid_t code, int alive, std::optional<uid_t> user) {
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, code, 0));
  pollfd waiting[2] = {{alive, POLLIN, 0}, {watched, POLLIN, 0}};
  while (true) {
    const int ready = poll(waiting, 2, watched < 0 ? 20 : -1);
    int status = 0;
    if (waitpid(code, &status, WNOHANG) == code) {
      KillDescendants(user);
      EndAs(status);
    }
    if (ready > 0 && waiting[0].revents != 0) {
      KillDescendants(user);
      _exit(128 + SIGKILL);
    }
  }
}

}  // namespace yellow::adapters::process
