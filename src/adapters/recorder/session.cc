#include "adapters/recorder/session.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "adapters/recorder/enclosure.h"
#include "adapters/recorder/failure.h"
#include "adapters/recorder/order.h"
#include "base/error.h"

namespace yellow::adapters::recorder {
namespace {

using access::FrameType;
using ports::RecordingEnd;
using std::chrono::milliseconds;

constexpr size_t kMostInput = size_t{1} << 16;
constexpr size_t kMostUnshown = size_t{1} << 18;  // of a person's program that reads slowly
constexpr size_t kMostAtOnce = size_t{1} << 15;
constexpr Elapsed kOpenEnd = milliseconds(50);      // in which the rest of a UTF-8 sequence comes, if it does
constexpr Elapsed kAfterHidden = milliseconds(50);  // in which a program that has read a password shows input again
constexpr Elapsed kHangUp = std::chrono::seconds(2);
constexpr Elapsed kLook = std::chrono::seconds(1);
constexpr const char* kRecorded = "This session is recorded: what is shown and what is typed";

}  // namespace

Session::Session(const ports::RecordingSpec& spec, int orders, int terminal)
    : spec_(spec), orders_(orders), person_(terminal) {
  recording_.emplace(spec);
  try {
    OpenTerminal();
    const int input = spec.piped_input ? OpenPipe() : -1;
    program_ = StartEnclosed(spec, ChooseEnclosure(spec), {slave_, input}, listener_);
    if (input >= 0) close(input);
    watched_ = static_cast<int>(syscall(SYS_pidfd_open, program_, 0));
    if (watched_ < 0) throw Failure("cannot watch the program");
  } catch (const base::Error&) {
    if (program_ > 0) Kill();
    unlink(spec.path.c_str());
    throw;
  }
  deadline_ = SinceBoot() + spec.longest;
}

Session::~Session() {
  for (const int descriptor : {pty_, slave_, pipe_, watched_, listener_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

void Session::OpenTerminal() {
  const winsize size{static_cast<unsigned short>(spec_.rows), static_cast<unsigned short>(spec_.columns), 0, 0};
  if (openpty(&pty_, &slave_, nullptr, nullptr, &size) != 0) throw Failure("cannot make a terminal");
  fcntl(pty_, F_SETFD, FD_CLOEXEC);
  fcntl(pty_, F_SETFL, O_NONBLOCK);
  if (!spec_.piped_input) return;
  termios settings{};
  if (tcgetattr(slave_, &settings) != 0) throw Failure("cannot make a terminal");
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  if (tcsetattr(slave_, TCSANOW, &settings) != 0) throw Failure("cannot make a terminal");
}

/// Returns the end that the program reads from.
int Session::OpenPipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Failure("cannot make a pipe");
  pipe_ = ends[1];
  fcntl(pipe_, F_SETFL, O_NONBLOCK);
  return ends[0];
}

ports::RecordingReport Session::Run() {
  try {
    person_.Send(FrameType::kMessage, std::string(kRecorded) + (spec_.hidden_input ? ", be it shown or not." : "."));
    Loop();
    Finish();
  } catch (const base::Error& error) {
    Kill();
    report_.end = RecordingEnd::kCannotRecord;
    report_.why = error.what();
  }
  report_.events = recording_->events();
  // Else its service does, which has the end recorded first.
  if (report_.end == RecordingEnd::kServiceGone) TellEnd(person_, {report_.end, report_.status, report_.why});
  SendAll(person_);
  return report_;
}

/// Until the session is to end, or nothing of it is left to be shown.
void Session::Loop() {
  while (!end_) {
    Wait();
    if (end_) return;
    if (SinceBoot() >= deadline_) end_ = RecordingEnd::kExpired;
    if (hung_up_ && SinceBoot() >= *hung_up_ + kHangUp) end_ = RecordingEnd::kHungUp;
    PassInput();
    if (!output_.empty() && SinceBoot() >= output_since_ + kOpenEnd) ShowOutput(output_.size());
    recording_->SyncIfDue();
    if (!running_ && !output_open_ && person_.unsent() == 0)
      end_ = hung_up_ ? RecordingEnd::kHungUp : RecordingEnd::kEnded;
  }
}

void Session::Wait() {
  const bool may_show = output_open_ && person_.unsent() < kMostUnshown;
  const bool may_take = input_.size() < kMostInput;
  const auto events = [](bool in, bool out) { return static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0)); };
  const bool types = running_ && !typed_.empty();
  const short on_pty = events(may_show, types && !spec_.piped_input);
  const auto on_person = static_cast<short>(events(may_take, person_.unsent() > 0) | POLLRDHUP);
  std::array<pollfd, 5> waiting{pollfd{orders_, POLLIN, 0}, pollfd{running_ ? watched_ : -1, POLLIN, 0},
                                pollfd{on_pty == 0 ? -1 : pty_, on_pty, 0},
                                pollfd{hung_up_ ? -1 : person_.socket(), on_person, 0},
                                pollfd{types ? pipe_ : -1, POLLOUT, 0}};
  if (poll(waiting.data(), waiting.size(), WaitTime()) <= 0) return;
  if (waiting[0].revents != 0) {
    char order = 0;
    end_ = recv(orders_, &order, 1, MSG_DONTWAIT) == 1 ? RecordingEnd::kCancelled : RecordingEnd::kServiceGone;
    return;
  }
  if (waiting[1].revents != 0) SeeProgram();
  if ((waiting[2].revents & POLLOUT) != 0 || waiting[4].revents != 0) WriteInput();
  if (may_show && (waiting[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) TakeOutput();
  if ((waiting[3].revents & POLLOUT) != 0) person_.Flush();
  if ((waiting[3].revents & POLLIN) != 0 && may_take) TakeFrames();
  if ((waiting[3].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0 || person_.closed()) HangUp();
}

/// Milliseconds until something is to be done whether or not anything comes.
int Session::WaitTime() const {
  const Elapsed now = SinceBoot();
  Elapsed until = std::min(deadline_, now + kLook);
  if (!output_.empty()) until = std::min(until, output_since_ + kOpenEnd);
  if (!input_.empty() && typed_.empty()) until = std::min(until, std::max(input_since_ + kOpenEnd, input_after_));
  if (hung_up_) until = std::min(until, *hung_up_ + kHangUp);
  return static_cast<int>(std::max<int64_t>(0, (until - now).count() / 1000 + 1));
}

void Session::TakeOutput() {
  const size_t before = output_.size();
  std::array<char, 4096> buffer{};
  while (output_open_ && output_.size() < kMostAtOnce) {
    const ssize_t got = read(pty_, buffer.data(), buffer.size());
    if (got > 0) output_.append(buffer.data(), static_cast<size_t>(got));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    output_open_ = got > 0;  // EIO: nobody has the other side any more
  }
  if (output_.size() == before && output_open_) return;
  output_since_ = SinceBoot();
  ShowOutput(output_open_ ? output_.size() - access::LengthOfOpenEnd(output_) : output_.size());
}

/// Records that much, then shows it.
void Session::ShowOutput(size_t length) {
  if (length == 0) return;
  const std::string shown = output_.substr(0, length);
  output_.erase(0, length);
  recording_->Output(shown);
  if (!hung_up_) person_.Send(FrameType::kOutput, shown);
}

void Session::TakeFrames() {
  person_.Receive();
  while (const auto frame = person_.Next()) {
    if (frame->type == FrameType::kInput) {
      input_ += frame->payload;
      input_since_ = SinceBoot();
      input_is_whole_ |= spec_.piped_input && frame->payload.empty();
    } else if (const auto size = access::SizeOf(frame->payload); frame->type == FrameType::kResize && size) {
      recording_->Resize(access::CastResize{size->columns, size->rows});
      const winsize changed{static_cast<unsigned short>(size->rows), static_cast<unsigned short>(size->columns), 0, 0};
      ioctl(pty_, TIOCSWINSZ, &changed);
    } else {
      HangUp();
      return;
    }
  }
}

/// As a modem that loses its line: the program may put its things away, for a short time.
void Session::HangUp() {
  if (hung_up_) return;
  hung_up_ = SinceBoot();
  input_.clear();
  shutdown(person_.socket(), SHUT_RDWR);
  person_.Flush();
  if (!running_) return;
  const pid_t front = tcgetpgrp(pty_), leader = tcgetsid(pty_);
  if (leader > 1) kill(leader, SIGHUP);
  if (front > 1 && front != leader) kill(-front, SIGHUP);
}

/// A program that asks for a line without showing it asks for a password. One that takes key by key (ICANON off) shows
/// them itself.
bool Session::HidesInput() const {
  if (spec_.piped_input) return false;
  termios settings{};
  return tcgetattr(pty_, &settings) == 0 && (settings.c_lflag & ECHO) == 0 && (settings.c_lflag & ICANON) != 0;
}

void Session::PassInput() {
  const Elapsed now = SinceBoot();
  // Not when the person has gone: a program may do what a beginning says whose end never came.
  if (input_is_whole_ && !hung_up_ && input_.empty() && typed_.empty() && pipe_ >= 0) EndInput();
  if (input_.empty() || !typed_.empty() || !running_ || now < input_after_) return;
  size_t length = input_.size();
  if (!spec_.hidden_input && HidesInput()) {
    // No more than the line that was asked for: what follows it was perhaps typed for what is shown again.
    const size_t end = input_.find_first_of("\r\n");
    if (end != std::string::npos) {
      length = end + 1;
      input_after_ = now + kAfterHidden;
    }
    recording_->LeftOut(length);
  } else {
    if (now < input_since_ + kOpenEnd) length -= access::LengthOfOpenEnd(input_);
    if (length == 0) return;
    recording_->Input(input_.substr(0, length));
  }
  typed_ = input_.substr(0, length);
  input_.erase(0, length);
  WriteInput();
}

void Session::WriteInput() {
  while (!typed_.empty()) {
    const ssize_t wrote = write(spec_.piped_input ? pipe_ : pty_, typed_.data(), typed_.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && spec_.piped_input && errno != EAGAIN) typed_.clear();  // it reads no more
    if (wrote <= 0) return;
    typed_.erase(0, static_cast<size_t>(wrote));
  }
}

/// Once the service, which has the pipe's end too, lets go of it.
void Session::EndInput() {
  close(std::exchange(pipe_, -1));
  SendMessage(orders_, kInputIsWhole);  // a service that has gone is seen by Wait
}

void Session::SeeProgram() {
  int status = 0;
  if (waitpid(program_, &status, WNOHANG) != program_) return;
  running_ = false;
  report_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  close(std::exchange(slave_, -1));
  typed_.clear();
}

/// The first process of the namespace; the kernel ends all others with it, and only then is it seen to have ended.
void Session::Kill() {
  if (!running_) return;
  kill(program_, SIGKILL);
  int status = 0;
  while (waitpid(program_, &status, 0) < 0 && errno == EINTR) {
  }
  running_ = false;
  report_.status = 128 + SIGKILL;
  if (slave_ >= 0) close(std::exchange(slave_, -1));
}

/// What the program has written before its end belongs to the recording.
void Session::Finish() {
  Kill();
  while (output_open_) TakeOutput();
  ShowOutput(output_.size());
  report_.end = *end_;
  const FileSummary summary = recording_->Finish();
  report_.bytes = summary.bytes;
  report_.digest = summary.digest;
}

}  // namespace yellow::adapters::recorder
