#include "run/retention.h"

#include <chrono>
#include <set>

#include "base/error.h"
#include "run/audit.h"
#include "run/run_login.h"

namespace yellow::run {
namespace {

constexpr int kChunkRows = 2'000, kChunks = 10;

// In all of these: $1: seconds that something is kept; $2: how many rows to forget at once. A stream's batches are
// forgotten from the first one on; the first that has to stay ends it.
constexpr const char* kBatches = R"(
WITH consumed AS (
  SELECT s.key, min(c.batch) AS batch FROM yellow.stream s
  JOIN yellow.cursor c ON split_part(c.input, '.', 1) = s.store AND (s.dataset IS NULL OR split_part(c.input, '.', 2) = s.dataset)
  JOIN yellow.transformer t ON t.key = c.consumer AND t.platform = s.platform AND NOT t.retired
  GROUP BY s.key
), first_kept AS (
  SELECT s.key, least(
    (SELECT max(b.batch) FROM yellow.batch b WHERE b.stream = s.key AND b.state = 'committed'),
    (SELECT max(b.batch) - 19 FROM yellow.batch b WHERE b.stream = s.key),
    (SELECT min(b.batch) FROM yellow.batch b WHERE b.stream = s.key AND (b.state IN ('open', 'staged', 'held')
      OR coalesce(b.committed_at, b.opened_at) > clock_timestamp() - make_interval(secs => $1::bigint))),
    consumed.batch + 1) AS batch
  FROM yellow.stream s LEFT JOIN consumed USING (key)
), old AS (
  SELECT b.stream, b.batch FROM first_kept k JOIN yellow.batch b ON b.stream = k.key AND b.batch < k.batch
  ORDER BY b.stream, b.batch LIMIT $2::int
)
DELETE FROM yellow.batch b USING old WHERE b.stream = old.stream AND b.batch = old.batch)";

constexpr const char* kRuns = R"(
WITH first_kept AS (
  SELECT s.store, s.dataset, s.platform, (SELECT min(b.batch) FROM yellow.batch b WHERE b.stream = s.key) AS batch
  FROM yellow.stream s
), of_transformer AS (
  SELECT t.key, t.platform,
    (SELECT r.opened_at FROM yellow.run r WHERE r.transformer = t.key ORDER BY r.opened_at DESC OFFSET 19 LIMIT 1) AS newest,
    (SELECT r.id FROM yellow.run r WHERE r.transformer = t.key AND r.state = 'committed' AND r.request IS NULL ORDER BY r.opened_at DESC LIMIT 1) AS last
  FROM yellow.transformer t
), old AS (
  SELECT r.id FROM yellow.run r JOIN of_transformer t ON t.key = r.transformer
  WHERE r.closed_at < clock_timestamp() - make_interval(secs => $1::bigint) AND r.login IS NULL
    AND r.opened_at < t.newest AND r.id IS DISTINCT FROM t.last
    AND NOT EXISTS (SELECT FROM yellow.claim c JOIN first_kept k ON k.platform = t.platform AND k.store = split_part(c.input, '.', 1)
                      AND (k.dataset IS NULL OR k.dataset = split_part(c.input, '.', 2))
                    WHERE c.run_id = r.id AND c.to_batch > c.from_batch AND c.to_batch >= k.batch)
    AND NOT EXISTS (SELECT FROM yellow.batch b WHERE b.run_id = r.id)
  ORDER BY r.opened_at LIMIT $2::int
)
DELETE FROM yellow.run r USING old WHERE r.id = old.id)";

constexpr const char* kEvents = R"(
DELETE FROM yellow.event WHERE id = ANY (ARRAY(
  SELECT id FROM yellow.event WHERE at < clock_timestamp() - make_interval(secs => $1::bigint) ORDER BY id LIMIT $2::int)))";

// What lasts stays, so that it is told once.
constexpr const char* kNotices = R"(
DELETE FROM yellow.notice WHERE id = ANY (ARRAY(
  SELECT id FROM yellow.notice
  WHERE over_at < clock_timestamp() - make_interval(secs => $1::bigint)
  ORDER BY number LIMIT $2::int)))";

constexpr const char* kModels = R"(
DELETE FROM yellow.model WHERE version = ANY (ARRAY(
  SELECT m.version FROM yellow.model m
  WHERE m.applied_at < clock_timestamp() - make_interval(secs => $1::bigint)
    AND m.version < (SELECT max(version) FROM yellow.model)
    AND NOT EXISTS (SELECT FROM yellow.batch b WHERE b.model_version = m.version)
    AND NOT EXISTS (SELECT FROM yellow.run r WHERE r.model_version = m.version)
  ORDER BY m.version LIMIT $2::int)))";

constexpr const char* kLogs = R"(
UPDATE yellow.run SET log = NULL WHERE id = ANY (ARRAY(
  SELECT id FROM yellow.run WHERE log IS NOT NULL AND closed_at < clock_timestamp() - make_interval(secs => $1::bigint)
  LIMIT $2::int)))";

const Actor kYellow{"", "", "yellow"};

void InChunks(ports::Session& engine, const char* what, const char* statement, const model::Duration& kept) {
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    ports::Transaction transaction(engine, "", "forget");
    const ports::Rows done = engine.Execute({statement, {std::to_string(kept.seconds), std::to_string(kChunkRows)}});
    if (done.affected == 0) return;
    RecordAudit(engine, kYellow, "retention.removed", what, {{"rows", std::to_string(done.affected)}});
    transaction.Commit();
    if (done.affected < kChunkRows) return;
  }
}

/// Folders stay while their run is open; a run of another installation in the same folder is told by its age alone.
void ForgetFolders(const Effects& effects, ports::Session& engine, const Applied& applied) {
  const std::string runs = applied.data_folder + "/runs";
  const ports::Rows open = engine.Execute("SELECT id FROM yellow.run WHERE closed_at IS NULL");
  std::set<std::string> kept;
  for (size_t i = 0; i < open.size(); ++i) kept.insert(open.Text(i, 0));
  const ports::TimePoint before =
      effects.clock.Now() - std::chrono::seconds(applied.model.ecosystem.retention.logs.seconds);
  std::vector<std::string> old;
  for (const std::string& name : effects.files.FoldersIn(runs)) {
    const auto made = MadeAt(name);
    if (made && *made < before && kept.count(name) == 0) old.push_back(name);
  }
  if (old.empty()) return;
  RecordAudit(engine, kYellow, "retention.removed", "folders of runs", {{"folders", std::to_string(old.size())}});
  for (const std::string& name : old) effects.files.RemoveTree(runs + "/" + name);
}

}  // namespace

void ForgetOld(const Effects& effects, ports::Session& engine, const Applied& applied) {
  const model::Retention& retention = applied.model.ecosystem.retention;
  try {
    InChunks(engine, "batches", kBatches, retention.control);
    InChunks(engine, "runs", kRuns, retention.control);
    InChunks(engine, "events", kEvents, retention.control);
    InChunks(engine, "messages", kNotices, retention.control);
    InChunks(engine, "model versions", kModels, retention.control);
    InChunks(engine, "logs of runs", kLogs, retention.logs);
    ForgetFolders(effects, engine, applied);
  } catch (const base::Error& error) {
    effects.reporter.Line(std::string("Old records stay for now: ") + error.what());
  }
}

}  // namespace yellow::run
