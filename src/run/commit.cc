#include "run/commit.h"

#include <fmt/format.h>

#include "base/error.h"

namespace yellow::run {

std::optional<Hold> CheckRows(ports::Session& session, const std::vector<MergeInput>& inputs) {
  for (const MergeInput& input : inputs) {
    for (const merge::RowCheck& check : merge::Checks(input.spec)) {
      const ports::Rows found = session.Execute(check.statement);
      if (found.Integer(0, 0) == 0) continue;
      return Hold{
          check.code,
          fmt::format("{}: {} rows break the rule that {}; one of them is {}", ToString(input.spec.table.dataset),
                      found.Text(0, 0), check.rule, found.IsNull(0, 1) ? "gone" : found.Text(0, 1)),
          false};
    }
  }
  return std::nullopt;
}

std::variant<Merged, Hold> MergeAll(ports::Session& session, const std::vector<MergeInput>& inputs,
                                    const model::Guards& guards, bool released) {
  Merged merged;
  for (const MergeInput& input : inputs) {
    const int64_t staged = session.Execute(merge::CountStaged(input.spec)).Integer(0, 0);
    if (input.mark && *input.mark != staged) {
      throw base::Error("staging_lost",
                        "the staged rows of " + ToString(input.spec.table.dataset) + " are not what was read")
          .Retryable();
    }
    int64_t counts[3] = {0, 0, 0};
    for (const merge::MergeStatement& step : merge::Merge(input.spec)) {
      counts[static_cast<size_t>(step.effect)] += session.Execute(step.statement).affected;
    }
    const merge::Counters counters = merge::Count(input.spec, staged, counts[0], counts[1], counts[2]);
    const std::string& dataset = input.spec.table.dataset.dataset;
    if (!released && input.spec.meaning != merge::SourceMeaning::kChanges) {
      if (const auto breach = merge::BreachOf(dataset, counters, guards))
        return Hold{breach->code, breach->reason, true};
    }
    merged[dataset] = counters;
  }
  return merged;
}

void CommitBatch(ports::Session& session, const std::string& stream, int batch, const Merged& merged,
                 const std::string& from_state) {
  const std::string number = std::to_string(batch);
  for (const auto& [dataset, c] : merged) {
    session.Execute(
        {"INSERT INTO yellow.batch_dataset (stream, batch, dataset, staged, inserted, updated, deleted, unchanged, "
         "rejected) "
         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
         {stream, number, dataset, std::to_string(c.staged), std::to_string(c.inserted), std::to_string(c.updated),
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

BatchReport ReportOf(int batch, const Merged& merged) {
  BatchReport report;
  report.batch = batch;
  for (const auto& [dataset, c] : merged) {
    report.staged += c.staged, report.inserted += c.inserted, report.updated += c.updated;
    report.deleted += c.deleted, report.unchanged += c.unchanged;
  }
  return report;
}

}  // namespace yellow::run
