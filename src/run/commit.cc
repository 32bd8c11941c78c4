#include "run/commit.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace yellow::run {

namespace {

constexpr const char* kItIs = "; it is ";
constexpr const char* kOneIs = "; one of them is ";

std::string Describe(const Broken& broken) {
  return fmt::format("{} {} the rule that {}{}{}", broken.rows, broken.rows == 1 ? "row breaks" : "rows break",
                     broken.rule, broken.rows == 1 ? kItIs : kOneIs, broken.example);
}

std::optional<Broken> FindBroken(ports::Session& session, const merge::RowCheck& check) {
  const ports::Rows found = session.Execute(check.statement);
  if (found.Integer(0, 0) == 0) return std::nullopt;
  return Broken{check.code, check.rule, found.Integer(0, 0), found.IsNull(0, 1) ? "gone" : found.Text(0, 1)};
}

/// True when the server had no room for what a statement needed beside its rows.
bool LacksRoom(const base::Error& error) { return error.sqlstate == "53100" || error.sqlstate == "53200"; }

/// By one process alone where the server has no room for memory that several share: containers often have little.
void Search(ports::Session& session, const sql::Statement& statement) {
  session.Execute("SAVEPOINT yellow_search");
  session.Execute("SET LOCAL jit = on");
  try {
    session.Execute(statement);
  } catch (const base::Error& error) {
    if (!LacksRoom(error)) throw;
    session.Execute("ROLLBACK TO SAVEPOINT yellow_search");
    session.Execute("SET LOCAL max_parallel_workers_per_gather = 0");
    session.Execute(statement);
  }
  session.Execute("SET LOCAL jit = off");
  session.Execute("RELEASE SAVEPOINT yellow_search");
}

/// Whether the comparison that the merge needs anyway shows that no staged row breaks a rule by itself: the rows that
/// are like the target's need not be looked at then. False: it is not known.
bool IsGoodByComparison(ports::Session& session, MergeInput& input) {
  merge::MergeSpec& spec = input.spec;
  if (spec.path != merge::Path::kDifference || !input.mark) return false;
  for (const sql::Statement& setting : merge::PathSettings(spec.path)) session.Execute(setting);
  try {
    Search(session, merge::FindDifference(spec));
  } catch (const base::Error& error) {
    if (!IsAboutRows(error)) throw;
    session.Execute("ROLLBACK TO SAVEPOINT yellow_search");
    return false;
  }
  spec.compared = true;
  // If any is missing, as after a crash, since the staging is not logged, the merge will doubt the keys and count them.
  spec.rows = *input.mark;
  return session.Execute(merge::CountBrokenInDifference(spec)).Integer(0, 0) == 0;
}

/// Each rule is asked only when some row breaks one: most batches are fine, and may be large.
std::vector<Broken> Inspect(ports::Session& session, MergeInput& input, int64_t& broken_alone) {
  merge::MergeSpec& spec = input.spec;
  if (IsGoodByComparison(session, input)) return {};
  const ports::Rows counts = session.Execute(merge::CountRows(spec));
  spec.rows = counts.Integer(0, 0);
  broken_alone = counts.Integer(0, 1);
  std::vector<Broken> all;
  for (const merge::RowCheck& check : merge::Checks(spec)) {
    if (broken_alone == 0 && check.code != "duplicate_key") continue;
    if (auto broken = FindBroken(session, check)) all.push_back(*broken);
  }
  return all;
}

/// A merge by difference finds shared keys by itself, later than what a person may release is told: before that, they
/// are looked for, so that nobody is asked to release what cannot be merged.
std::optional<Hold> SharedKeysAmong(ports::Session& session, std::span<const MergeInput> inputs) {
  for (const MergeInput& input : inputs) {
    if (input.spec.path != merge::Path::kDifference) continue;
    if (const auto shared = FindBroken(session, merge::SharedKeys(input.spec)))
      return HoldOf(input.spec.table.dataset, *shared);
  }
  return std::nullopt;
}

std::optional<Hold> TooManyRejected(const MergeInput& input, int64_t rejected, int64_t read,
                                    const model::Guards& guards) {
  const auto breach = merge::RejectionBreachOf(input.spec.table.dataset.dataset, rejected, read, guards);
  if (!breach) return std::nullopt;
  return Hold{breach->code, breach->reason + input.bad_rows, true};
}

/// An installation that was made by an older bootstrap lets nobody make temporary tables.
bool MayMakeTemporaryTables(ports::Session& session) {
  return session.Execute("SELECT has_database_privilege(current_database(), 'TEMPORARY')").Boolean(0, 0);
}

merge::Path ChoosePath(ports::Session& session, const MergeInput& input) {
  const bool changes = input.spec.meaning == merge::SourceMeaning::kChanges;
  const int64_t rows = changes ? session.Execute(merge::CountSource(input.spec)).Integer(0, 0) : 0;
  const merge::Path path = merge::ChoosePath(input.spec, rows);
  if (path == merge::Path::kDifference && !MayMakeTemporaryTables(session)) return merge::Path::kScan;
  return path;
}

}  // namespace

