#include "adapters/embedded/server_program.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace yellow::adapters::embedded {
namespace {

constexpr int kOldest = 15;
constexpr int kNewestLookedFor = 30;

[[noreturn]] void Become(const char* program, char* const* arguments, int output, unsigned uid, unsigned gid,
                         int inherited) {
  setsid();
  if (inherited >= 0) fcntl(inherited, F_SETFD, 0);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(gid) != 0 || setuid(uid) != 0)) _exit(126);
  if (chdir("/") != 0) _exit(126);
  static char path[] = "PATH=/usr/bin:/bin";
  static char language[] = "LC_ALL=C.UTF-8";
  char* environment[] = {path, language, nullptr};
  execve(program, arguments, environment);
  _exit(127);
}

}  // namespace

std::string FolderOfServerPrograms() {
  if (const char* folder = getenv("YELLOW_PG_BIN"); folder != nullptr && *folder != '\0') return folder;
  for (int version = kNewestLookedFor; version >= kOldest; --version) {
    const std::string folder = "/usr/lib/postgresql/" + std::to_string(version) + "/bin";
    if (std::filesystem::exists(folder + "/initdb")) return folder;
  }
  throw base::Error("embedded", "PostgreSQL 15 or later is not installed")
      .Remedy("install the package postgresql-15, or set YELLOW_PG_BIN to the folder of initdb and pg_ctl");
}

namespace {

class LocalPrograms : public ports::ServerPrograms {
 public:
  ports::ProgramResult Run(const std::string& name, const std::vector<std::string>& arguments, unsigned uid,
                           unsigned gid, int inherited) override {
    const std::string program = FolderOfServerPrograms() + "/" + name;
    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    // A file and not a pipe: the server inherits it, and would keep a pipe open for as long as it lives.
    char path[] = "/tmp/yellow-program-XXXXXX";
    const int output = mkostemp(path, O_CLOEXEC);
    if (output < 0) throw base::Error("embedded", std::string("cannot make a temporary file: ") + std::strerror(errno));
    unlink(path);
    const pid_t child = fork();
    if (child < 0)
      throw base::Error("embedded", std::string("cannot start a process: ") + std::strerror(errno)).Retryable();
    if (child == 0) Become(program.c_str(), words.data(), output, uid, gid, inherited);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ports::ProgramResult result;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    char buffer[4096];
    lseek(output, 0, SEEK_SET);
    for (ssize_t count = 0; (count = read(output, buffer, sizeof buffer)) > 0;)
      result.output.append(buffer, static_cast<size_t>(count));
    close(output);
    while (!result.output.empty() && result.output.back() == '\n') result.output.pop_back();
    return result;
  }
};

}  // namespace

std::unique_ptr<ports::ServerPrograms> MakeServerPrograms() { return std::make_unique<LocalPrograms>(); }

}  // namespace yellow::adapters::embedded
