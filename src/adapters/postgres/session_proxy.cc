#include "adapters/postgres/session_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

#include "adapters/postgres/proxy_client.h"
#include "adapters/postgres/proxy_state.h"
#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kSocketName = "/.s.PGSQL.5432";  // where a client looks in the folder that it is given as host
constexpr size_t kMostConnections = 24;                // sessions, logins and cancel requests together
constexpr int kPauseMilliseconds = 100;
constexpr milliseconds kLongestWait{3600 * 1000};  // of one poll, which counts in an int

base::Error CannotListen(const std::string& folder, const std::string& why) {
  return {"listen", "cannot listen in " + folder + ": " + why};
}

/// Sees to it that nobody but this user, or root, can put a socket of his own in the folder.
void PrepareFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0711) == 0) {
    if (chmod(folder.c_str(), 0711) != 0) throw CannotListen(folder, std::strerror(errno));  // whatever the umask
    return;
  }
  if (errno != EEXIST) throw CannotListen(folder, std::strerror(errno));
  struct stat found{};
  if (lstat(folder.c_str(), &found) != 0) throw CannotListen(folder, std::strerror(errno));
  if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    throw CannotListen(folder, "others can write there").Remedy("name a folder of Yellow's own user alone");
}

/// The socket that listens, on which only that user can connect.
int Listen(const std::string& folder, unsigned uid) {
  const std::string path = folder + kSocketName;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw CannotListen(folder, "the name is too long for a socket");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  PrepareFolder(folder);
  unlink(path.c_str());
  const int socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // The mode of the socket becomes that of the file, so that it never has another.
  const bool listens = socket_ >= 0 && fchmod(socket_, 0600) == 0 &&
                       bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                       (uid == geteuid() || chown(path.c_str(), uid, static_cast<gid_t>(-1)) == 0) &&
                       listen(socket_, SOMAXCONN) == 0;
  if (listens) return socket_;
  const std::string why = std::strerror(errno);
  if (socket_ >= 0) close(socket_);
  unlink(path.c_str());
  throw CannotListen(folder, why);
}

class Proxy : public ports::SessionProxy {
 public:
  Proxy(const ports::ProxySpec& spec, ports::WireSink& sink)
      : path_(spec.folder + kSocketName),
        allowed_uid_(spec.allowed_uid),
        end_(steady_clock::now() + spec.duration),
        state_(spec.target, sink),
        listening_(Listen(spec.folder, spec.allowed_uid)),
        thread_([this] { Run(); }) {}
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() override { Finish("it was given up"); }

  void End(const std::string& reason) override { Finish(reason); }
  std::optional<std::string> Ended() override { return state_.reason(); }

 private:
  struct Connected {
    std::atomic<bool> done = false;
    std::thread thread;
  };

  void Finish(const std::string& reason) {
    state_.Stop(reason);
    const std::lock_guard lock(end_mutex_);
    if (thread_.joinable()) thread_.join();
  }

  void Run() {
    while (!state_.reason()) {
      const auto left = std::chrono::ceil<milliseconds>(end_ - steady_clock::now());
      if (left.count() <= 0) {
        state_.Stop("its time is over");
        break;
      }
      std::array<pollfd, 2> waiting{{{listening_, POLLIN, 0}, {state_.stop_descriptor(), POLLIN, 0}}};
      poll(waiting.data(), waiting.size(), static_cast<int>(std::min(left, kLongestWait).count()));
      Forget();
      if ((waiting[0].revents & POLLIN) != 0) Accept();
    }
    close(listening_);
    unlink(path_.c_str());
    for (Connected& connected : connected_) connected.thread.join();
    connected_.clear();
  }

  void Forget() {
    connected_.remove_if([](Connected& connected) {
      if (!connected.done) return false;
      connected.thread.join();
      return true;
    });
  }

  void Accept() {
    const int socket_ = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket_ < 0) {
      // Without a descriptor left the client stays in the queue, and poll tells of it again at once.
      pollfd stop{state_.stop_descriptor(), POLLIN, 0};
      if (!SocketWouldBlock()) poll(&stop, 1, kPauseMilliseconds);
      return;
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    const int64_t id = ++connections_;
    if (getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != allowed_uid_) {
      close(socket_);
      state_.Record({id, 1, ports::WireGone{"it is of user " + std::to_string(peer.uid)}});
      return;
    }
    if (connected_.size() >= kMostConnections) {
      close(socket_);
      state_.Record({id, 1, ports::WireGone{"there are too many connections"}});
      return;
    }
    Connected& connected = connected_.emplace_back();
    auto client = std::make_unique<ProxyClient>(id, socket_, peer.pid, state_);
    connected.thread = std::thread([&connected, client = std::move(client)]() mutable {
      client->Run();
      client.reset();
      connected.done = true;
    });
  }

  const std::string path_;
  const unsigned allowed_uid_;
  const steady_clock::time_point end_;
  ProxyState state_;
  const int listening_;
  int64_t connections_ = 0;
  std::list<Connected> connected_;  // of the thread that accepts
  std::mutex end_mutex_;
  std::thread thread_;
};

class Proxies : public ports::SessionProxies {
 public:
  std::unique_ptr<ports::SessionProxy> Start(const ports::ProxySpec& spec, ports::WireSink& sink) override {
    return std::make_unique<Proxy>(spec, sink);
  }
};

}  // namespace

std::unique_ptr<ports::SessionProxies> MakeSessionProxies() { return std::make_unique<Proxies>(); }

}  // namespace yellow::adapters::postgres