Hold HoldOf(const model::DatasetAddress& dataset, const Broken& broken) {
  return {broken.code, ToString(dataset) + ": " + Describe(broken), false};
}

std::string WithoutExample(const std::string& reason) {
  const size_t end = std::min(reason.find(kItIs), reason.find(kOneIs));
  return end == std::string::npos ? "" : reason.substr(0, end);
}

bool IsAboutRows(const base::Error& error) {
  return error.sqlstate.starts_with("22") || error.sqlstate.starts_with("54");
}

std::optional<Hold> CheckRows(ports::Session& session, std::vector<MergeInput>& inputs, const model::Guards& guards,
                              bool released) {
  std::optional<Hold> guarded;  // told only when no other table has what nobody may release
  for (MergeInput& input : inputs) {
    input.spec.path = ChoosePath(session, input);
    int64_t least = 0;  // a row may break several rules, so this is the least that there are
    const std::vector<Broken> broken = Inspect(session, input, least);
    if (broken.empty()) continue;
    if (!input.spec.table.sets_aside) return HoldOf(input.spec.table.dataset, broken.front());
    input.spec.bad_rows = true;
    for (const Broken& rule : broken) {
      least = std::max(least, rule.rows);
      input.bad_rows += "\n" + Describe(rule);
    }
    if (released || guarded || !input.mark) continue;
    guarded = TooManyRejected(input, least, *input.mark, guards);
  }
  if (guarded) {
    if (const auto hold = SharedKeysAmong(session, inputs)) return hold;
  }
  return guarded;
}

namespace {

/// A snapshot names every row, changes only some.
int64_t RowsBefore(const MergeInput& input, const merge::Counters& counters) {
  if (input.spec.meaning == merge::SourceMeaning::kChanges) return input.spec.live_rows;
  return counters.unchanged + counters.updated + counters.deleted + counters.kept;
}

/// What a person may release.
std::optional<Hold> GuardedBy(const MergeInput& input, const merge::Counters& counters, int64_t read,
                              const model::Guards& guards) {
  if (counters.rejected > 0) {
    if (auto hold = TooManyRejected(input, counters.rejected, read, guards)) return hold;
  }
  const auto breach = merge::BreachOf(input.spec.table.dataset.dataset, counters, RowsBefore(input, counters), guards);
  if (!breach) return std::nullopt;
  return Hold{breach->code, breach->reason, true};
}

void RequireStaged(const MergeInput& input, int64_t rows) {
  if (!input.mark || *input.mark == rows) return;
  throw base::Error("staging_lost",
                    "the staged rows of " + ToString(input.spec.table.dataset) + " are not what was read")
      .Retryable();
}

}  // namespace

std::variant<Merged, Hold> MergeAll(ports::Session& session, const std::vector<MergeInput>& inputs,
                                    const model::Guards& guards, bool released) {
  Merged merged;
  for (const MergeInput& input : inputs) {
    const int64_t read = input.spec.rows;
    RequireStaged(input, read);
    for (const sql::Statement& setting : merge::PathSettings(input.spec.path)) session.Execute(setting);
    merge::Tally tally;
    for (const merge::MergeStatement& step : merge::Merge(input.spec)) {
      if (step.effect == merge::Effect::kSearch) {
        Search(session, step.statement);
        continue;
      }
      const ports::Rows done = session.Execute(step.statement);
      if (step.effect == merge::Effect::kDoubtKeys && done.Boolean(0, 0)) {
        if (const auto shared = FindBroken(session, merge::SharedKeys(input.spec)))
          return HoldOf(input.spec.table.dataset, *shared);
        RequireStaged(input, session.Execute(merge::CountSource(input.spec)).Integer(0, 0));
      }
      tally.Add(step.effect, step.effect == merge::Effect::kKeep ? done.Integer(0, 0) : done.affected);
    }
    const merge::Counters counters = merge::Count(input.spec, read, tally);
    if (const auto guarded = released ? std::nullopt : GuardedBy(input, counters, read, guards)) {
      const auto after = std::span(inputs).subspan(static_cast<size_t>(&input - inputs.data()) + 1);
      const auto shared = SharedKeysAmong(session, after);
      return shared ? *shared : *guarded;
    }
    merged[input.spec.table.dataset.dataset] = counters;
  }
  return merged;
}

