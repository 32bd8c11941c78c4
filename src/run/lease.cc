#include "run/lease.h"

#include "base/error.h"

namespace yellow::run {
namespace {

constexpr std::chrono::seconds kRenewEvery{5};

constexpr const char* kHolder =
    "SELECT coalesce(holder, ''), lease_until < clock_timestamp() FROM yellow.stream WHERE key = $1";

// $3: the holder was seen to be dead; only that very holder is taken over then.
constexpr const char* kTake = R"(
WITH before AS (SELECT key, backends FROM yellow.stream WHERE key = $1 FOR UPDATE)
UPDATE yellow.stream s SET epoch = epoch + 1, holder = $2, backends = ARRAY[$4::int, $5::int], lease_until = clock_timestamp() + interval '15 seconds'
FROM before b
WHERE s.key = b.key AND (s.lease_until < clock_timestamp() OR s.lease_until > clock_timestamp() + interval '20 seconds' OR s.holder = nullif($3, ''))
RETURNING s.epoch, (SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
                    WHERE a.pid = ANY (b.backends) AND a.pid <> ALL (ARRAY[$4::int, $5::int]) AND a.usename = current_user))";

constexpr const char* kRenew =
    "UPDATE yellow.stream SET lease_until = clock_timestamp() + interval '15 seconds' WHERE key = $1 AND epoch = $2 "
    "RETURNING 1";

base::Error Fenced(const std::string& stream) {
  return base::Error("fenced", "the lease of " + stream + " was taken over; nothing was written");
}

}  // namespace

std::unique_ptr<Lease> Lease::Take(const Effects& effects, const Actor& actor, const std::string& container,
                                   const std::string& stream, ports::Session& session) {
  const ports::Rows row = session.Execute({kHolder, {stream}});
  if (row.empty()) throw base::Error("not_applied", "the stream is not in the applied model: " + stream);
  const std::string& holder = row.Text(0, 0);
  const bool dead = !row.Boolean(0, 1) && !holder.empty() && !effects.processes.MayBeAlive(holder);
  auto heartbeat =
      effects.connector.Open(effects.endpoints.Service(container, ports::ServiceRole::kEngine, "lease " + stream));
  const ports::Rows taken =
      session.Execute({kTake,
                       {stream, actor.holder, dead ? holder : "", std::to_string(session.backend_pid()),
                        std::to_string(heartbeat->backend_pid())}});
  if (taken.empty()) return nullptr;
  return std::unique_ptr<Lease>(new Lease(std::move(heartbeat), stream, taken.Integer(0, 0)));
}

Lease::Lease(std::unique_ptr<ports::Session> heartbeat, std::string stream, int64_t epoch)
    : heartbeat_(std::move(heartbeat)), stream_(std::move(stream)), epoch_(epoch), thread_([this] { Beat(); }) {}

Lease::~Lease() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  try {
    heartbeat_->Execute(
        {"UPDATE yellow.stream SET lease_until = '-infinity', holder = NULL, backends = '{}' WHERE key = $1 AND epoch "
         "= $2",
         {stream_, std::to_string(epoch_)}});
  } catch (const base::Error&) {  // it ends by itself
  }
}

void Lease::Beat() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kRenewEvery, [this] { return stop_; })) {
    lock.unlock();
    try {
      heartbeat_->Execute({kRenew, {stream_, std::to_string(epoch_)}});
    } catch (const base::Error&) {  // the fence decides; a lease that is not renewed ends
    }
    lock.lock();
  }
}

void Lease::Check(ports::Session& session) const {
  if (session.Execute({"SELECT 1 FROM yellow.stream WHERE key = $1 AND epoch = $2", {stream_, std::to_string(epoch_)}})
          .empty())
    throw Fenced(stream_);
}

void Lease::Fence(ports::Session& session) const {
  if (session
          .Execute({"SELECT 1 FROM yellow.stream WHERE key = $1 AND epoch = $2 FOR UPDATE",
                    {stream_, std::to_string(epoch_)}})
          .empty()) {
    throw Fenced(stream_);
  }
}

}  // namespace yellow::run
