#include "adapters/process/run_user.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <span>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace yellow::adapters::process {
namespace {

constexpr int kKillRounds = 200;
constexpr useconds_t kKillPause = 10000;
// capabilities(7): CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID.
constexpr uint64_t kNeeded = 1U << 0 | 1U << 5 | 1U << 6 | 1U << 7;

/// The value of a line `Name:\tvalue…` of proc(5) status; empty when it is not there.
std::string StatusLine(const std::string& process, const std::string& name) {
  std::ifstream in("/proc/" + process + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "";
}

/// True when the user namespace of this process has all of these numbers (user_namespaces(7)).
bool NamespaceHasThem(const char* map) {
  std::ifstream in(map);
  for (uint64_t inside = 0, outside = 0, count = 0; in >> inside >> outside >> count;) {
    if (inside <= kFirstRunUser && inside + count > kLastRunUser) return true;
  }
  return false;
}

/// The whole of a small file of proc(5), read at once; empty when it is not there any more.
std::string_view ReadAtOnce(const std::string& path, std::span<char> buffer) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t length = read(file, buffer.data(), buffer.size());
  close(file);
  return {buffer.data(), static_cast<size_t>(std::max<ssize_t>(length, 0))};
}

/// The users of the processes that live: real, effective, saved and for files.
std::set<uid_t> UsersOfProcesses() {
  std::set<uid_t> users;
  std::array<char, 4096> buffer{};
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (folder == nullptr) throw base::Error("process", "cannot read /proc");
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const std::string_view status = ReadAtOnce("/proc/" + std::string(entry->d_name) + "/status", buffer);
    if (status.find("\nState:\tZ") != std::string_view::npos) continue;  // has ended, and only waits to be seen
    const size_t line = status.find("\nUid:\t");
    if (line == std::string_view::npos) continue;
    std::istringstream numbers(std::string(status.substr(line + 6, status.find('\n', line + 1) - line - 6)));
    for (uid_t user = 0; numbers >> user;) users.insert(user);
  }
  return users;
}

bool HasAccount(uid_t number) {
  std::vector<char> buffer(1 << 16);
  passwd user{};
  passwd* found_user = nullptr;
  group of_users{};
  group* found_group = nullptr;
  return getpwuid_r(number, &user, buffer.data(), buffer.size(), &found_user) != 0 || found_user != nullptr ||
         getgrgid_r(number, &of_users, buffer.data(), buffer.size(), &found_group) != 0 || found_group != nullptr;
}

}  // namespace

std::string WhyNoRunUser() {
  if (geteuid() != 0) return "only root can give each run a user of its own";
  const uint64_t capabilities = std::strtoull(StatusLine("self", "CapEff").c_str(), nullptr, 16);
  if ((capabilities & kNeeded) != kNeeded) return "this root may not become another user (CAP_SETUID and its like)";
  if (!NamespaceHasThem("/proc/self/uid_map") || !NamespaceHasThem("/proc/self/gid_map"))
    return "this user namespace lacks the users 61184 to 65519";
  return "";
}

uid_t ChooseRunUser(const std::set<uid_t>& taken) {
  const std::set<uid_t> living = UsersOfProcesses();
  constexpr uid_t kCount = kLastRunUser - kFirstRunUser + 1;
  // From a random one on: what code has left in a folder of everybody's should wait long for the same number.
  const uid_t begin = std::random_device{}() % kCount;
  for (uid_t i = 0; i < kCount; ++i) {
    const uid_t user = kFirstRunUser + (begin + i) % kCount;
    if (taken.count(user) == 0 && living.count(user) == 0 && !HasAccount(user)) return user;
  }
  throw base::Error("process", "every user from 61184 to 65519 is in use").Retryable();
}

bool BecomeRunUser(uid_t user) {
  return setgroups(0, nullptr) == 0 && setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0 &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

void KillAllOf(uid_t user) {
  const pid_t child = fork();
  if (child == 0) {
    // As that user, so that `all` is what it may signal: its own processes, even one that forks without end.
    if (BecomeRunUser(user)) kill(-1, SIGKILL);
    _exit(0);
  }
  while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool EndAllOf(uid_t user) {
  for (int round = 0; round < kKillRounds; ++round) {
    KillAllOf(user);
    if (UsersOfProcesses().count(user) == 0) return true;
    usleep(kKillPause);
  }
  return false;
}

bool MayExecute(uid_t user, const std::string& path) {
  const pid_t child = fork();
  if (child == 0) _exit(BecomeRunUser(user) && access(path.c_str(), X_OK) == 0 ? 0 : 1);
  int status = 1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace yellow::adapters::process
