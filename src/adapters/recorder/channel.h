#pragma once

#include <optional>
#include <string>

#include "access/terminal_frames.h"

namespace yellow::adapters::recorder {

/// One end of the socket between a person's terminal and the recorder. Never waits: what cannot be sent at once is kept
/// until Flush, so who fills it looks at `unsent` and takes in no more when that is a lot.
class Channel {
 public:
  explicit Channel(int socket) : socket_(socket) {}

  /// The payload may be larger than a frame's: it is sent as several.
  void Send(access::FrameType type, std::string_view payload);
  void Flush();
  /// Takes in what is there.
  void Receive();
  std::optional<access::Frame> Next();
  /// Bytes to be sent.
  size_t unsent() const { return unsent_.size() - sent_; }
  /// The other side has gone or speaks otherwise: nothing comes any more, nothing can be sent.
  bool closed() const { return closed_ || frames_.broken(); }
  int socket() const { return socket_; }

 private:
  int socket_;
  std::string unsent_;
  size_t sent_ = 0;
  access::FrameReader frames_;
  bool closed_ = false;
};

/// Waits until all is sent, for two seconds at most.
void SendAll(Channel& channel);

/// The last that is said to a terminal.
void TellEnd(Channel& person, const access::SessionEnd& end);

}  // namespace yellow::adapters::recorder
