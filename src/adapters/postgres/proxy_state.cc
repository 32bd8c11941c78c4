#include "adapters/postgres/proxy_state.h"

#include <sodium.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

constexpr size_t kMostSessions = 8;

}  // namespace

ProxyState::ProxyState(ports::ConnectionTarget target, ports::WireSink& sink)
    : target_(std::move(target)), sink_(sink), stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (stop_ < 0) throw base::Error("listen", "the system has no descriptor left");
}

ProxyState::~ProxyState() { close(stop_); }

bool ProxyState::Record(const ports::WireEvent& event) {
  return !reason() && RecordLast(event) && !reason();  // the sink may have taken long
}

bool ProxyState::RecordLast(const ports::WireEvent& event) {
  bool taken = false;
  {
    const std::lock_guard lock(sink_mutex_);
    taken = sink_.Take(event);
  }
  if (!taken) Stop("the audit log cannot be written");
  return taken;
}

void ProxyState::Stop(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (reason_) return;
  reason_ = reason;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof one);  // into an empty counter
}

std::optional<std::string> ProxyState::reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

ProxyState::Place::Place(ProxyState& state) : state_(state) {
  const std::lock_guard lock(state_.mutex_);
  taken_ = state_.places_ < kMostSessions;
  if (taken_) ++state_.places_;
}

ProxyState::Place::~Place() {
  const std::lock_guard lock(state_.mutex_);
  if (taken_) --state_.places_;
  state_.running_.erase(key_);
}

const CancelKey& ProxyState::Place::Open(int64_t client, const ServerLink& link) {
  const std::lock_guard lock(state_.mutex_);
  do {
    key_ = {link.process(), randombytes_random()};
  } while (!state_.running_.emplace(key_, Running{client, link.canceller()}).second);
  return key_;
}

std::optional<ProxyState::Running> ProxyState::Find(const CancelKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(key);
  if (found == running_.end()) return std::nullopt;
  return found->second;
}

}  // namespace yellow::adapters::postgres
