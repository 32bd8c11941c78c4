#include "adapters/files/local_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/error.h"

namespace yellow::adapters::files {
namespace {

namespace fs = std::filesystem;

base::Error Failure(const std::string& what, const std::string& path, int number) {
  return base::Error("file", what + " " + path + ": " + std::strerror(number));
}

/// What programs make beside code, and people do not write.
bool IsGenerated(const fs::path& path, bool folder) {
  const std::string name = path.filename().string();
  if (name.starts_with(".")) return true;
  if (!folder) return name.ends_with(".pyc");
  std::error_code error;
  return name == "__pycache__" || name == "node_modules" || fs::exists(path / "pyvenv.cfg", error);
}

/// One walk through a tree; links are followed, but not out of `within`.
class TreeReader {
 public:
  TreeReader(ports::FileSystem& files, std::vector<fs::path> within, std::map<std::string, std::string>& read)
      : files_(files), within_(std::move(within)), read_(read) {}

  void Read(const fs::path& folder, const std::string& name) {
    above_.push_back(fs::canonical(folder));
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const std::string entry_name = name + "/" + entry->path().filename().string();
      const fs::file_status status = entry->status(error);  // of what a link leads to
      if (IsGenerated(entry->path(), fs::is_directory(status))) continue;
      if (entry->is_symlink()) RequireWithin(entry->path(), entry_name, status);
      if (fs::is_directory(status)) Read(entry->path(), entry_name);
      if (!fs::is_regular_file(status)) continue;
      if (auto content = files_.Read(entry->path().string())) read_[entry_name] = std::move(*content);
    }
    if (error) throw base::Error("file", "cannot read the folder " + folder.string() + ": " + error.message());
    above_.pop_back();
  }

 private:
  void RequireWithin(const fs::path& link, const std::string& name, const fs::file_status& status) const {
    std::error_code error;
    const fs::path target = fs::canonical(link, error);
    if (error || !fs::exists(status))
      throw base::Error("file", "the link leads nowhere: " + name).Remedy("remove it, or mend it");
    const auto lies_below = [&](const fs::path& folder) {
      return std::mismatch(folder.begin(), folder.end(), target.begin(), target.end()).first == folder.end();
    };
    if (std::none_of(within_.begin(), within_.end(), lies_below))
      throw base::Error("file", "the link leads out of the project: " + name + " -> " + target.string())
          .Remedy("put a copy there: the model is stored as it stands, with all its files");
    if (std::find(above_.begin(), above_.end(), target) != above_.end())
      throw base::Error("file", "the link leads back to a folder that it lies in: " + name).Remedy("remove it");
  }

  ports::FileSystem& files_;
  const std::vector<fs::path> within_;
  std::vector<fs::path> above_;  ///< the folders that the walk is in
  std::map<std::string, std::string>& read_;
};

/// An open file, or (negative) none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    const int kept = errno;
    if (number_ >= 0) close(number_);
    errno = kept;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  const int number_;
};

/// Appends what follows in the file. False when it cannot; errno says why.
bool ReadAll(int file, std::string& content) {
  char buffer[65536];
  while (true) {
    const ssize_t count = read(file, buffer, sizeof buffer);
    if (count == 0) return true;
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) content.append(buffer, static_cast<size_t>(count));
  }
}

/// False when it cannot; errno says why.
bool WriteAll(int file, const std::string& content) {
  size_t written = 0;
  while (written < content.size()) {
    const ssize_t count = write(file, content.data() + written, content.size() - written);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) written += static_cast<size_t>(count);
  }
  return true;
}

bool IsProgram(const std::string& content) { return content.starts_with("#!") || content.starts_with("\177ELF"); }

class LocalFiles : public ports::FileSystem {
 public:
  std::map<std::string, std::string> ReadTree(const std::string& root, const std::string& folder) override {
    std::map<std::string, std::string> files;
    std::error_code error;
    const fs::path top = fs::path(root) / folder;
    if (!fs::is_directory(top, error)) return files;
    TreeReader(*this, {fs::canonical(root), fs::canonical(top)}, files).Read(top, folder);
    return files;
  }

