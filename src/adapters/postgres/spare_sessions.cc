#include "adapters/postgres/spare_sessions.h"

#include <vector>

#include "base/error.h"
#include "sql/statement.h"

namespace yellow::adapters::postgres {
namespace {

constexpr std::chrono::seconds kPauseAfterFailure{2};
constexpr std::chrono::milliseconds kQuiet{500};

/// But for the name under which the server lists the session.
bool SameButName(const ports::ConnectionTarget& a, const ports::ConnectionTarget& b) {
  return a.host == b.host && a.port == b.port && a.database == b.database && a.user == b.user &&
         a.password.Reveal() == b.password.Reveal() && a.sslmode == b.sslmode && a.sslrootcert == b.sslrootcert;
}

}  // namespace

SpareSessions::SpareSessions(std::unique_ptr<ports::Connector> inner) : inner_(std::move(inner)) {}

SpareSessions::~SpareSessions() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<ports::Session> SpareSessions::Open(const ports::ConnectionTarget& target) {
  while (true) {
    std::unique_ptr<ports::Session> spare;
    {
      const std::lock_guard lock(mutex_);
      Kept* kept = Find(target);
      if (kept == nullptr || kept->spares.empty()) break;
      spare = std::move(kept->spares.front());
      kept->spares.pop_front();
      quiet_from_ = std::chrono::steady_clock::now() + kQuiet;
    }
    wake_.notify_all();
    try {
      spare->Execute("SET application_name = " + sql::Literal(target.application_name));
      return spare;
    } catch (const base::Error&) {  // its server has ended it since; the next one is younger
    }
  }
  return inner_->Open(target);
}

void SpareSessions::Keep(const ports::ConnectionTarget& target, int count, std::string_view warm_up) {
  std::vector<std::unique_ptr<ports::Session>> surplus;  // closed when the mutex is free again
  const std::lock_guard lock(mutex_);
  Kept* kept = Find(target);
  if (kept == nullptr) kept = &kept_.emplace_back(Kept{target, 0, {}, {}});
  kept->warm_up = warm_up;
  kept->count = static_cast<size_t>(count);
  while (kept->spares.size() > kept->count) {
    surplus.push_back(std::move(kept->spares.back()));
    kept->spares.pop_back();
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { Refill(); });
  wake_.notify_all();
}

SpareSessions::Kept* SpareSessions::Find(const ports::ConnectionTarget& target) {
  for (Kept& kept : kept_) {
    if (SameButName(kept.target, target)) return &kept;
  }
  return nullptr;
}

SpareSessions::Kept* SpareSessions::Lacking() {
  for (Kept& kept : kept_) {
    if (kept.spares.size() < kept.count) return &kept;
  }
  return nullptr;
}

void SpareSessions::Refill() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Kept* kept = Lacking();
    if (kept == nullptr) {
      wake_.wait(lock);
      continue;
    }
    if (std::chrono::steady_clock::now() < quiet_from_) {
      wake_.wait_until(lock, quiet_from_);
      continue;
    }
    const ports::ConnectionTarget target = kept->target;
    const std::string warm_up = kept->warm_up;
    lock.unlock();
    std::unique_ptr<ports::Session> spare;
    try {
      spare = inner_->Open(target);
      if (!warm_up.empty()) spare->ExecuteScript(warm_up);
    } catch (const base::Error&) {  // who needs a session meets the same failure and says so; a cold one is one too
    }
    lock.lock();
    if (spare == nullptr) {
      wake_.wait_for(lock, kPauseAfterFailure, [this] { return stop_; });
    } else if (kept->spares.size() < kept->count) {
      kept->spares.push_back(std::move(spare));
    }
  }
}

}  // namespace yellow::adapters::postgres
