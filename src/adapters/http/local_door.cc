#include "adapters/http/local_door.h"

#include <httplib.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/http/curl_answer.h"
#include "adapters/http/range_header.h"
#include "base/error.h"

namespace yellow::adapters::http {
namespace {

constexpr int kCallers = 64;           // connections at once; more wait
constexpr int kLook = 200;             // milliseconds
constexpr int kSilence = 10'000;       // milliseconds in which a caller has to go on
constexpr size_t kMostOfCall = 65536;  // of a body
constexpr size_t kMostOfList = size_t{256} << 20;
constexpr const char* kIdentity = "Yellow-Identity";

/// Closed when it goes.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw base::Error("listen", "the path of a socket has at most 107 bytes: " + path)
        .Remedy("name a shorter one: --socket /run/yellow/access.sock");
  path.copy(static_cast<char*>(address.sun_path), path.size());
  return address;
}

bool IsListenedTo(const sockaddr_un& address) {
  const Socket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

/// The user at the other end as people call him; his number where he has no name.
std::optional<std::string> IdentityOf(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(peer.uid, &entry, buffer.data(), buffer.size(), &found) != 0) return std::nullopt;
  return "os:" + (found == nullptr ? "#" + std::to_string(peer.uid) : std::string(entry.pw_name));
}

/// A connection as cpp-httplib reads and writes one; it ends when the other side is silent for long.
class PeerStream : public httplib::Stream {
 public:
  explicit PeerStream(int connection) : connection_(connection) {}

  bool is_readable() const override { return begin_ < end_ || Ready(POLLIN); }
  bool is_writable() const override { return Ready(POLLOUT); }
  ssize_t read(char* to, size_t size) override {
    if (begin_ == end_) {
      if (!Ready(POLLIN)) return -1;
      const ssize_t got = recv(connection_, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) return got;
      begin_ = 0, end_ = static_cast<size_t>(got);
    }
    const size_t part = std::min(size, end_ - begin_);
    std::memcpy(to, buffer_.data() + begin_, part);
    begin_ += part;
    return static_cast<ssize_t>(part);
  }
  ssize_t write(const char* from, size_t size) override {
    return Ready(POLLOUT) ? send(connection_, from, size, MSG_NOSIGNAL) : -1;
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { ip = "local", port = 0; }
  void get_local_ip_and_port(std::string& ip, int& port) const override { ip = "local", port = 0; }
  socket_t socket() const override { return connection_; }

 private:
  bool Ready(int16_t events) const {
    pollfd one{connection_, events, 0};
    return poll(&one, 1, kSilence) == 1;
  }

  const int connection_;
  std::array<char, 4096> buffer_{};
  size_t begin_ = 0, end_ = 0;
};

/// However slowly it is read, not longer than until `stop`.
bool SendAll(int connection, std::string_view left, const std::atomic<bool>& stop) {
  for (int silent = 0; !left.empty() && !stop && silent < kSilence;) {
    pollfd one{connection, POLLOUT, 0};
    if (poll(&one, 1, kLook) != 1) {
      silent += kLook;
      continue;
    }
    const ssize_t sent = send(connection, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent <= 0) continue;
    left.remove_prefix(static_cast<size_t>(sent));
    silent = 0;
  }
  return left.empty();
}

/// What ends before its size leaves the caller with less than it was promised, so that it knows.
void SendPieces(int connection, const std::function<std::optional<std::string>()>& next,
                const std::atomic<bool>& stop) {
  for (auto piece = next(); piece && !piece->empty(); piece = next())
    if (!SendAll(connection, *piece, stop)) return;
}

/// Chunks (RFC 9112, 7.1): the last one, an empty one, says that it was all.
void SendChunks(int connection, const std::function<std::optional<std::string>()>& next,
                const std::atomic<bool>& stop) {
  std::array<char, 2 * sizeof(size_t)> digits{};
  for (auto piece = next(); piece; piece = next()) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece->size(), 16).ptr;
    const std::string_view size(digits.data(), static_cast<size_t>(end - digits.data()));
    if (!SendAll(connection, std::string(size) + "\r\n" + *piece + "\r\n", stop) || piece->empty()) return;
  }
}

/// Parses and answers on connections that somebody else has accepted.
class Parser : public httplib::Server {
 public:
  /// `stop`: what is sent in pieces ends.
  Parser(ports::DoorHandler handler, const std::atomic<bool>& stop) : handler_(std::move(handler)), stop_(stop) {
    set_payload_max_length(kMostOfCall);
    const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
      if (RefuseRange(request, response)) return;
      ports::DoorAnswer answered = handler_(
          {request.method, request.path, request.body, request.params, request.get_header_value(kIdentity), ""});
      response.status = answered.status;
      if (answered.status == 101) {
        response.set_header("Upgrade", "yellow-terminal");
        Then() = std::move(answered.then);
      } else if (answered.next_piece && answered.size == ports::kSizeNotKnown) {
        // It sends the head, and asks for nothing, as it does not listen itself.
        response.set_chunked_content_provider("application/x-ndjson", [](size_t, httplib::DataSink&) { return false; });
        Then() = [this, next = std::move(answered.next_piece)](int connection) { SendChunks(connection, next, stop_); };
      } else if (answered.next_piece) {
        response.set_header("Content-Type", "application/octet-stream");
        response.set_header("Content-Length", std::to_string(answered.size));
        Then() = [this, next = std::move(answered.next_piece)](int connection) { SendPieces(connection, next, stop_); };
      } else {
        response.set_content(answered.body, "application/json");
      }
    };
    Get(".*", answer);
    Post(".*", answer);
  }

  void Answer(int connection, const std::string& identity) {
    PeerStream stream(connection);
    bool closed = false;
    Then() = {};
    process_request(stream, true, closed, [&](httplib::Request& request) {
      request.headers.erase(kIdentity);
      request.headers.emplace(kIdentity, identity);
    });
    if (const auto then = std::move(Then())) then(connection);
  }

 private:
  /// What the call of this thread goes on with.
  static std::function<void(int)>& Then() {
    thread_local std::function<void(int)> then;
    return then;
  }

  const ports::DoorHandler handler_;
  const std::atomic<bool>& stop_;
};

