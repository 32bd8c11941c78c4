#pragma once

#include "base/diagnostics.h"
#include "base/error.h"
#include "cli/views/record.h"

namespace yellow::cli {

/// A finding of lint, plan and whoever refuses a model.
const Record<base::Diagnostic>& FindingRecord();

/// `lint --explain CODE`.
struct ExplainedCode {
  std::string code, text;
};
const Record<ExplainedCode>& ExplainedCodeRecord();

/// What a command that could not do its work prints instead of its output: `{"error": …}`.
Json ErrorJson(const base::Error& error, const base::Diagnostics& findings);
Json ErrorSchema();

}  // namespace yellow::cli
