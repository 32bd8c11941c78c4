#pragma once

#include <string>

#include "cli/views/record.h"
#include "run/explanation.h"

namespace yellow::cli {

/// `name`: as the person called the node; `today`: RFC 3339, the day whose times are written without a date.
std::string ExplanationText(const run::Explanation& explanation, const std::string& name, const std::string& today);
const Record<run::Explanation>& ExplanationRecord();

std::string BatchExplanationText(const run::BatchExplanation& explanation, const std::string& today);
const Record<run::BatchExplanation>& BatchExplanationRecord();

}  // namespace yellow::cli
