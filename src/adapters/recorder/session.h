#pragma once

#include <optional>
#include <string>

#include "adapters/recorder/channel.h"
#include "adapters/recorder/recording.h"

namespace yellow::adapters::recorder {

/// One session, in the recorder's process: a program on a pseudo terminal, between it and the person the recording.
class Session {
 public:
  /// Starts the program. `orders`: a socket on which a byte cancels the session, and whose end ends it; `terminal`: the
  /// person's. Throws base::Error when it cannot be recorded or enclosed; nothing runs then, and no file is left.
  Session(const ports::RecordingSpec& spec, int orders, int terminal);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  pid_t program() const { return program_; }
  /// What listens at the port that the program is given; -1: none. This object's own.
  int listener() const { return listener_; }
  /// Into which piped input goes; -1: it is not. This object's own. The program sees the end of its input when no copy
  /// is left; Run says on `orders` with kInputIsWhole when that is due.
  int input() const { return pipe_; }
  /// Until its end. REQUIRES: called once.
  ports::RecordingReport Run();

 private:
  void OpenTerminal();
  int OpenPipe();
  void Loop();
  void Wait();
  int WaitTime() const;
  void TakeOutput();
  void ShowOutput(size_t length);
  void TakeFrames();
  void HangUp();
  bool HidesInput() const;
  void PassInput();
  void WriteInput();
  void EndInput();
  void SeeProgram();
  void Kill();
  void Finish();

  ports::RecordingSpec spec_;
  int orders_;
  Channel person_;
  std::optional<Recording> recording_;
  int pty_ = -1;
  int slave_ = -1;  // held while the program runs, so that one that closes its terminal and opens it again goes on
  int pipe_ = -1;   // into which input goes, if it is piped and more may come
  pid_t program_ = -1;
  int watched_ = -1;  // a pidfd of the program
  int listener_ = -1;
  Elapsed deadline_{};
  std::optional<ports::RecordingEnd> end_;
  ports::RecordingReport report_;
  bool running_ = true;      // the program
  bool output_open_ = true;  // more may come from the pseudo terminal
  std::string output_;       // read, not recorded: the beginning of a UTF-8 sequence
  Elapsed output_since_{};
  std::string input_;  // from the person, not recorded
  bool input_is_whole_ = false;
  Elapsed input_since_{};
  Elapsed input_after_{};  // not to be passed on before
  std::string typed_;      // recorded, not yet taken by the pseudo terminal
  std::optional<Elapsed> hung_up_;
};

}  // namespace yellow::adapters::recorder