void ForgetRejected(ports::Session& session, const std::string& stream, const std::vector<MergeInput>& inputs,
                    int64_t seconds) {
  const auto last = static_cast<int>(
      session
          .Execute({"SELECT coalesce(max(batch), 0) FROM yellow.batch WHERE stream = $1 AND state = 'committed' AND "
                    "committed_at < clock_timestamp() - make_interval(secs => $2)",
                    {stream, std::to_string(seconds)}})
          .Integer(0, 0));
  for (const MergeInput& input : inputs) {
    if (input.spec.table.sets_aside) session.Execute(merge::ForgetRejected(input.spec, last));
  }
}

namespace {

constexpr const char* kLiveRows =
    "coalesce((SELECT d.live_rows FROM yellow.batch_dataset d WHERE d.stream = $1 AND d.dataset = $2 ORDER BY d.batch "
    "DESC LIMIT 1), 0)";

}  // namespace

int64_t LiveRows(ports::Session& session, const std::string& stream, const std::string& dataset) {
  return session.Execute({std::string("SELECT ") + kLiveRows, {stream, dataset}}).Integer(0, 0);
}

void CommitBatch(ports::Session& session, const std::string& stream, int batch, const Merged& merged,
                 const std::string& from_state) {
  const std::string number = std::to_string(batch);
  for (const auto& [dataset, c] : merged) {
    session.Execute(
        {"INSERT INTO yellow.batch_dataset (stream, dataset, batch, staged, inserted, updated, deleted, unchanged, "
         "rejected, live_rows, ignored) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, " +
             std::string(kLiveRows) +
             " + $5::bigint - $7::bigint, coalesce((SELECT ignored FROM yellow.mark WHERE stream = $1 AND dataset = $2 "
             "AND "
             "batch = $3), '{}')",
         {stream, dataset, number, std::to_string(c.staged), std::to_string(c.inserted), std::to_string(c.updated),
          std::to_string(c.deleted), std::to_string(c.unchanged), std::to_string(c.rejected)}});
  }
  const ports::Rows done =
      session.Execute({"UPDATE yellow.batch b SET state = 'committed', reason_code = NULL, reason = NULL, committed_at "
                       "= greatest(clock_timestamp(), "
                       "(SELECT max(committed_at) FROM yellow.batch p WHERE p.stream = b.stream)) "
                       "WHERE stream = $1 AND batch = $2 AND state = $3 RETURNING 1",
                       {stream, number, from_state}});
  if (done.empty())
    throw base::Error("fenced", "the batch is not " + from_state + " any more: " + number + " of " + stream);
}

BatchReport ReportOf(ports::Session& session, const std::string& stream, int batch) {
  const ports::Rows sums = session.Execute(
      {"SELECT coalesce(sum(staged), 0), coalesce(sum(inserted), 0), coalesce(sum(updated), 0), "
       "coalesce(sum(deleted), 0), coalesce(sum(unchanged), 0), coalesce(sum(rejected), 0) FROM yellow.batch_dataset "
       "WHERE stream = $1 AND batch = $2",
       {stream, std::to_string(batch)}});
  BatchReport report;
  report.batch = batch;
  report.staged = sums.Integer(0, 0), report.inserted = sums.Integer(0, 1), report.updated = sums.Integer(0, 2);
  report.deleted = sums.Integer(0, 3), report.unchanged = sums.Integer(0, 4), report.rejected = sums.Integer(0, 5);
  return report;
}

BatchReport ReportOf(int batch, const Merged& merged) {
  BatchReport report;
  report.batch = batch;
  for (const auto& [dataset, c] : merged) {
    report.staged += c.staged, report.inserted += c.inserted, report.updated += c.updated;
    report.deleted += c.deleted, report.unchanged += c.unchanged, report.rejected += c.rejected;
  }
  return report;
}

}  // namespace yellow::run