  std::optional<std::string> Read(const std::string& path) override {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    if (file.number() >= 0 && ReadAll(file.number(), content)) return content;
    if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR) return std::nullopt;
    throw Failure("cannot read", path, errno);
  }

  std::optional<std::string> ReadPart(const std::string& path, int64_t offset, size_t most) override {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    std::string part(most, '\0');
    size_t done = 0;
    while (file.number() >= 0 && done < most) {
      const ssize_t count = pread(file.number(), part.data() + done, most - done, offset + static_cast<int64_t>(done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Failure("cannot read", path, errno);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    if (file.number() < 0) throw Failure("cannot read", path, errno);
    part.resize(done);
    return part;
  }

  void WriteAtomically(const std::string& path, const std::string& content, bool secret) override {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (error) throw base::Error("file", "cannot make the folder of " + path + ": " + error.message());
    if (secret) chmod(fs::path(path).parent_path().c_str(), 0700);
    std::string beside = path + ".XXXXXX";
    const int file = mkostemp(beside.data(), O_CLOEXEC);
    if (file < 0) throw Failure("cannot write", path, errno);
    if (!secret) fchmod(file, 0644);
    const bool good = WriteAll(file, content) && fsync(file) == 0;
    const int number = errno;
    close(file);
    if (!good || rename(beside.c_str(), path.c_str()) != 0) {
      unlink(beside.c_str());
      throw Failure("cannot write", path, good ? errno : number);
    }
  }

  void Fill(const std::string& path, const std::string& content) override {
    const int file = open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file < 0) throw Failure("cannot write", path, errno);
    const bool good = WriteAll(file, content);
    const int number = errno;
    close(file);
    if (!good) throw Failure("cannot write", path, number);
  }

  void WritePrivateTree(const std::string& folder, const std::map<std::string, std::string>& files) override {
    for (const auto& [name, content] : files) {
      const fs::path path = fs::path(folder) / name;
      for (fs::path part = folder; const fs::path& step : fs::path(name).parent_path()) {
        part /= step;
        if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
          throw Failure("cannot make the folder", part.string(), errno);
      }
      const int file =
          open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, IsProgram(content) ? 0700 : 0600);
      if (file < 0) throw Failure("cannot write", path.string(), errno);
      const bool good = WriteAll(file, content);
      const int number = errno;
      close(file);
      if (!good) throw Failure("cannot write", path.string(), number);
    }
  }

  void Link(const std::string& path, const std::string& target) override {
    if (symlink(target.c_str(), path.c_str()) != 0) throw Failure("cannot make a link", path, errno);
  }

  bool Exists(const std::string& path) override {
    std::error_code unreadable;
    return fs::exists(path, unreadable);
  }

  std::optional<ports::DiskSpace> Space(const std::string& path) override {
    std::error_code unreadable;
    const fs::space_info found = fs::space(path, unreadable);
    if (unreadable) return std::nullopt;
    return ports::DiskSpace{found.available, found.capacity};
  }

  void MakeFolder(const std::string& path, unsigned mode) override {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) throw base::Error("file", "cannot make the folder " + path + ": " + error.message());
    chmod(path.c_str(), mode);
  }

  void GiveTo(const std::string& path, unsigned uid, unsigned gid) override {
    if (geteuid() == 0 && chown(path.c_str(), uid, gid) != 0) throw Failure("cannot give away", path, errno);
  }

  std::string ReadTail(const std::string& path, size_t bytes) override {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    if (file.number() >= 0) {
      const off_t size = lseek(file.number(), 0, SEEK_END);
      const auto most = static_cast<off_t>(bytes);
      if (size >= 0 && lseek(file.number(), size > most ? size - most : 0, SEEK_SET) >= 0 &&
          ReadAll(file.number(), content))
        return content;
    }
    if (errno == ENOENT || errno == ENOTDIR) return "";
    return content + "\n[" + path + " cannot be read: " + std::strerror(errno) + "]\n";
  }

  std::vector<std::string> FoldersIn(const std::string& path) override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_directory(ignored)) names.push_back(entry->path().filename().string());
    }
    return names;
  }

  void RemoveTree(const std::string& path) override {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

std::unique_ptr<ports::FileSystem> MakeFileSystem() { return std::make_unique<LocalFiles>(); }

}  // namespace yellow::adapters::files
