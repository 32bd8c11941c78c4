#include "adapters/process/workplace.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "adapters/process/child.h"
#include "adapters/process/run_user.h"
#include "base/error.h"

namespace yellow::adapters::process {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHome = "/var/lib/yellow";  // root's own folders may be closed to everybody else
constexpr std::string_view kLockSuffix = ".lock";

base::Error Failure(const std::string& what, const std::string& path) {
  return base::Error("process", what + " " + path + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int operator*() const { return number_; }

 private:
  int number_;
};

void MakeFolder(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) throw Failure("cannot make the folder", path);
  if (chmod(path.c_str(), mode) != 0) throw Failure("cannot use the folder", path);
}

/// Where the workplaces are, made if it is not there.
std::string PlaceOf(const std::string& data, bool with_user) {
  if (!with_user) {
    std::error_code error;
    fs::create_directories(fs::path(data).parent_path(), error);  // MakeFolder says what is wrong
    MakeFolder(data, 0700);
    MakeFolder(data + "/work", 0700);
    return data + "/work";
  }
  MakeFolder(kHome, 0711);
  MakeFolder(std::string(kHome) + "/runs", 0711);
  return std::string(kHome) + "/runs";
}

/// While it is held nobody else makes a workplace there or cleans one.
Descriptor LockAll(const std::string& place) {
  const std::string path = place + "/all" + std::string(kLockSuffix);
  Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  while (*lock < 0 || flock(*lock, LOCK_EX) != 0) {
    if (*lock < 0 || errno != EINTR) throw Failure("cannot lock", path);
  }
  return lock;
}

std::optional<uid_t> UserIn(int lock_file) {
  char text[16] = "";
  const ssize_t length = pread(lock_file, text, sizeof text, 0);
  uid_t user = 0;
  if (length <= 0 || std::from_chars(text, text + length, user).ec != std::errc()) return std::nullopt;
  return user >= kFirstRunUser && user <= kLastRunUser ? std::optional(user) : std::nullopt;
}

/// False when a process of its user does not end; then the lock file stays, and with it the user's number.
bool Remove(const std::string& folder, std::optional<uid_t> user) {
  if (user && !EndAllOf(*user)) return false;
  std::error_code error;
  fs::remove_all(folder, error);
  return !error && unlink((folder + std::string(kLockSuffix)).c_str()) == 0;
}

/// Removes what nobody holds any more; returns the users of the others. REQUIRES: LockAll is held.
std::set<uid_t> CleanAndCount(const std::string& place) {
  std::set<uid_t> taken;
  std::vector<std::string> locks;
  for (const fs::directory_entry& entry : fs::directory_iterator(place)) {
    const std::string path = entry.path().string();
    if (path.ends_with(kLockSuffix) && entry.path().filename() != "all.lock") locks.push_back(path);
  }
  for (const std::string& path : locks) {
    const Descriptor lock(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (*lock < 0) continue;  // given back meanwhile
    const std::optional<uid_t> user = UserIn(*lock);
    const bool abandoned = flock(*lock, LOCK_EX | LOCK_NB) == 0;
    const bool removed = abandoned && Remove(path.substr(0, path.size() - kLockSuffix.size()), user);
    if (!removed && user) taken.insert(*user);
  }
  return taken;
}

class LocalWorkplace : public ports::Workplace {
 public:
  LocalWorkplace(std::string folder, std::optional<uid_t> user, Descriptor lock)
      : folder_(std::move(folder)), user_(user), lock_(std::move(lock)), guardian_(user_, *lock_) {}
  /// What cannot be removed now is by whoever makes the next one: the lock ends with this object.
  ~LocalWorkplace() override { Remove(folder_, user_); }
  LocalWorkplace(const LocalWorkplace&) = delete;
  LocalWorkplace& operator=(const LocalWorkplace&) = delete;
  LocalWorkplace(LocalWorkplace&&) = delete;
  LocalWorkplace& operator=(LocalWorkplace&&) = delete;

  const std::string& folder() const override { return folder_; }

  bool MayUse(const std::string& path) override {
    return user_ ? MayExecute(*user_, path) : access(path.c_str(), X_OK) == 0;
  }

  std::unique_ptr<ports::Process> Start(const ports::ProcessSpec& spec) override {
    if (user_) GiveAway(*user_);
    return guardian_.Start(spec);
  }

 private:
  void GiveAway(uid_t user) const {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_)) {
      if (lchown(entry.path().c_str(), user, user) != 0) throw Failure("cannot give away", entry.path().string());
    }
    if (lchown(folder_.c_str(), user, user) != 0) throw Failure("cannot give away", folder_);
  }

  const std::string folder_;
  const std::optional<uid_t> user_;
  const Descriptor lock_;
  Guardian guardian_;
};

}  // namespace

std::unique_ptr<ports::Workplace> MakeLocalWorkplace(const std::string& data, const std::string& name) {
  const bool with_user = WhyNoRunUser().empty();
  const std::string place = PlaceOf(data, with_user);
  const Descriptor all = LockAll(place);
  const std::set<uid_t> taken = CleanAndCount(place);
  std::optional<uid_t> user;
  if (with_user) user = ChooseRunUser(taken);
  const std::string folder = place + "/" + name, path = folder + std::string(kLockSuffix);
  Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (*lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) != 0) throw Failure("cannot lock", path);
  const std::string number = user ? std::to_string(*user) : "";
  if (pwrite(*lock, number.data(), number.size(), 0) != static_cast<ssize_t>(number.size()))
    throw Failure("cannot write", path);
  if (mkdir(folder.c_str(), 0700) != 0) throw Failure("cannot make the folder", folder);
  return std::make_unique<LocalWorkplace>(folder, user, std::move(lock));
}

void CleanWorkplaces(const std::string& data) {
  const bool with_user = WhyNoRunUser().empty();
  if (!fs::exists(with_user ? std::string(kHome) + "/runs" : data + "/work")) return;
  const std::string place = PlaceOf(data, with_user);
  const Descriptor all = LockAll(place);
  CleanAndCount(place);
}

}  // namespace yellow::adapters::process
