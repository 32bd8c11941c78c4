#include "adapters/postgres/session_pool.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "adapters/postgres/session.h"
#include "adapters/postgres/session_settings.h"
#include "base/error.h"
#include "sql/statement.h"

namespace yellow::adapters::postgres {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPauseAfterFailure{2};
constexpr std::chrono::milliseconds kQuiet{500};

/// But for the name under which the server lists the session.
bool SameButName(const ports::ConnectionTarget& a, const ports::ConnectionTarget& b) {
  return a.host == b.host && a.port == b.port && a.database == b.database && a.user == b.user &&
         a.password.Reveal() == b.password.Reveal() && a.sslmode == b.sslmode && a.sslrootcert == b.sslrootcert;
}

/// What is asked of it again, in this use or the next, is worth preparing, and needs no plan for its values: that would
/// take longer than what is asked.
void Prepare(ports::Session& session) {
  if (auto* libpq = dynamic_cast<LibpqSession*>(&session)) libpq->PrepareRepeated();
  session.Execute("SET plan_cache_mode = force_generic_plan");
}

/// All that DISCARD ALL does but to forget prepared statements, which hold nothing of a use, and to release advisory
/// locks, which Yellow's logins may not take.
void Clean(ports::Session& session) {
  session.ExecuteScript(
      "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES");
  ApplySettings(session);
  Prepare(session);
}

sql::Statement Name(const ports::ConnectionTarget& target) {
  return "SET application_name = " + sql::Literal(target.application_name);
}

}  // namespace

/// A session that was given away, and goes back to the pool when it is destroyed.
class SessionPool::Lent : public ports::Session {
  template <typename Do>
  auto Act(Do act) {
    try {
      return act();
    } catch (...) {
      good_ = false;
      throw;
    }
  }

 public:
  Lent(SessionPool& pool, Kept& kept, Pooled pooled) : pool_(pool), kept_(kept), pooled_(std::move(pooled)) {}
  ~Lent() override {
    if (good_ && !pooled_.session->in_transaction()) pool_.Return(kept_, std::move(pooled_));
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  ports::Rows Execute(const sql::Statement& statement) override {
    return Act([&] { return pooled_.session->Execute(statement); });
  }
  void Send(std::vector<sql::Statement> statements) override {
    Act([&] { pooled_.session->Send(std::move(statements)); });
  }
  std::vector<ports::Rows> Receive() override {
    return Act([&] { return pooled_.session->Receive(); });
  }
  void ExecuteScript(std::string_view script) override {
    Act([&] { pooled_.session->ExecuteScript(script); });
  }
  int64_t CopyFrom(ports::Session& from, std::string_view copy_out, std::string_view copy_in,
                   const ports::CopyProgress& progress) override {
    auto* lent = dynamic_cast<Lent*>(&from);
    ports::Session& source = lent == nullptr ? from : *lent->pooled_.session;
    return Act([&] { return pooled_.session->CopyFrom(source, copy_out, copy_in, progress); });
  }
  int backend_pid() const override { return pooled_.session->backend_pid(); }
  int server_version() const override { return pooled_.session->server_version(); }
  bool in_transaction() const override { return pooled_.session->in_transaction(); }
  bool Await(std::chrono::milliseconds most) override {
    return Act([&] { return pooled_.session->Await(most); });
  }
  void Cancel() override { pooled_.session->Cancel(); }

 private:
  SessionPool& pool_;
  Kept& kept_;
  Pooled pooled_;
  bool good_ = true;
};

SessionPool::SessionPool(std::unique_ptr<ports::Connector> inner, steady_clock::duration longest_life)
    : inner_(std::move(inner)), longest_life_(longest_life) {}

SessionPool::~SessionPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<ports::Session> SessionPool::Open(const ports::ConnectionTarget& target) {
  Kept* kept = nullptr;
  while (true) {
    Pooled pooled;
    bool used = false;
    {
      const std::lock_guard lock(mutex_);
      kept = Find(target);
      if (kept != nullptr && kept->count == 0) kept = nullptr;
      if (kept == nullptr || (kept->ready.empty() && kept->returned.empty())) break;
      used = kept->ready.empty();
      auto& from = used ? kept->returned : kept->ready;
      pooled = std::move(from.front());
      from.pop_front();
      quiet_from_ = steady_clock::now() + kQuiet;
    }
    wake_.notify_all();
    try {
      if (used) Clean(*pooled.session);
      pooled.session->Execute(Name(target));
      return std::make_unique<Lent>(*this, *kept, std::move(pooled));
    } catch (const base::Error&) {  // its server has ended it since; the next one may live
    }
  }
  auto opened = inner_->Open(target);
  if (kept == nullptr) return opened;
  Prepare(*opened);
  return std::make_unique<Lent>(*this, *kept, Pooled{std::move(opened), steady_clock::now()});
}

void SessionPool::Keep(const ports::ConnectionTarget& target, int count, std::string_view warm_up) {
  std::vector<Pooled> surplus;  // closed when the mutex is free again
  const std::lock_guard lock(mutex_);
  Kept* kept = Find(target);
  if (kept == nullptr) kept = &kept_.emplace_back(Kept{target, 0, {}, {}, {}});
  kept->warm_up = warm_up;
  kept->count = static_cast<size_t>(count);
  while (kept->ready.size() > kept->count) {
    surplus.push_back(std::move(kept->ready.back()));
    kept->ready.pop_back();
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { Tend(); });
  wake_.notify_all();
}

SessionPool::Kept* SessionPool::Find(const ports::ConnectionTarget& target) {
  for (Kept& kept : kept_) {
    if (SameButName(kept.target, target)) return &kept;
  }
  return nullptr;
}

void SessionPool::Return(Kept& kept, Pooled pooled) {
  const bool old = steady_clock::now() - pooled.opened_at > longest_life_;
  Pooled coldest;  // closed when the mutex is free again
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || old || kept.returned.size() >= kept.count) return;
    if (kept.ready.size() + kept.returned.size() >= kept.count) {
      coldest = std::move(kept.ready.back());
      kept.ready.pop_back();
    }
    kept.returned.push_back(std::move(pooled));
    quiet_from_ = steady_clock::now() + kQuiet;
  }
  wake_.notify_all();
}

