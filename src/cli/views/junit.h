#pragma once

#include <string>
#include <vector>

#include "base/cron.h"

namespace yellow::cli {

enum class TestState { kPassed, kDiffers, kError };

struct TestResult {
  std::string suite, name;  ///< workspace and case
  TestState state = TestState::kPassed;
  std::string code, text;  ///< why it has not passed, in a line
  std::string detail;      ///< lines
  base::Instant::duration duration{};
};

/// The report that continuous integration reads: a test suite a workspace, in the order of the results. What XML cannot
/// hold, control characters, becomes `?`. REQUIRES: results of one suite are neighbours.
std::string JUnitXml(const std::vector<TestResult>& results);

}  // namespace yellow::cli
