#include "run/verdicts.h"

#include "base/json_text.h"

namespace yellow::run {
namespace {

constexpr const char* kKept = "500";  // of one node

constexpr const char* kInsert = R"(
INSERT INTO yellow.verdict (node, code, sentence, batches) SELECT $1, $2, $3, $4::jsonb
WHERE NOT EXISTS (SELECT FROM (SELECT * FROM yellow.verdict WHERE node = $1 ORDER BY id DESC LIMIT 1) newest
                  WHERE newest.code = $2 AND newest.sentence = $3 AND newest.batches = $4::jsonb) RETURNING id)";

constexpr const char* kPrune =
    "DELETE FROM yellow.verdict WHERE node = $1 AND id <= (SELECT id FROM yellow.verdict WHERE node = $1 ORDER BY id "
    "DESC OFFSET $2::int LIMIT 1)";

std::string Columns() { return "code, sentence, " + sql::Rfc3339("decided_at") + ", batches"; }

std::vector<RecordedVerdict> VerdictsOf(const ports::Rows& rows) {
  std::vector<RecordedVerdict> verdicts;
  for (size_t i = 0; i < rows.size(); ++i)
    verdicts.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3)});
  return verdicts;
}

}  // namespace

std::string BatchesJson(const std::vector<BatchRange>& batches) {
  std::string text;
  for (const BatchRange& range : batches) {
    text += (text.empty() ? "" : ", ") + base::JsonString(range.name) + ": [" + std::to_string(range.after) + ", " +
            std::to_string(range.upto) + "]";
  }
  return "{" + text + "}";
}

void Record(ports::Session& engine, const std::vector<Decision>& decisions) {
  for (const Decision& decision : decisions) {
    const ports::Rows stored =
        engine.Execute({kInsert, {decision.node, decision.code, decision.sentence, BatchesJson(decision.batches)}});
    if (!stored.empty()) engine.Execute({kPrune, {decision.node, kKept}});
  }
}

std::vector<RecordedVerdict> ReadVerdicts(ports::Session& engine, const std::string& node, int limit) {
  return VerdictsOf(
      engine.Execute({"SELECT " + Columns() + " FROM yellow.verdict WHERE node = $1 ORDER BY id DESC LIMIT $2::int",
                      {node, std::to_string(limit)}}));
}

std::vector<RecordedVerdict> ReadVerdictsAbout(ports::Session& engine, const std::string& node, const std::string& name,
                                               int batch, int limit) {
  return VerdictsOf(
      engine.Execute({"SELECT * FROM (SELECT " + Columns() +
                          ", id FROM yellow.verdict WHERE node = $1 AND (batches -> $2 ->> 0)::int < $3::int AND "
                          "(batches -> $2 ->> 1)::int >= $3::int ORDER BY id DESC LIMIT $4::int) v ORDER BY id",
                      {node, name, std::to_string(batch), std::to_string(limit)}}));
}

}  // namespace yellow::run
