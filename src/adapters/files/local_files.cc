#include "adapters/files/local_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace yellow::adapters::files {
namespace {

namespace fs = std::filesystem;

base::Error Failure(const std::string& what, const std::string& path, int number) {
  return base::Error("file", what + " " + path + ": " + std::strerror(number));
}

class LocalFiles : public ports::FileSystem {
 public:
  std::map<std::string, std::string> ReadTree(const std::string& root, const std::string& folder) override {
    std::map<std::string, std::string> files;
    std::error_code error;
    fs::recursive_directory_iterator entry(fs::path(root) / folder, error);
    if (error) return files;
    for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      if (error) throw base::Error("file", "cannot read the folder " + root + "/" + folder + ": " + error.message());
      if (entry->path().filename().string().starts_with(".")) {
        if (entry->is_directory()) entry.disable_recursion_pending();
        continue;
      }
      if (!entry->is_regular_file()) continue;
      const auto text = Read(entry->path().string());
      if (text) files[fs::path(entry->path()).lexically_relative(root).generic_string()] = *text;
    }
    return files;
  }

  std::optional<std::string> Read(const std::string& path) override {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      throw Failure("cannot read", path, errno);
    }
    if (fs::is_directory(path)) return std::nullopt;
    return std::string((std::istreambuf_iterator<char>(in)), {});
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
    size_t written = 0;
    bool good = true;
    while (good && written < content.size()) {
      const ssize_t count = write(file, content.data() + written, content.size() - written);
      if (count < 0 && errno == EINTR) continue;
      good = count >= 0;
      if (good) written += static_cast<size_t>(count);
    }
    good = good && fsync(file) == 0;
    const int number = errno;
    close(file);
    if (!good || rename(beside.c_str(), path.c_str()) != 0) {
      unlink(beside.c_str());
      throw Failure("cannot write", path, good ? errno : number);
    }
  }

  bool Exists(const std::string& path) override { return fs::exists(path); }

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
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) return "";
    const auto size = static_cast<size_t>(in.tellg());
    in.seekg(static_cast<std::streamoff>(size > bytes ? size - bytes : 0));
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }

  void RemoveTree(const std::string& path) override {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

std::unique_ptr<ports::FileSystem> MakeFileSystem() { return std::make_unique<LocalFiles>(); }

}  // namespace yellow::adapters::files
