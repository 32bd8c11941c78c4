#include "run/lease.h"

#include "base/error.h"

namespace yellow::run {
namespace {

constexpr std::chrono::seconds kRenewEvery{5};

constexpr const char* kHolder =
    "SELECT coalesce(holder, ''), lease_until < clock_timestamp() OR lease_until > clock_timestamp() + interval '20 "
    "seconds', backends "
    "FROM yellow.stream WHERE key = $1";

// $3: the holder was seen to be dead; only that very holder is taken over then.
constexpr const char* kTake = R"(
UPDATE yellow.stream SET epoch = epoch + 1, holder = $2, backends = $4::int[], lease_until = clock_timestamp() + interval '15 seconds'
WHERE key = $1 AND (lease_until < clock_timestamp() OR lease_until > clock_timestamp() + interval '20 seconds' OR holder = nullif($3, ''))
RETURNING epoch)";

constexpr const char* kRenew =
    "UPDATE yellow.stream SET lease_until = clock_timestamp() + interval '15 seconds' WHERE key = $1 AND epoch = $2 "
    "AND holder = $3 RETURNING 1";

// The epoch alone would do, were it not for a merge database that is restored from a backup: it gives epochs again.
constexpr const char* kHeld = "SELECT 1 FROM yellow.stream WHERE key = $1 AND epoch = $2 AND holder = $3";

base::Error Fenced(const std::string& stream) {
  return base::Error("fenced", "the lease of " + stream + " was taken over; nothing was written");
}

}  // namespace

std::unique_ptr<Lease> Lease::Take(const Effects& effects, const Actor& actor, const std::string& container,
                                   const std::string& stream, ports::Session& session,
                                   const std::vector<int>& writers) {
  const ports::Rows row = session.Execute({kHolder, {stream}});
  if (row.empty()) throw base::Error("not_applied", "the stream is not in the applied model: " + stream);
  const std::string& holder = row.Text(0, 0);
  const bool ended = row.Boolean(0, 1);
  const bool dead = !ended && !holder.empty() && (holder == actor.holder || !effects.processes.MayBeAlive(holder));
  // Its sessions first: one that is paused inside a commit holds the very row that is to change.
  if ((ended || dead) && row.Text(0, 2) != "{}")
    session.Execute({"SELECT yellow_sec.backends_end($1::int[])", {row.Text(0, 2)}});
  ports::ConnectionTarget target = effects.endpoints.Service(container, ports::ServiceRole::kEngine, "lease " + stream);
  auto heartbeat = effects.connector.Open(target);
  std::string backends = "{" + std::to_string(session.backend_pid()) + "," + std::to_string(heartbeat->backend_pid());
  for (const int writer : writers) backends += "," + std::to_string(writer);
  // On disk before anything else: after a crash of the server nobody may be given this epoch again.
  const ports::Rows taken = session.Execute({kTake, {stream, actor.holder, dead ? holder : "", backends + "}"}});
  if (taken.empty()) return nullptr;
  return std::unique_ptr<Lease>(
      new Lease(effects.connector, std::move(target), std::move(heartbeat), stream, taken.Integer(0, 0), actor.holder));
}

Lease::Lease(ports::Connector& connector, ports::ConnectionTarget target, std::unique_ptr<ports::Session> heartbeat,
             std::string stream, int64_t epoch, std::string holder)
    : connector_(connector),
      target_(std::move(target)),
      heartbeat_(std::move(heartbeat)),
      stream_(std::move(stream)),
      epoch_(epoch),
      holder_(std::move(holder)),
      thread_([this] { Beat(); }) {}

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
         "= $2 AND holder = $3",
         {stream_, std::to_string(epoch_), holder_}});
  } catch (const base::Error&) {  // it ends by itself
  }
}

void Lease::Beat() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kRenewEvery, [this] { return stop_; })) {
    lock.unlock();
    try {
      Renew();
    } catch (const base::Error&) {  // the fence decides; a lease that is not renewed ends
    }
    lock.lock();
  }
}

void Lease::Renew() {
  const sql::Statement renew{kRenew, {stream_, std::to_string(epoch_), holder_}};
  try {
    lost_ = heartbeat_->Execute(renew).empty();
  } catch (const base::Error&) {  // its connection may be lost, and no other
    heartbeat_ = connector_.Open(target_);
    lost_ = heartbeat_->Execute(renew).empty();
  }
}

void Lease::Check(ports::Session& session) const {
  RequireFence(session.Execute({kHeld, {stream_, std::to_string(epoch_), holder_}}));
}

void Lease::Fence(ports::Session& session) const { RequireFence(session.Execute(Fencing())); }

sql::Statement Lease::Fencing() const {
  return {std::string(kHeld) + " FOR UPDATE", {stream_, std::to_string(epoch_), holder_}};
}

void Lease::RequireFence(const ports::Rows& held) const {
  if (held.empty()) throw Fenced(stream_);
}

}  // namespace yellow::run
