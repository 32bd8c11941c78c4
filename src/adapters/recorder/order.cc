#include "adapters/recorder/order.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace yellow::adapters::recorder {
namespace {

bool SendAll(int socket, const char* bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(socket, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) bytes += sent, length -= static_cast<size_t>(sent);
  }
  return true;
}

bool ReceiveAll(int socket, char* bytes, size_t length) {
  while (length > 0) {
    const ssize_t got = recv(socket, bytes, length, 0);
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
    if (got > 0) bytes += got, length -= static_cast<size_t>(got);
  }
  return true;
}

/// Both ends are the same program: numbers go as they lie in memory.
std::string Number(uint64_t number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

/// Takes the texts of a message one after the other.
class Texts {
 public:
  explicit Texts(const Message& message) : message_(message) {}
  const std::string& Next() {
    YELLOW_CHECK(at_ < message_.size());
    return message_[at_++];
  }
  int64_t NextNumber() { return std::stoll(Next()); }
  std::vector<std::string> NextList() {
    std::vector<std::string> list;
    for (int64_t count = NextNumber(); count > 0; --count) list.push_back(Next());
    return list;
  }

 private:
  const Message& message_;
  size_t at_ = 0;
};

void Add(Message& message, const std::vector<std::string>& list) {
  message.push_back(std::to_string(list.size()));
  message.insert(message.end(), list.begin(), list.end());
}

/// The one byte that a descriptor goes along with, and room for it.
struct Carrier {
  char byte = 'd';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};

  Carrier() {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
  }
};

}  // namespace

bool SendDescriptor(int socket, int descriptor) {
  Carrier carrier;
  cmsghdr* const header = CMSG_FIRSTHDR(&carrier.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  ssize_t sent = 0;
  while ((sent = sendmsg(socket, &carrier.message, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return sent == 1;
}

int ReceiveDescriptor(int socket) {
  Carrier carrier;
  ssize_t got = 0;
  while ((got = recvmsg(socket, &carrier.message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  const cmsghdr* const header = got == 1 ? CMSG_FIRSTHDR(&carrier.message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return descriptor;
}

bool SendMessage(int socket, const Message& message) {
  std::string bytes;
  for (const std::string& text : message) bytes += Number(text.size()) + text;
  bytes.insert(0, Number(bytes.size()));
  return SendAll(socket, bytes.data(), bytes.size());
}

std::optional<Message> ReceiveMessage(int socket) {
  uint64_t size = 0;
  if (!ReceiveAll(socket, reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
  std::string bytes(size, '\0');
  if (!ReceiveAll(socket, bytes.data(), bytes.size())) return std::nullopt;
  Message message;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    YELLOW_CHECK(bytes.size() - at >= sizeof length);
    std::memcpy(&length, bytes.data() + at, sizeof length);
    at += sizeof length;
    YELLOW_CHECK(bytes.size() - at >= length);
    message.push_back(bytes.substr(at, length));
    at += length;
  }
  return message;
}

Message MessageOf(const ports::RecordingSpec& spec) {
  Message message{spec.path,
                  spec.title,
                  std::to_string(spec.user),
                  std::to_string(spec.network),
                  std::to_string(spec.sockets),
                  std::to_string(spec.listened_port),
                  std::to_string(spec.piped_input),
                  std::to_string(spec.hidden_input),
                  std::to_string(spec.columns),
                  std::to_string(spec.rows),
                  std::to_string(spec.longest.count())};
  std::vector<std::string> names, values;
  for (const auto& [name, value] : spec.environment) names.push_back(name), values.push_back(value);
  for (const std::vector<std::string>* list : std::initializer_list<const std::vector<std::string>*>{
           &spec.command, &names, &values, &spec.reachable, &spec.readable, &spec.recipients})
    Add(message, *list);
  return message;
}

ports::RecordingSpec SpecOf(const Message& message) {
  Texts texts(message);
  ports::RecordingSpec spec;
  spec.path = texts.Next();
  spec.title = texts.Next();
  spec.user = static_cast<unsigned>(texts.NextNumber());
  spec.network = texts.NextNumber() != 0;
  spec.sockets = texts.NextNumber() != 0;
  spec.listened_port = static_cast<int>(texts.NextNumber());
  spec.piped_input = texts.NextNumber() != 0;
  spec.hidden_input = texts.NextNumber() != 0;
  spec.columns = static_cast<int>(texts.NextNumber());
  spec.rows = static_cast<int>(texts.NextNumber());
  spec.longest = std::chrono::milliseconds(texts.NextNumber());
  spec.command = texts.NextList();
  const std::vector<std::string> names = texts.NextList(), values = texts.NextList();
  for (size_t i = 0; i < names.size(); ++i) spec.environment[names[i]] = values[i];
  spec.reachable = texts.NextList();
  spec.readable = texts.NextList();
  spec.recipients = texts.NextList();
  return spec;
}

Message MessageOf(const ports::RecordingReport& report) {
  return {std::to_string(static_cast<int>(report.end)),
          std::to_string(report.status),
          report.why,
          std::to_string(report.events),
          std::to_string(report.bytes),
          report.digest};
}

ports::RecordingReport ReportOf(const Message& message) {
  Texts texts(message);
  ports::RecordingReport report;
  report.end = static_cast<ports::RecordingEnd>(texts.NextNumber());
  report.status = static_cast<int>(texts.NextNumber());
  report.why = texts.Next();
  report.events = texts.NextNumber();
  report.bytes = texts.NextNumber();
  report.digest = texts.Next();
  return report;
}

}  // namespace yellow::adapters::recorder
