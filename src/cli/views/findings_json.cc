#include "cli/views/findings_json.h"

namespace yellow::cli {
namespace {

struct Failure {
  const base::Error& error;
  const base::Diagnostics& findings;
};

const Record<Failure>& FailureRecord() {
  static const Record<Failure> record =
      Record<Failure>()
          .Field("code", "A stable word: usage, model, connect, …", [](const Failure& it) { return it.error.code; })
          .Field("text", "What went wrong, for people.", [](const Failure& it) { return std::string(it.error.what()); })
          .TextOrNull("remedy", "What to do about it.", [](const Failure& it) { return it.error.remedy; })
          .Field("context", "What was being done, outermost last.", [](const Failure& it) { return it.error.context; })
          .TextOrNull("sqlstate", "Of the database that refused.", [](const Failure& it) { return it.error.sqlstate; })
          .Field("retryable", "The same command may succeed later without anyone's help.",
                 [](const Failure& it) { return it.error.retryable; })
          .Field("outcome_unknown", "It may have happened all the same; look it up before you repeat it.",
                 [](const Failure& it) { return it.error.outcome_unknown; })
          .List("findings", "The errors of the model, when these are why (code model).", FindingRecord(),
                [](const Failure& it) { return it.findings.items(); });
  return record;
}

}  // namespace

const Record<base::Diagnostic>& FindingRecord() {
  using base::Diagnostic;
  static const Record<Diagnostic> record =
      Record<Diagnostic>()
          .Field("key", "The finding's code: yellow lint --explain CODE", &Diagnostic::code)
          .Word("state", "How grave it is.", {"error", "warning"},
                [](const Diagnostic& it) { return it.severity == base::Severity::kError ? "error" : "warning"; })
          .Reason("reason", "What is wrong.", &Diagnostic::code, &Diagnostic::message)
          .Field("remedy", "What to do about it.", &Diagnostic::remedy)
          .Field("file", "Below the project; empty when it is about no file.",
                 [](const Diagnostic& it) { return it.where.file; })
          .Field("line", "From 1.", [](const Diagnostic& it) { return it.where.begin.line; })
          .Field("column", "From 1.", [](const Diagnostic& it) { return it.where.begin.column; });
  return record;
}

const Record<ExplainedCode>& ExplainedCodeRecord() {
  static const Record<ExplainedCode> record = Record<ExplainedCode>()
                                                  .Field("code", "Of a finding.", &ExplainedCode::code)
                                                  .Field("text", "What it is about.", &ExplainedCode::text);
  return record;
}

Json ErrorJson(const base::Error& error, const base::Diagnostics& findings) {
  return {{"error", FailureRecord().Write({error, findings})}};
}

Json ErrorSchema() {
  return {{"type", "object"},
          {"properties", {{"error", FailureRecord().Schema()}}},
          {"required", Json::array({"error"})},
          {"additionalProperties", false}};
}

}  // namespace yellow::cli
