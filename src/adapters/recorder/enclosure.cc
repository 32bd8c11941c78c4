#include "adapters/recorder/enclosure.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "adapters/process/child.h"
#include "adapters/process/run_user.h"
#include "adapters/recorder/failure.h"
#include "adapters/recorder/landlock.h"
#include "adapters/recorder/no_sockets.h"
#include "adapters/recorder/order.h"
#include "base/error.h"

namespace yellow::adapters::recorder {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRoot = "/tmp";  // where the new root is put together, in a namespace that nobody else sees
constexpr std::array kFolders{"/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
constexpr std::array kDevices{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
constexpr rlim_t kMostProcesses = 512;
constexpr int kLastCapability = 63;

void Require(bool done, const std::string& what) {
  if (!done) throw Failure("cannot enclose the session: " + what);
}

/// A tree of mounts that is mounted nowhere yet, with everything below it.
int TreeOf(const std::string& path, uint64_t attributes) {
  const int tree = open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  Require(tree >= 0, "cannot take " + path + " along");
  mount_attr change{};
  change.attr_set = attributes;
  Require(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) == 0, "cannot guard " + path);
  return tree;
}

/// Puts the tree where its path is below the new root.
void Place(int tree, const std::string& path) {
  struct stat info{};
  Require(fstat(tree, &info) == 0, "cannot look at " + path);
  const std::string target = kRoot + path;
  std::error_code ignored;
  fs::create_directories(S_ISDIR(info.st_mode) ? fs::path(target) : fs::path(target).parent_path(), ignored);
  if (!S_ISDIR(info.st_mode)) close(open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  Require(move_mount(tree, "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0, "cannot mount " + path);
  close(tree);
}

/// The file system of the session; see Enclosure.
void MakeRoot(const ports::RecordingSpec& spec, const std::string& terminal) {
  Require(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "cannot part from the system's mounts");
  // Taken before the new root hides what lies where it is put together.
  std::vector<std::pair<std::string, int>> trees;
  for (const char* folder : kFolders) {
    struct stat info{};
    if (lstat(folder, &info) == 0 && S_ISDIR(info.st_mode))
      trees.emplace_back(folder, TreeOf(folder, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
  }
  for (const char* device : kDevices) trees.emplace_back(device, TreeOf(device, MOUNT_ATTR_NOSUID));
  trees.emplace_back(terminal, TreeOf(terminal, MOUNT_ATTR_NOSUID));
  for (const std::string& path : spec.reachable)
    trees.emplace_back(path, TreeOf(path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  for (const std::string& path : spec.readable)
    trees.emplace_back(path, TreeOf(path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  Require(mount("tmpfs", kRoot, "tmpfs", MS_NOSUID, "size=1m,mode=0755") == 0, "cannot make a root");
  const std::string root = kRoot;
  for (const char* name : {"/tmp", "/proc", "/dev"})
    Require(mkdir((root + name).c_str(), 0755) == 0, "cannot make folders");
  Require(mount("tmpfs", (root + "/tmp").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=1777") == 0,
          "cannot make a /tmp");
  for (const auto& [path, tree] : trees) Place(tree, path);
  for (const char* folder : kFolders) {
    std::error_code no_link;
    const fs::path to = fs::read_symlink(folder, no_link);
    if (!no_link) Require(symlink(to.c_str(), (root + folder).c_str()) == 0, "cannot make links");
  }
  for (const auto& [name, to] : {std::pair("/dev/fd", "/proc/self/fd"),
                                 {"/dev/stdin", "/proc/self/fd/0"},
                                 {"/dev/stdout", "/proc/self/fd/1"},
                                 {"/dev/stderr", "/proc/self/fd/2"}})
    Require(symlink(to, (root + name).c_str()) == 0, "cannot make links");
  Require(mount("proc", (root + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0,
          "cannot mount a /proc of its own");
}

/// Leaves the old root for good.
void EnterRoot() {
  Require(
      chdir(kRoot) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0,
      "cannot change the root");
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY;
  Require(mount_setattr(AT_FDCWD, "/", 0, &change, sizeof change) == 0, "cannot guard the root");
}

/// Listens at the port of the enclosure's own loopback, which nothing outside reaches, and gives the socket to who is
/// at the other end of `lent`: a socket belongs to the network in which it was made.
void LendListener(int port, int lent) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Require(made >= 0, "cannot make a socket");
  ifreq interface{};
  std::strcpy(interface.ifr_name, "lo");
  interface.ifr_flags = IFF_UP | IFF_RUNNING;
  Require(ioctl(made, SIOCSIFFLAGS, &interface) == 0, "cannot set up a loopback of its own");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  Require(bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(made, SOMAXCONN) == 0,
          "cannot listen at its loopback");
  Require(SendDescriptor(lent, made), "cannot give its listener away");
}

/// No right is left but those of its user, and none can be got.
void GiveUpRights(const ports::RecordingSpec& spec, const Enclosure& enclosure, int rules) {
  const rlimit processes{kMostProcesses, kMostProcesses}, core{0, 0};
  Require(setrlimit(RLIMIT_NPROC, &processes) == 0 && setrlimit(RLIMIT_CORE, &core) == 0, "cannot set limits");
  // Those that the kernel does not know are refused. What holds without a throwaway user is that a program gets none.
  for (int capability = 0; capability <= kLastCapability; ++capability) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  if (enclosure.user)
    Require(process::BecomeRunUser(*enclosure.user), "cannot become a user of its own");
  else
    Require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "cannot give up new rights");
  if (enclosure.landlock) Require(ObeyLandlockRules(rules), "cannot obey Landlock");
  if (!spec.sockets) Require(GiveUpSockets(), "cannot give up sockets");
}

/// The program itself. Throws what kept it from starting.
[[noreturn]] void Become(const ports::RecordingSpec& spec, const Enclosure& enclosure, int terminal, int rules) {
  Require(setsid() >= 0 && ioctl(terminal, TIOCSCTTY, 0) == 0, "cannot take the terminal");
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    Require((standard == STDIN_FILENO && spec.piped_input) || dup2(terminal, standard) == standard,
            "cannot take the terminal");
  GiveUpRights(spec, enclosure, rules);
  Require(chdir("/tmp") == 0, "cannot enter /tmp");
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<std::string> assignments;
  for (const auto& [name, value] : spec.environment) assignments.push_back(name + "=" + value);
  std::vector<char*> variables = process::Pointers(assignments);
  environ = variables.data();  // its PATH is where the program is looked for
  const std::vector<char*> arguments = process::Pointers(spec.command);
  execvp(arguments[0], arguments.data());
  throw base::Error("recorder", "cannot run " + spec.command[0] + ": " + std::strerror(errno));
}

/// Closes every descriptor of ours but these two.
void CloseAllBut(unsigned one, unsigned other) {
  const auto [low, high] = std::minmax(one, other);
  if (low > 3) close_range(3, low - 1, 0);
  if (high > low + 1) close_range(low + 1, high - 1, 0);
  close_range(high + 1, ~0U, 0);
}

/// The first process of the namespace, which takes in whatever loses its parent. Ends as the program.
[[noreturn]] void Reap(pid_t program) {
  while (true) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    if (ended == program) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    if (ended < 0 && errno == ECHILD) _exit(126);
  }
}

/// Between the caller and the first process of the namespace; of each pair the second is the latter's, but of `go`.
struct Wires {
  int go[2];       // the caller's word that it may begin
  int trouble[2];  // what goes wrong; closed once the program runs
  int lent[2];     // the listener, where there is to be one
};

/// In the new namespaces.
[[noreturn]] void BeFirst(const ports::RecordingSpec& spec, const Enclosure& enclosure, const Ends& ends,
                          const Wires& wires) {
  const int trouble = wires.trouble[1], terminal = ends.terminal;
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(wires.go[1]);  // so that the end of the caller is seen
    char word = 0;
    if (read(wires.go[0], &word, 1) != 1) _exit(126);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NAME, "yellow-session");
    umask(022);  // whatever the service's: the folders of the root are for another user
    if (spec.listened_port != 0) LendListener(spec.listened_port, wires.lent[1]);
    const char* name = ttyname(terminal);
    Require(name != nullptr, "the terminal has no name");
    if (ends.input >= 0) Require(dup2(ends.input, STDIN_FILENO) == STDIN_FILENO, "cannot take the input");
    CloseAllBut(static_cast<unsigned>(terminal), static_cast<unsigned>(trouble));
    MakeRoot(spec, name);
    EnterRoot();
    std::vector<std::string> writable{"/tmp", "/dev"};
    writable.insert(writable.end(), spec.reachable.begin(), spec.reachable.end());
    const int rules = enclosure.landlock ? MakeLandlockRules(writable) : -1;
    Require(!enclosure.landlock || rules >= 0, "cannot make rules of Landlock");
    fcntl(rules, F_SETFD, FD_CLOEXEC);
    fcntl(terminal, F_SETFD, FD_CLOEXEC);
    const pid_t program = fork();
    Require(program >= 0, "cannot start a process");
    if (program == 0) Become(spec, enclosure, terminal, rules);
    close(terminal), close(trouble);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(standard);
    Reap(program);
  } catch (const std::exception& error) {
    const std::string why = error.what();
    if (write(trouble, why.data(), why.size()) < 0) _exit(125);
  }
  _exit(126);
}

/// Gives the first process of a user namespace the number that we have; it stays the only one there.
void MapUser(pid_t first) {
  const auto put = [&](const char* name, const std::string& text) {
    const int file = open(("/proc/" + std::to_string(first) + "/" + name).c_str(), O_WRONLY | O_CLOEXEC);
    const bool written = file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) close(file);
    Require(written, std::string("cannot write ") + name);
  };
  const std::string user = std::to_string(geteuid()), group = std::to_string(getegid());
  put("setgroups", "deny");
  put("uid_map", user + " " + user + " 1");
  put("gid_map", group + " " + group + " 1");
}

std::string ReadToEnd(int from) {
  std::string all;
  std::array<char, 1024> text{};
  while (const ssize_t got = read(from, text.data(), text.size())) {
    if (got > 0) all.append(text.data(), static_cast<size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  return all;
}

}  // namespace

Enclosure ChooseEnclosure(const ports::RecordingSpec& spec) {
  Enclosure enclosure;
  enclosure.landlock = LandlockVersion() > 0;
  enclosure.user_namespace = geteuid() != 0;
  const std::string why = process::WhyNoRunUser();
  if (why.empty()) enclosure.user = spec.user;
  if (!enclosure.user && !enclosure.landlock)
    throw base::Error("recorder", "nothing keeps the session from the installation's files: " + why +
                                      ", and the kernel has no Landlock")
        .Remedy("start Yellow as root, or on a kernel with Landlock (5.13 or newer, lsm=landlock)");
  return enclosure;
}

pid_t StartEnclosed(const ports::RecordingSpec& spec, const Enclosure& enclosure, const Ends& ends, int& listener) {
  Wires wires{};
  Require(pipe2(wires.go, O_CLOEXEC) == 0 && pipe2(wires.trouble, O_CLOEXEC) == 0 &&
              socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires.lent) == 0,
          "cannot make pipes");
  if (enclosure.user)
    Require(fchown(ends.terminal, *enclosure.user, *enclosure.user) == 0, "cannot give the terminal away");
  const int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | (spec.network ? 0 : CLONE_NEWNET) |
                    (enclosure.user_namespace ? CLONE_NEWUSER : 0) | SIGCHLD;
  const auto first = static_cast<pid_t>(syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
  if (first == 0) BeFirst(spec, enclosure, ends, wires);
  if (first < 0)
    throw Failure("cannot enclose the session: cannot make namespaces")
        .Remedy(
            "Yellow must be root with CAP_SYS_ADMIN, or user namespaces must be allowed "
            "(user.max_user_namespaces, kernel.unprivileged_userns_clone, AppArmor)");
  close(wires.go[0]), close(wires.trouble[1]), close(wires.lent[1]);
  std::string why;
  try {
    if (enclosure.user_namespace) MapUser(first);
    Require(write(wires.go[1], "g", 1) == 1, "cannot start it");
  } catch (const base::Error& error) {
    why = error.what();
  }
  close(wires.go[1]);
  why += ReadToEnd(wires.trouble[0]);
  if (why.empty() && spec.listened_port != 0) listener = ReceiveDescriptor(wires.lent[0]);
  close(wires.trouble[0]), close(wires.lent[0]);
  if (why.empty()) return first;
  waitpid(first, nullptr, 0);
  throw base::Error("recorder", why);
}

}  // namespace yellow::adapters::recorder
