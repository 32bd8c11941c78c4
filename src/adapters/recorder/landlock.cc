#include "adapters/recorder/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace yellow::adapters::recorder {
namespace {

/// landlock_ruleset_attr of version 6, which the headers of older kernels lack; the kernel takes a part of it.
struct Ruleset {
  uint64_t files = 0;
  uint64_t network = 0;
  uint64_t scoped = 0;
};

constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kTruncate = 1ULL << 14;
constexpr uint64_t kScopes = 1ULL << 0 | 1ULL << 1;  // abstract sockets, signals

/// Every right over files that this version knows, but those over devices.
uint64_t AllOf(int version) {
  uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  if (version >= 2) all |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) all |= kTruncate;
  return all;
}

/// Rights that a single file can have.
constexpr uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | kTruncate;

bool Leave(int rules, const std::string& path, uint64_t rights) {
  const int place = open(path.c_str(), O_PATH | O_CLOEXEC);
  struct stat info{};
  if (place < 0) return false;
  const bool known = fstat(place, &info) == 0;
  const landlock_path_beneath_attr rule{S_ISDIR(info.st_mode) ? rights : rights & kOfFiles, place};
  const bool left = known && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  close(place);
  return left;
}

}  // namespace

int LandlockVersion() {
  const auto version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<int>(version) : 0;
}

int MakeLandlockRules(const std::vector<std::string>& writable) {
  const int version = LandlockVersion();
  Ruleset ruleset;
  ruleset.files = AllOf(version);
  if (version >= 6) ruleset.scoped = kScopes;
  const size_t size = version >= 6 ? sizeof ruleset : offsetof(Ruleset, network);
  const int rules = static_cast<int>(syscall(SYS_landlock_create_ruleset, &ruleset, size, 0));
  if (rules < 0) return -1;
  bool whole = Leave(rules, "/", kRead);
  for (const std::string& path : writable) whole = whole && Leave(rules, path, ruleset.files);
  if (whole) return rules;
  close(rules);
  return -1;
}

bool ObeyLandlockRules(int rules) { return syscall(SYS_landlock_restrict_self, rules, 0) == 0; }

}  // namespace yellow::adapters::recorder
