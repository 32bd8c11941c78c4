#include "adapters/http/network_door.h"

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "adapters/http/range_header.h"
#include "base/check.h"
#include "base/error.h"

namespace yellow::adapters::http {
namespace {

constexpr int kCallersAtOnce = 16;
constexpr time_t kSilentSeconds = 10;  // seconds in which a caller has to go on
constexpr size_t kMostOfBody = 65536;  // of a body
constexpr int kHighestPort = 65535;
constexpr size_t kMostAtOnce = size_t{64} << 10;

/// Empty when there is none, or more than one, of which a proxy may have looked at the other.
std::string TokenOf(const httplib::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  if (request.get_header_value_count("Authorization") != 1) return "";
  const std::string value = request.get_header_value("Authorization");
  const auto same = [](char scheme, char c) { return scheme == std::tolower(static_cast<unsigned char>(c)); };
  if (value.size() <= kScheme.size() || !std::equal(kScheme.begin(), kScheme.end(), value.begin(), same)) return "";
  return value.substr(kScheme.size());
}

/// Gives what comes in pieces to cpp-httplib, which breaks the connection off when there is no next one.
void SendInPieces(httplib::Response& response, ports::DoorAnswer answered) {
  struct Part {
    std::string piece;
    size_t given = 0;
  };
  // A little at a time, as cpp-httplib looks in between whether it is to stop.
  const auto give = [next = std::move(answered.next_piece), part = std::make_shared<Part>()](httplib::DataSink& sink,
                                                                                             bool tell_end) {
    if (part->given == part->piece.size()) {
      auto piece = next();
      if (!piece) return false;
      if (piece->empty()) {
        if (tell_end) sink.done();
        return tell_end;
      }
      *part = {std::move(*piece), 0};
    }
    const std::string_view some = std::string_view(part->piece).substr(part->given, kMostAtOnce);
    part->given += some.size();
    return sink.write(some.data(), some.size());
  };
  if (answered.size == ports::kSizeNotKnown) {
    response.set_chunked_content_provider("application/x-ndjson",
                                          [give](size_t, httplib::DataSink& sink) { return give(sink, true); });
  } else {
    response.set_content_provider(static_cast<size_t>(answered.size), "application/octet-stream",
                                  [give](size_t, size_t, httplib::DataSink& sink) { return give(sink, false); });
  }
}

/// Not cpp-httplib's own choice, with which a second program of the same user may listen at the same port.
void SetSocketOptions(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

class NetworkDoor : public ports::Door {
 public:
  NetworkDoor() = default;
  NetworkDoor(const NetworkDoor&) = delete;
  NetworkDoor& operator=(const NetworkDoor&) = delete;
  ~NetworkDoor() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void Listen(const std::string& address, ports::DoorHandler handler) override {
    const size_t colon = address.rfind(':');
    YELLOW_CHECK(colon != std::string::npos);
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const int port = std::atoi(address.c_str() + colon + 1);
    handler_ = std::move(handler);
    Configure();
    if (port < 1 || port > kHighestPort || !server_.bind_to_port(host.c_str(), port))
      throw base::Error("listen", "cannot listen at " + address)
          .Remedy("another program may be there; change access: listen in the environment");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }

 private:
  void Configure() {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kCallersAtOnce); };
    server_.set_socket_options(&SetSocketOptions);
    server_.set_payload_max_length(kMostOfBody);
    server_.set_read_timeout(kSilentSeconds);
    server_.set_write_timeout(kSilentSeconds);
    const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
      if (RefuseRange(request, response)) return;
      ports::DoorAnswer answered =
          handler_({request.method, request.path, request.body, request.params, "", TokenOf(request)});
      YELLOW_CHECK(answered.status != 101);
      response.status = answered.status;
      response.set_header("Cache-Control", "no-store");
      if (answered.status == 401) response.set_header("WWW-Authenticate", "Bearer");
      if (answered.next_piece) {
        SendInPieces(response, std::move(answered));
      } else {
        response.set_content(answered.body, "application/json");
      }
    };
    server_.Get(".*", answer);
    server_.Post(".*", answer);
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;
      response.set_content(
          R"({"error": {"code": "call", "text": "this is no call that is answered here", "remedy": ""}})"
          "\n",
          "application/json");
    });
  }

  ports::DoorHandler handler_;
  httplib::Server server_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<ports::Door> MakeNetworkDoor() { return std::make_unique<NetworkDoor>(); }

}  // namespace yellow::adapters::http
