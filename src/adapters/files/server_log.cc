#include "adapters/files/server_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "base/error.h"

namespace yellow::adapters::files {
namespace {

namespace fs = std::filesystem;

base::Error LogFailure(const std::string& what, const std::string& path, int number) {
  return base::Error("server_log", what + " " + path + ": " + std::strerror(number));
}

bool IsPacked(const std::string& name) {
  static constexpr std::array<const char*, 4> kEnds{".gz", ".xz", ".bz2", ".zst"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](const char* end) { return name.ends_with(end); });
}

/// The name of the file that the server says it writes to (current_logfiles, in its data folder); empty: not known.
std::string CurrentName(const fs::path& folder) {
  std::ifstream said(folder.parent_path() / "current_logfiles");
  for (std::string kind, path; said >> kind && std::getline(said >> std::ws, path);)
    if (kind == "jsonlog") return fs::path(path).filename().string();
  return "";
}

class LogFolder : public ports::ServerLog {
 public:
  std::vector<ports::ServerLogFile> Files(const std::string& folder) override {
    std::vector<ports::ServerLogFile> files;
    // Asked first: a file that was begun meanwhile is one more that it may write to.
    const std::string current = CurrentName(folder);
    std::error_code error;
    for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      struct stat found{};
      if (name.find(".json") == std::string::npos || IsPacked(name) || lstat(entry->path().c_str(), &found) != 0 ||
          !S_ISREG(found.st_mode))
        continue;
      const int64_t changed = int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec;
      files.push_back({entry->path().string(), found.st_size, changed, current.empty() || name == current});
    }
    if (error) throw LogFailure("cannot read the folder of the server's log", folder, error.value());
    std::sort(files.begin(), files.end(), [](const ports::ServerLogFile& a, const ports::ServerLogFile& b) {
      return std::tie(a.changed, a.path) < std::tie(b.changed, b.path);
    });
    // What is newer than the one that is written to was begun a moment ago.
    const auto written =
        std::find_if(files.begin(), files.end(), [](const ports::ServerLogFile& file) { return file.current; });
    std::for_each(written, files.end(), [](ports::ServerLogFile& file) { file.current = true; });
    if (written == files.end()) std::for_each(files.begin(), files.end(), [](auto& file) { file.current = true; });
    return files;
  }

  std::string Read(const std::string& path, int64_t from, size_t most) override {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
      if (errno == ENOENT) return "";
      throw LogFailure("cannot read the server's log", path, errno);
    }
    std::string bytes(most, '\0');
    size_t got = 0;
    for (ssize_t count = 1; count > 0 && got < most; got += static_cast<size_t>(std::max<ssize_t>(count, 0))) {
      count = pread(file, bytes.data() + got, most - got, from + static_cast<int64_t>(got));
      if (count >= 0 || errno == EINTR) continue;
      const int number = errno;
      close(file);
      throw LogFailure("cannot read the server's log", path, number);
    }
    close(file);
    bytes.resize(got);
    return bytes;
  }

  void Add(const std::string& path, const std::string& text) override {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) throw LogFailure("cannot write", path, errno);
    size_t written = 0;
    while (written < text.size()) {
      const ssize_t count = write(file, text.data() + written, text.size() - written);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        const int number = errno;
        close(file);
        throw LogFailure("cannot write", path, number);
      }
      written += static_cast<size_t>(count);
    }
    close(file);
  }

  void Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) throw LogFailure("cannot remove", path, errno);
  }
};

}  // namespace

std::unique_ptr<ports::ServerLog> MakeServerLog() { return std::make_unique<LogFolder>(); }

}  // namespace yellow::adapters::files
