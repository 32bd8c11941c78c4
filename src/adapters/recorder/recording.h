#pragma once

#include <chrono>
#include <memory>

#include "access/cast.h"
#include "adapters/recorder/sealed_file.h"

namespace yellow::adapters::recorder {

/// The time that a session takes, which goes on while the machine sleeps and is not set by anybody.
using Elapsed = std::chrono::microseconds;
Elapsed SinceBoot();

/// A recording that is being written: events into a sealed file. What has returned from here may be passed on. Every
/// method throws base::Error when the file cannot be written.
///
/// Input is on the disk before it has any effect, so that nothing that somebody did is lost even with the machine's
/// power. Output is with the system before it is shown, which no end of a process loses, and on the disk with the next
/// input or a second later: to wait for the disk at every line would make a long output take minutes, and what was
/// shown changes nothing.
class Recording {
 public:
  /// Makes the file, with its first line in it.
  explicit Recording(const ports::RecordingSpec& spec);

  void Output(std::string bytes) { Put(access::CastOutput{std::move(bytes)}); }
  void Input(std::string bytes);
  void LeftOut(size_t bytes);
  void Resize(const access::CastResize& size) { Put(size); }
  /// To be called about once a second.
  void SyncIfDue();
  FileSummary Finish() { return file_->Finish(); }
  int64_t events() const { return events_; }

 private:
  void Put(decltype(access::CastEvent::what) what);
  void Sync();

  std::unique_ptr<SealedWriter> file_;
  Elapsed started_;
  Elapsed synced_{};
  bool unsynced_ = false;
  int64_t events_ = 0;
};

}  // namespace yellow::adapters::recorder
