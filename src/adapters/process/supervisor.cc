#include "adapters/process/supervisor.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace yellow::adapters::process {
namespace {

class NotifySocket : public ports::Supervisor {
 public:
  explicit NotifySocket(std::string address) : address_(std::move(address)) {}
  void Ready() override { Send("READY=1"); }
  void Stopping() override { Send("STOPPING=1"); }

 private:
  void Send(std::string_view state) const {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (address_.empty() || address_.size() >= sizeof to.sun_path) return;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    // The result is of no use: whoever should hear it is gone, and the service goes on.
    [[maybe_unused]] const ssize_t sent =
        sendto(socket, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length);
    close(socket);
  }

  const std::string address_;
};

}  // namespace

std::unique_ptr<ports::Supervisor> MakeSupervisor(const std::string& address) {
  return std::make_unique<NotifySocket>(address);
}

}  // namespace yellow::adapters::process
