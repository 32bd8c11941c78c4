#include "adapters/container/memory_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

namespace yellow::adapters::container {
namespace {

constexpr std::string_view kCount = "oom_kill ";

/// True when the process is there and has not ended. A number is not used again so soon.
bool IsAlive(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const size_t name = text.rfind(')');
  return name != std::string::npos && name + 2 < text.size() && text[name + 2] != 'Z' && text[name + 2] != 'X';
}

}  // namespace

std::string OomCounterOf(const std::string& cgroups) {
  std::istringstream lines(cgroups);
  std::string unified;
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos)
      return "/sys/fs/cgroup/memory" + path + "/memory.oom_control";
    if (controllers == ",,") unified = "/sys/fs/cgroup" + path + "/memory.events";
  }
  return unified;
}

std::unique_ptr<MemoryWatch> MemoryWatch::Of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/cgroup");
  const std::string cgroups((std::istreambuf_iterator<char>(in)), {});
  const std::string path = OomCounterOf(cgroups);
  const int file = path.empty() ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return file < 0 ? nullptr : std::unique_ptr<MemoryWatch>(new MemoryWatch(pid, file));
}

MemoryWatch::~MemoryWatch() { close(file_); }

void MemoryWatch::Look() {
  if (verdict_ != Verdict::kUnknown) return;
  const bool ended = !IsAlive(pid_);  // before the count is read, so that nothing can be missed
  char text[512] = "";
  const ssize_t length = pread(file_, text, sizeof text - 1, 0);
  if (length <= 0) return;
  const std::string_view counts(text, static_cast<size_t>(length));
  size_t at = counts.find(kCount);
  while (at != std::string_view::npos && at != 0 && counts[at - 1] != '\n') at = counts.find(kCount, at + 1);
  if (at == std::string_view::npos) return;
  if (std::strtoull(text + at + kCount.size(), nullptr, 10) > 0)
    verdict_ = Verdict::kKilled;
  else if (ended)
    verdict_ = Verdict::kNotKilled;
}

}  // namespace yellow::adapters::container
