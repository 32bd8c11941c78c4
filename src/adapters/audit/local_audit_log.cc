#include "adapters/audit/local_audit_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include "adapters/audit/git.h"
#include "base/error.h"

namespace yellow::adapters::audit {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".jsonl";
constexpr size_t kDigits = 6;
constexpr const char* kGitFile = "yellow-audit-anchors.jsonl";
constexpr const char* kSystemLog = "/dev/log";
constexpr const char* kPriority = "<109>";  // of the facility for what concerns access (13), at notice (5)

base::Error Failure(const std::string& what, const std::string& path, const char* code = "file") {
  return base::Error(code, what + " " + path + ": " + std::strerror(errno));
}

/// An open file or socket; negative: none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    const int kept = errno;
    if (number_ >= 0) close(number_);
    errno = kept;
  }
  int number() const { return number_; }

 private:
  int number_;
};

std::string PathOf(const std::string& folder, int segment) {
  const std::string number = std::to_string(segment);
  return folder + "/" + std::string(number.size() < kDigits ? kDigits - number.size() : 0, '0') + number + kEnding;
}

void WriteAll(const Descriptor& file, std::string_view text, const std::string& path, const char* code = "file") {
  while (!text.empty()) {
    const ssize_t count = write(file.number(), text.data(), text.size());
    if (count < 0 && errno != EINTR) throw Failure("cannot write", path, code);
    if (count > 0) text.remove_prefix(static_cast<size_t>(count));
  }
  if (fsync(file.number()) != 0) throw Failure("cannot write", path, code);
}

std::string ReadAll(const std::string& path, const char* code = "file") {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) throw Failure("cannot read", path, code);
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t count = read(file.number(), buffer, sizeof buffer);
    if (count == 0) return text;
    if (count < 0 && errno != EINTR) throw Failure("cannot read", path, code);
    if (count > 0) text.append(buffer, static_cast<size_t>(count));
  }
}

/// The names in a folder are on disk, too.
void SyncFolder(const std::string& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number() < 0 || fsync(opened.number()) != 0) throw Failure("cannot write", folder);
}

class FolderLock : public ports::AuditLog::Lock {
 public:
  explicit FolderLock(Descriptor file) : file_(std::move(file)) {}

 private:
  const Descriptor file_;
};

std::string Below(const std::string& project, const std::string& path) { return (fs::path(project) / path).string(); }

void AddLine(const std::string& path, const std::string& line) {
  const Descriptor file(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (file.number() < 0) throw Failure("cannot write", path, "anchor");
  // Somebody may have been killed in the middle of a line; the next one is not to be its rest.
  const off_t size = lseek(file.number(), 0, SEEK_END);
  char last = '\n';
  if (size > 0 && pread(file.number(), &last, 1, size - 1) != 1) throw Failure("cannot read", path, "anchor");
  WriteAll(file, (last == '\n' ? "" : "\n") + line + "\n", path, "anchor");
}

void SendToSystemLog(const std::string& line) {
  const Descriptor log(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, kSystemLog, sizeof address.sun_path - 1);
  const std::string message = std::string(kPriority) + "yellow: " + line;
  if (log.number() < 0 || connect(log.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      send(log.number(), message.data(), message.size(), MSG_NOSIGNAL) < 0)
    throw Failure("cannot write to", kSystemLog, "anchor");
}

class LocalAuditLog : public ports::AuditLog {
 public:
  std::unique_ptr<Lock> TryLock(const std::string& folder) override {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw base::Error("file", "cannot make the folder " + folder + ": " + error.message());
    chmod(folder.c_str(), 0700);
    const std::string path = folder + "/lock";
    Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.number() < 0) throw Failure("cannot open", path);
    if (flock(file.number(), LOCK_EX | LOCK_NB) == 0) return std::make_unique<FolderLock>(std::move(file));
    if (errno == EWOULDBLOCK) return nullptr;
    throw Failure("cannot lock", path);
  }

  std::vector<int> Segments(const std::string& folder) override {
    std::vector<int> numbers;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      int number = 0;
      const auto [rest, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
      if (failure == std::errc() && number > 0 && PathOf(folder, number) == folder + "/" + name)
        numbers.push_back(number);
    }
    if (error && error != std::errc::no_such_file_or_directory)
      throw base::Error("file", "cannot read the folder " + folder + ": " + error.message());
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  std::string Read(const std::string& folder, int segment) override { return ReadAll(PathOf(folder, segment)); }

  uint64_t Size(const std::string& folder, int segment) override {
    std::error_code error;
    const auto size = fs::file_size(PathOf(folder, segment), error);
    return error ? 0 : size;
  }

  void Append(const std::string& folder, int segment, std::string_view lines) override {
    const std::string path = PathOf(folder, segment);
    const bool is_new = !fs::exists(path);
    const Descriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.number() < 0) throw Failure("cannot write", path);
    WriteAll(file, lines, path);
    if (is_new) SyncFolder(folder);
  }

  void SetAside(const std::string& folder, int segment, uint64_t size, const std::string& name) override {
    const std::string path = PathOf(folder, segment), beside = folder + "/" + name;
    const std::string text = ReadAll(path);
    if (text.size() <= size) return;
    {
      const Descriptor file(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (file.number() < 0) throw Failure("cannot write", beside);
      WriteAll(file, std::string_view(text).substr(size), beside);
    }
    SyncFolder(folder);
    const Descriptor segment_file(open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    if (segment_file.number() < 0 || ftruncate(segment_file.number(), static_cast<off_t>(size)) != 0 ||
        fsync(segment_file.number()) != 0)
      throw Failure("cannot write", path);
  }

  void Note(const model::AnchorTarget& target, const std::string& project, const std::string& line) override {
    if (const auto* file = std::get_if<model::FileAnchor>(&target)) return AddLine(Below(project, file->path), line);
    const auto* git = std::get_if<model::GitAnchor>(&target);
    if (git == nullptr) return SendToSystemLog(line);
    const std::string folder = Below(project, git->folder);
    AddLine(folder + "/" + kGitFile, line);
    RunGit(folder, {"add", "--", kGitFile});
    RunGit(folder, {"commit", "--quiet", "--only", "--message", "The end of Yellow's audit log", "--", kGitFile});
  }

  std::string ReadNotes(const model::AnchorTarget& target, const std::string& project) override {
    if (const auto* file = std::get_if<model::FileAnchor>(&target))
      return ReadAll(Below(project, file->path), "anchor");
    const auto* git = std::get_if<model::GitAnchor>(&target);
    return git == nullptr ? "" : ReadAll(Below(project, git->folder) + "/" + kGitFile, "anchor");
  }
};

}  // namespace

std::unique_ptr<ports::AuditLog> MakeAuditLog() { return std::make_unique<LocalAuditLog>(); }

}  // namespace yellow::adapters::audit
