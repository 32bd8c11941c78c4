#include "adapters/recorder/recording.h"

#include <time.h>

#include <utility>

namespace yellow::adapters::recorder {
namespace {

constexpr Elapsed kSyncEvery = std::chrono::seconds(1);

access::CastHeader HeaderOf(const ports::RecordingSpec& spec) {
  access::CastHeader header{spec.columns, spec.rows, time(nullptr), spec.title, {}};
  // Anything else may be a secret.
  const auto found = spec.environment.find("TERM");
  if (found != spec.environment.end()) header.environment.insert(*found);
  return header;
}

}  // namespace

Elapsed SinceBoot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::duration_cast<Elapsed>(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

Recording::Recording(const ports::RecordingSpec& spec)
    : file_(SealedWriter::Make(spec.path, spec.recipients)), started_(SinceBoot()) {
  file_->Write(access::CastLine(HeaderOf(spec)));
  Sync();
}

void Recording::Input(std::string bytes) {
  Put(access::CastInput{std::move(bytes)});
  Sync();
}

void Recording::LeftOut(size_t bytes) {
  Put(access::CastLeftOut{static_cast<int64_t>(bytes)});
  Sync();
}

void Recording::SyncIfDue() {
  if (unsynced_ && SinceBoot() - synced_ >= kSyncEvery) Sync();
}

void Recording::Put(decltype(access::CastEvent::what) what) {
  file_->Write(access::CastLines({(SinceBoot() - started_).count(), std::move(what)}));
  ++events_;
  unsynced_ = true;
  SyncIfDue();
}

void Recording::Sync() {
  file_->Sync();
  synced_ = SinceBoot();
  unsynced_ = false;
}

}  // namespace yellow::adapters::recorder
