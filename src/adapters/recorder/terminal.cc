#include "adapters/recorder/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "access/cast.h"
#include "adapters/recorder/channel.h"
#include "adapters/recorder/failure.h"

namespace yellow::adapters::recorder {
namespace {

using access::FrameType;

constexpr size_t kMostUntaken = size_t{1} << 16;
constexpr std::array kEnding{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// A terminal whose keys come one by one, while this object is there.
class RawTerminal {
 public:
  /// `taken`: false: it stays as it is.
  RawTerminal(int terminal, bool taken) : terminal_(terminal) {
    is_one_ = taken && isatty(terminal) == 1 && tcgetattr(terminal, &before_) == 0;
    if (!is_one_) return;
    termios raw = before_;
    cfmakeraw(&raw);
    tcsetattr(terminal, TCSADRAIN, &raw);
  }
  ~RawTerminal() {
    if (is_one_) tcsetattr(terminal_, TCSADRAIN, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  bool is_one() const { return is_one_; }

 private:
  int terminal_;
  bool is_one_ = false;
  termios before_{};
};

/// Signals as something to be read, while this object is there; then as they were before.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGWINCH);
    for (const int ending : kEnding) sigaddset(&wanted, ending);
    pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    descriptor_ = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Signals() {
    close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int descriptor() const { return descriptor_; }
  /// 0: none.
  int Next() const {
    signalfd_siginfo info{};
    return read(descriptor_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

bool WriteAll(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(to, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EAGAIN) {  // somebody else made it so
      pollfd waiting{to, POLLOUT, 0};
      poll(&waiting, 1, -1);
    } else if (wrote < 0 && errno != EINTR) {
      return false;
    }
    if (wrote > 0) bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

class Attachment {
 public:
  Attachment(int socket, const std::optional<std::string>& text)
      : channel_(socket), piped_(IsPiped(text)), raw_(STDIN_FILENO, !piped_) {
    if (!text) return;
    if (!text->empty()) channel_.Send(FrameType::kInput, *text);
    End();
  }

  /// The signal that ended it; 0: the session or the socket did.
  int Run() {
    channel_.Send(FrameType::kResize, PayloadOf(SizeOfTerminal()));
    while (!end_) {
      const bool may_read = !at_end_ && channel_.unsent() < kMostUntaken;
      std::array<pollfd, 3> waiting{
          pollfd{channel_.socket(), static_cast<short>(POLLIN | (channel_.unsent() > 0 ? POLLOUT : 0)), 0},
          pollfd{may_read ? STDIN_FILENO : -1, POLLIN, 0}, pollfd{signals_.descriptor(), POLLIN, 0}};
      if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
      if (waiting[0].revents != 0 && !Show()) return 0;
      if (waiting[1].revents != 0) Read();
      if (waiting[2].revents != 0) {
        const int signal = signals_.Next();
        if (signal == SIGWINCH) channel_.Send(FrameType::kResize, PayloadOf(SizeOfTerminal()));
        if (signal != SIGWINCH && signal != 0) return signal;
      }
    }
    return 0;
  }

  const std::optional<access::SessionEnd>& end() const { return end_; }

 private:
  /// False when nothing comes any more.
  bool Show() {
    channel_.Flush();
    channel_.Receive();
    while (const auto frame = channel_.Next()) {
      if (frame->type == FrameType::kOutput && !WriteAll(STDOUT_FILENO, frame->payload))
        throw Failure("what it prints cannot be written any more");
      if (frame->type == FrameType::kMessage)
        WriteAll(STDERR_FILENO, access::TextOf(frame->payload) + (raw_.is_one() ? "\r\n" : "\n"));
      if (frame->type == FrameType::kEnd) end_ = access::EndOf(frame->payload);
    }
    return end_ || !channel_.closed();
  }

  void Read() {
    std::array<char, 16384> buffer{};
    const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got > 0) channel_.Send(FrameType::kInput, {buffer.data(), static_cast<size_t>(got)});
    // Its end would have the program do what was half said.
    if (got < 0 && errno != EINTR && errno != EAGAIN) throw Failure("standard input cannot be read");
    if (got == 0) End();
  }

  void End() {
    if (!piped_) throw base::Error("recorder", "the terminal has gone");
    at_end_ = true;
    channel_.Send(FrameType::kInput, "");
  }

  Channel channel_;
  const bool piped_;
  Signals signals_;
  RawTerminal raw_;
  std::optional<access::SessionEnd> end_;
  bool at_end_ = false;  // of the input
};

}  // namespace

access::TerminalSize SizeOfTerminal() {
  winsize size{};
  for (const int standard : {STDOUT_FILENO, STDIN_FILENO}) {
    if (ioctl(standard, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
      return {std::min<int>(size.ws_col, 9999), std::min<int>(size.ws_row, 9999)};
  }
  return {};
}

bool IsPiped(const std::optional<std::string>& text) { return text || isatty(STDIN_FILENO) != 1; }

std::optional<access::SessionEnd> AttachTerminal(int socket, const std::optional<std::string>& text) {
  std::optional<access::SessionEnd> end;
  int signal = 0;
  {
    Attachment attachment(socket, text);
    signal = attachment.Run();
    end = attachment.end();
  }
  if (signal != 0) raise(signal);
  return end;
}

}  // namespace yellow::adapters::recorder
