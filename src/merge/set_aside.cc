#include "base/check.h"
#include "merge/columns.h"
#include "merge/rules.h"
#include "merge/strategies.h"

namespace yellow::merge {
namespace {

const std::string kOpen = std::to_string(sql::kOpenBatch);

std::string Rejected(const MergeSpec& spec) { return sql::Qualified(spec.table.schema, spec.table.rejected_table); }

/// `CASE WHEN … THEN '<text of the first rule that the row breaks>' … END`
std::string FirstBroken(const std::vector<RowRule>& rules, std::string RowRule::* text) {
  std::string chosen = "CASE";
  for (const RowRule& rule : rules) chosen += " WHEN " + rule.condition + " THEN " + sql::Literal(rule.*text);
  return chosen + " END";
}

/// Takes rows out of the staging table and puts them, with the rule, where bad rows lie.
MergeStatement Move(const MergeSpec& spec, const std::string& from_where, const std::string& code,
                    const std::string& rule) {
  const std::string statement = "WITH bad (code, rule, content) AS (DELETE FROM " + spec.source + " s " + from_where +
                                " RETURNING " + code + ", " + rule + ", " + RowJson(spec.table, "s") +
                                ") INSERT INTO " + Rejected(spec) +
                                " (yellow_batch_in, yellow_batch_out, yellow_rule, yellow_reason, yellow_row) SELECT " +
                                std::to_string(spec.batch) + ", " + kOpen + ", code, rule, content FROM bad";
  return {Effect::kSetAside, statement};
}

void MoveByRules(const MergeSpec& spec, bool of_key, std::vector<MergeStatement>& statements) {
  std::vector<RowRule> rules;
  for (const RowRule& rule : Rules(spec.table)) {
    if (rule.of_key == of_key) rules.push_back(rule);
  }
  if (rules.empty()) return;
  const std::string where = "WHERE " + AnyBroken(rules);
  if (of_key) rules.insert(rules.begin(), Readable());  // a key that could not be read is null for that reason
  statements.push_back(Move(spec, where, FirstBroken(rules, &RowRule::code), FirstBroken(rules, &RowRule::rule)));
}

/// Every row of a key that comes twice: none of them is more right than the others.
MergeStatement MoveDuplicates(const MergeSpec& spec) {
  return Move(spec, "USING " + KeysOfSeveralRows(spec) + " d WHERE " + KeysMatch(spec.table, "d", "s"),
              "'duplicate_key'", sql::Literal(UniqueKeyRule(spec.table)));
}

/// Rows that no staged row stands for, after the deletions: their keys are in bad rows only.
MergeStatement CountKept(const MergeSpec& spec) {
  const bool forensic = spec.table.milestoning == model::Milestoning::kForensic;
  return {Effect::kKeep, "SELECT count(*) FROM " + Target(spec.table) + " t WHERE " +
                             (forensic ? "t.yellow_batch_out = " + kOpen + " AND " : "") + "NOT EXISTS (SELECT FROM " +
                             spec.source + " s WHERE " + KeysMatch(spec.table, "t", "s") + ")"};
}

/// A bad row that the batch before had set aside too stays one row; one that is bad no more ends with this batch.
MergeStatement Continue(const MergeSpec& spec) {
  const std::string batch = std::to_string(spec.batch), rejected = Rejected(spec);
  return {Effect::kBookkeeping,
          "WITH bad AS (SELECT ctid AS place, yellow_batch_in = " + batch +
              " AS fresh, yellow_rule, yellow_row, row_number() OVER (PARTITION BY yellow_batch_in = " + batch +
              ", yellow_rule, yellow_row ORDER BY yellow_batch_in, ctid) AS number FROM " + rejected +
              " WHERE yellow_batch_out = " + kOpen +
              "), same AS (SELECT n.place AS fresh, o.place AS known FROM bad n JOIN bad o USING (yellow_rule, "
              "yellow_row, number) WHERE n.fresh AND NOT o.fresh), known AS (DELETE FROM " +
              rejected + " r USING same WHERE r.ctid = same.fresh) UPDATE " + rejected +
              " r SET yellow_batch_out = " + batch + " WHERE r.yellow_batch_out = " + kOpen +
              " AND r.yellow_batch_in < " + batch + " AND NOT EXISTS (SELECT FROM same WHERE same.known = r.ctid)"};
}

}  // namespace

// Rows without a key that could be known go first, because nothing can be compared with them. Then come the deletions:
// every key that was read is still there, in a good row or a bad one, so that no row goes because it has turned bad.
std::vector<MergeStatement> WithSetAside(const MergeSpec& spec, const std::vector<MergeStatement>& merge) {
  YELLOW_CHECK(spec.meaning == SourceMeaning::kSnapshot);
  std::vector<MergeStatement> statements;
  const auto take = [&](bool deletions) {
    for (const MergeStatement& step : merge) {
      if ((step.effect == Effect::kDelete) == deletions) statements.push_back(step);
    }
  };
  if (spec.table.key.empty()) {
    if (spec.bad_rows) MoveByRules(spec, false, statements);
    take(true);
  } else if (spec.bad_rows) {
    MoveByRules(spec, true, statements);
    take(true);
    statements.push_back(MoveDuplicates(spec));
    MoveByRules(spec, false, statements);
    statements.push_back(CountKept(spec));
  } else {
    take(true);
  }
  take(false);
  statements.push_back(Continue(spec));
  return statements;
}

sql::Statement ForgetRejected(const MergeSpec& spec, int last_batch) {
  return {"DELETE FROM " + Rejected(spec) + " WHERE yellow_batch_out <= $1", {std::to_string(last_batch)}};
}

}  // namespace yellow::merge