class UnixDoor : public ports::Door {
 public:
  UnixDoor() = default;
  UnixDoor(const UnixDoor&) = delete;
  UnixDoor& operator=(const UnixDoor&) = delete;
  ~UnixDoor() override {
    if (!parser_) return;
    stop_ = true;
    listener_.join();
    std::unique_lock lock(mutex_);
    gone_.wait(lock, [this] { return callers_ == 0; });
    unlink(path_.c_str());
  }

  void Listen(const std::string& path, ports::DoorHandler handler) override {
    const sockaddr_un address = AddressOf(path);
    Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto bound = [&] {
      return bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    };
    bool done = bound();
    if (!done && errno == EADDRINUSE) {
      if (IsListenedTo(address))
        throw base::Error("listen", "another service answers at " + path).Remedy("name another socket: --socket PATH");
      unlink(path.c_str());
      done = bound();
    }
    // Everybody may knock: who it is, the kernel says.
    if (!done || chmod(path.c_str(), 0666) != 0 || listen(socket.get(), SOMAXCONN) != 0)
      throw base::Error("listen", "cannot listen at " + path + ": " + std::strerror(errno));
    path_ = path;
    parser_.emplace(std::move(handler), stop_);
    listener_ = std::thread([this, socket = std::move(socket)] { Accept(socket.get()); });
  }

 private:
  void Accept(int socket) {
    while (!stop_) {
      pollfd one{socket, POLLIN, 0};
      if (poll(&one, 1, 100) != 1) continue;
      const int connection = accept4(socket, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      {
        std::unique_lock lock(mutex_);
        gone_.wait(lock, [this] { return callers_ < kCallers || stop_; });
        ++callers_;
      }
      std::thread([this, connection] { Serve(connection); }).detach();
    }
  }

  void Serve(int connection) {
    {
      const Socket open(connection);
      if (const auto identity = IdentityOf(connection)) parser_->Answer(connection, *identity);
    }
    const std::lock_guard lock(mutex_);
    --callers_;
    gone_.notify_all();
  }

  std::string path_;
  std::optional<Parser> parser_;
  std::thread listener_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable gone_;
  int callers_ = 0;
};

/// The head of an answer, up to and with the empty line; byte by byte, as what follows may be a terminal's.
std::string ReadHead(int connection) {
  std::string head;
  char byte = 0;
  while (head.size() < kMostOfCall && !head.ends_with("\r\n\r\n") && recv(connection, &byte, 1, 0) == 1) head += byte;
  return head;
}

}  // namespace

base::Error NoService(const std::string& socket, const std::string& why) {
  if (::access(socket.c_str(), W_OK) != 0 && errno == EACCES)
    return base::Error("no_service", "you may not reach the socket of yellow serve: " + socket)
        .Remedy("have it answer where everybody comes: yellow serve --socket /run/yellow/access.sock");
  return base::Error("no_service", "no yellow serve answers at " + socket + ": " + why)
      .Retryable()
      .Remedy("start it: yellow serve; or name its socket: --socket PATH, YELLOW_SOCKET");
}

std::unique_ptr<ports::Door> MakeDoor() { return std::make_unique<UnixDoor>(); }

ports::DoorAnswer CallDoor(const std::string& socket, const std::string& method, const std::string& path,
                           const std::string& body) {
  const CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle == nullptr) throw base::Error("no_service", "out of memory").Retryable();
  ports::DoorAnswer answer;
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, ("http://yellow" + path).c_str());
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  }
  CurlBody received{"", kMostOfList};
  CollectInto(curl, received);
  const CURLcode done = curl_easy_perform(curl);
  if (done != CURLE_OK) throw NoService(socket, curl_easy_strerror(done));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  answer.body = std::move(received.text);
  return answer;
}

ports::DoorAnswer TakeConnection(const std::string& socket, const std::string& path, const std::string& body,
                                 int& connection) {
  const sockaddr_un address = AddressOf(socket);
  connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw NoService(socket, std::strerror(errno));
  const std::string call = "POST " + path +
                           " HTTP/1.1\r\nHost: yellow\r\nConnection: Upgrade\r\nUpgrade: yellow-terminal\r\n"
                           "Content-Type: application/json\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body;
  if (send(connection, call.data(), call.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(call.size()))
    throw NoService(socket, std::strerror(errno));
  const std::string head = ReadHead(connection);
  ports::DoorAnswer answer;
  const size_t space = head.find(' ');
  answer.status = space == std::string::npos ? 0 : std::atoi(head.c_str() + space);
  if (answer.status == 0) throw NoService(socket, "it has closed the connection");
  if (answer.status == 101) return answer;
  char part[4096];
  for (ssize_t got = 0; (got = recv(connection, part, sizeof part, 0)) > 0;)
    answer.body.append(part, static_cast<size_t>(got));
  return answer;
}

}  // namespace yellow::adapters::http
