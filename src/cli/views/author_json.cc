#include "cli/views/author_json.h"

#include <set>

#include "base/error.h"

namespace yellow::cli {
namespace {

const char* StateOfTest(const TestResult& it) {
  switch (it.state) {
    case TestState::kPassed:
      return "passed";
    case TestState::kDiffers:
      return "failed";
    case TestState::kError:
      return "error";
  }
  return "";
}

const char* StateOfTry(const TriedOutput& it) {
  if (it.failure) return "failed";
  if (it.tried.breach) return "held";
  const merge::Counters& counters = it.tried.counters;
  return counters.inserted + counters.updated + counters.deleted > 0 ? "changed" : "unchanged";
}

std::string CodeOfTry(const TriedOutput& it) {
  if (it.failure) return it.failure->reason_code.empty() ? "failed" : it.failure->reason_code;
  return it.tried.breach ? it.tried.breach->code : "";
}

std::string TextOfTry(const TriedOutput& it) {
  if (it.failure) return it.failure->reason;
  return it.tried.breach ? it.tried.breach->reason : "";
}

Json ValuesSchema() {
  return {{"type", "object"}, {"additionalProperties", {{"type", Json::array({"string", "null"})}}}};
}

Json FirstRowsSchema() {
  return ListOf({{"type", "object"},
                 {"properties", {{"mark", {{"enum", Json::array({"+", "~", "-", " "})}}}, {"values", ValuesSchema()}}},
                 {"required", Json::array({"mark", "values"})},
                 {"additionalProperties", false}});
}

Json FirstRows(const TriedOutput& it) {
  Json list = Json::array();
  for (const auto& row : it.tried.rows) {
    Json values = Json::object();
    for (size_t i = 0; i < it.tried.columns.size(); ++i) values[it.tried.columns[i]] = PlainValue(row[i + 1]);
    list.push_back({{"mark", *row.front()}, {"values", std::move(values)}});
  }
  return list;
}

}  // namespace

const Record<WrittenFile>& WrittenFileRecord() {
  static const Record<WrittenFile> record =
      Record<WrittenFile>()
          .Field("key", "A file's path below the project.", &WrittenFile::path)
          .Word("state", "What was done.", {"written"}, [](const WrittenFile&) { return "written"; })
          .NoReason();
  return record;
}

const Record<ImportedThing>& ImportedThingRecord() {
  using Thing = ImportedThing;
  static const Record<Thing> record =
      Record<Thing>()
          .Field("key", "At the source: schema.table or schema.table.column.",
                 [](const Thing& it) {
                   const plan::ImportFinding& finding = it.finding;
                   return it.schema + "." + finding.table + (finding.column.empty() ? "" : "." + finding.column);
                 })
          .Word("state",
                "What became of it; gone, differs and spreads are for a person to decide, and make the exit status 1.",
                {"added", "renamed", "note", "no_key", "guess", "left_out", "declined", "gone", "differs", "spreads"},
                [](const Thing& it) { return it.finding.state; })
          .Reason(
              "reason", "Why, where there is something to say.",
              [](const Thing& it) { return it.finding.text.empty() ? "" : it.finding.code; },
              [](const Thing& it) { return it.finding.text; });
  return record;
}

const Record<TestResult>& TestResultRecord() {
  static const Record<TestResult> record =
      Record<TestResult>()
          .Field("key", "The workspace and the case.", [](const TestResult& it) { return it.suite + "/" + it.name; })
          .Word("state", "failed: the output differs; error: it could not be compared.", {"passed", "failed", "error"},
                &StateOfTest)
          .Reason(
              "reason", "Why it has not passed.",
              [](const TestResult& it) { return it.state == TestState::kPassed ? "" : it.code; },
              [](const TestResult& it) { return it.text + (it.detail.empty() ? "" : "\n" + it.detail); });
  return record;
}

const Record<TriedOutput>& TriedOutputRecord() {
  using Tried = TriedOutput;
  static const Record<Tried> record =
      Record<Tried>()
          .Field("key", "The output: Store.dataset.", [](const Tried& it) { return it.store + "." + it.tried.dataset; })
          .Word("state", "failed: the code did not finish; held: a guard would hold it.",
                {"changed", "unchanged", "held", "failed"}, &StateOfTry)
          .Reason("reason", "Why it is held or failed.", &CodeOfTry, &TextOfTry)
          .Field("batch", "The committed one that it was compared with; 0: none.",
                 [](const Tried& it) { return it.tried.batch; })
          .Field("rows", "Of the output.", [](const Tried& it) { return it.tried.counters.staged; })
          .Field("inserted", "Keys that would be new.", [](const Tried& it) { return it.tried.counters.inserted; })
          .Field("updated", "Keys whose row would change.", [](const Tried& it) { return it.tried.counters.updated; })
          .Field("deleted", "Keys that would go.", [](const Tried& it) { return it.tried.counters.deleted; })
          .Field("unchanged", "Rows that would stay as they are.",
                 [](const Tried& it) { return it.tried.counters.unchanged; })
          .As("first", "The first rows (--rows): + inserted, ~ updated, - deleted, or a blank; values are texts.",
              FirstRowsSchema(), &FirstRows);
  return record;
}

const Record<DemoOutcome>& DemoOutcomeRecord() {
  static const Record<DemoOutcome> record =
      Record<DemoOutcome>()
          .Field("key", "The folder of the project that it made.", &DemoOutcome::project)
          .Word("state", "Whether the output is what it should be.", {"proved", "differs"},
                [](const DemoOutcome& it) { return it.difference.empty() ? "proved" : "differs"; })
          .Reason(
              "reason", "What is not as it should be.",
              [](const DemoOutcome& it) { return it.difference.empty() ? "" : "difference"; }, &DemoOutcome::difference)
          .Field("milliseconds", "From the commit of a change at the source to the visible output.",
                 &DemoOutcome::milliseconds)
          .Field("compared", "How many values of the output were looked at.", &DemoOutcome::compared);
  return record;
}

Json RowsJson(const ports::Rows& rows) {
  const std::set<std::string> names(rows.columns.begin(), rows.columns.end());
  if (names.size() != rows.columns.size())
    throw base::UsageError("two columns of the statement have one name, and JSON would lose one of them")
        .Remedy("give them names: SELECT a AS first, b AS second");
  Json list = Json::array();
  for (const auto& row : rows.rows) {
    Json item = Json::object();
    for (size_t i = 0; i < row.size(); ++i) item[rows.columns[i]] = PlainValue(row[i]);
    list.push_back(std::move(item));
  }
  return list;
}

Json RowsSchema() { return ListOf(ValuesSchema()); }

}  // namespace yellow::cli
