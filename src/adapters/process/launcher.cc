#include "adapters/process/launcher.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>

#include "adapters/process/child.h"
#include "adapters/process/run_user.h"
#include "adapters/process/workplace.h"
#include "base/error.h"

namespace yellow::adapters::process {
namespace {

/// Start time of a process in clock ticks since boot (field 22 of proc(5) stat); nothing when it is not there.
std::optional<uint64_t> StartOf(int64_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(in)), {});
  size_t at = stat.rfind(')');  // the name of the program stands in brackets, and may hold anything
  for (int field = 0; field < 20 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  uint64_t start = 0;
  if (at == std::string::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), start);
  return error == std::errc() ? std::optional(start) : std::nullopt;
}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

class LocalLauncher : public ports::ProcessLauncher {
 public:
  std::unique_ptr<ports::Workplace> MakeWorkplace(const std::string& data, const std::string& name) override {
    return MakeLocalWorkplace(data, name);
  }
  void CleanUp(const std::string& data) override { CleanWorkplaces(data); }
  std::string WhyNoUser() override { return WhyNoRunUser(); }

  bool MayBeAlive(const std::string& holder) override {
    const auto known = ports::ParseHolder(holder);
    return !known || known->host != HostName() || StartOf(known->pid) == known->start;
  }
};

}  // namespace

ports::Holder ThisProcess() { return {HostName(), getpid(), StartOf(getpid()).value_or(0)}; }

std::unique_ptr<ports::ProcessLauncher> MakeLauncher() { return std::make_unique<LocalLauncher>(); }

int RunInForeground(const std::vector<std::string>& command, const std::map<std::string, std::string>& variables) {
  const std::vector<char*> arguments = Pointers(command);
  struct sigaction ignore{}, interrupt{}, quit{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &interrupt);  // Ctrl-C is for the program in front
  sigaction(SIGQUIT, &ignore, &quit);
  const pid_t child = fork();
  if (child == 0) {
    sigaction(SIGINT, &interrupt, nullptr);
    sigaction(SIGQUIT, &quit, nullptr);
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
    execvp(arguments[0], arguments.data());
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", arguments[0], std::strerror(errno));
    _exit(127);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  sigaction(SIGINT, &interrupt, nullptr);
  sigaction(SIGQUIT, &quit, nullptr);
  return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace yellow::adapters::process
