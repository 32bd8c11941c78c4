#include "adapters/audit/git.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace yellow::adapters::audit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{10};
constexpr size_t kMostSaid = 4096;

base::Error Failure(const std::string& why) { return base::Error("anchor", "git: " + why); }

std::string Variable(const char* name, const std::string& otherwise) {
  const char* value = getenv(name);
  return std::string(name) + "=" + (value == nullptr ? otherwise : value);
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts it with what it says going to `output`.
pid_t Start(std::vector<std::string> words, int output) {
  std::vector<std::string> environment{Variable("PATH", "/usr/bin:/bin"), Variable("HOME", "/"), "LC_ALL=C.UTF-8",
                                       "GIT_TERMINAL_PROMPT=0"};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t process = -1;
  const std::vector<char*> pointers = Pointers(words);
  const int failure = posix_spawnp(&process, "git", &actions, nullptr, pointers.data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw Failure(std::string("cannot be started: ") + std::strerror(failure));
  return process;
}

/// What it says until it has closed its output; false when that takes too long.
bool Listen(int input, std::string& said) {
  const auto until = Clock::now() + kPatience;
  std::array<char, 1024> buffer{};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{input, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t count = read(input, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    if (said.size() < kMostSaid) said.append(buffer.data(), static_cast<size_t>(count));
  }
}

}  // namespace

void RunGit(const std::string& folder, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"git",
                                 "-C",
                                 folder,
                                 "-c",
                                 "core.hooksPath=/dev/null",
                                 "-c",
                                 "commit.gpgSign=false",
                                 "-c",
                                 "user.name=yellow",
                                 "-c",
                                 "user.email=yellow@localhost"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Failure(std::strerror(errno));
  pid_t process = -1;
  try {
    process = Start(std::move(words), ends[1]);
  } catch (...) {
    close(ends[0]), close(ends[1]);
    throw;
  }
  close(ends[1]);
  std::string said;
  const bool in_time = Listen(ends[0], said);
  close(ends[0]);
  if (!in_time) kill(process, SIGKILL);
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) throw Failure("does not end");
  while (!said.empty() && said.back() == '\n') said.pop_back();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw Failure(said.empty() ? "has failed" : said);
}

}  // namespace yellow::adapters::audit