void SessionPool::CleanOne(Kept& kept, std::unique_lock<std::mutex>& lock) {
  Pooled pooled = std::move(kept.returned.front());
  kept.returned.pop_front();
  lock.unlock();
  bool clean = true;
  try {
    Clean(*pooled.session);
    pooled.session->Execute(Name(kept.target));
  } catch (const base::Error&) {
    clean = false;
  }
  lock.lock();
  if (clean) {
    // In front: what was in use a moment ago has at hand what it is wanted for next.
    kept.ready.push_front(std::move(pooled));
    if (kept.ready.size() <= kept.count) return;
    pooled = std::move(kept.ready.back());
    kept.ready.pop_back();
  }
  lock.unlock();
  pooled.session.reset();  // with the mutex free: to close a session takes a moment
  lock.lock();
}

void SessionPool::OpenOne(Kept& kept, std::unique_lock<std::mutex>& lock) {
  const ports::ConnectionTarget target = kept.target;
  const std::string warm_up = kept.warm_up;
  lock.unlock();
  Pooled pooled{nullptr, steady_clock::now()};
  try {
    pooled.session = inner_->Open(target);
    Prepare(*pooled.session);
    if (!warm_up.empty()) pooled.session->ExecuteScript(warm_up);
  } catch (const base::Error&) {  // who needs a session meets the same failure and says so; a cold one is one too
  }
  lock.lock();
  if (pooled.session == nullptr) {
    wake_.wait_for(lock, kPauseAfterFailure, [this] { return stop_; });
  } else if (kept.ready.size() < kept.count) {
    kept.ready.push_back(std::move(pooled));
  }
}

SessionPool::Kept* SessionPool::Wanting() {
  const auto wanting = std::find_if(kept_.begin(), kept_.end(), [](const Kept& kept) {
    return !kept.returned.empty() || kept.ready.size() < kept.count;
  });
  return wanting == kept_.end() ? nullptr : &*wanting;
}

void SessionPool::AwaitQuiet() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stop_ || (!tending_ && Wanting() == nullptr); });
}

void SessionPool::Tend() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Kept* const wanting = Wanting();
    if (wanting == nullptr) {
      wake_.wait(lock);
    } else if (steady_clock::now() < quiet_from_) {
      wake_.wait_until(lock, quiet_from_);
    } else {
      tending_ = true;
      if (wanting->returned.empty()) {
        OpenOne(*wanting, lock);
      } else {
        CleanOne(*wanting, lock);
      }
      tending_ = false;
      wake_.notify_all();
    }
  }
}

}  // namespace yellow::adapters::postgres
