#include "cli/views/junit.h"

#include <gtest/gtest.h>

namespace yellow::cli {
namespace {

using std::chrono::milliseconds;

TEST(JUnit, ASuiteAWorkspace) {
  const TestResult passed{"Mask", "one", TestState::kPassed, "", "", "", milliseconds(1500)};
  const TestResult failed{"Mask",      "t<w>o",          TestState::kDiffers, "difference",
                          "a & \"b\"", "  - id=1\n\x01", milliseconds(500)};
  const TestResult broken{"Other", "x", TestState::kError, "exit_status", "ended", "", {}};
  EXPECT_EQ(JUnitXml({passed, failed, broken}),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
            "  <testsuite name=\"Mask\" tests=\"2\" failures=\"1\" errors=\"0\" time=\"2.000\">\n"
            "    <testcase classname=\"Mask\" name=\"one\" time=\"1.500\"/>\n"
            "    <testcase classname=\"Mask\" name=\"t&lt;w&gt;o\" time=\"0.500\">\n"
            "      <failure type=\"difference\" message=\"a &amp; &quot;b&quot;\">  - id=1&#10;?</failure>\n"
            "    </testcase>\n"
            "  </testsuite>\n"
            "  <testsuite name=\"Other\" tests=\"1\" failures=\"0\" errors=\"1\" time=\"0.000\">\n"
            "    <testcase classname=\"Other\" name=\"x\" time=\"0.000\">\n"
            "      <error type=\"exit_status\" message=\"ended\"></error>\n"
            "    </testcase>\n"
            "  </testsuite>\n"
            "</testsuites>\n");
  EXPECT_EQ(JUnitXml({}), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n</testsuites>\n");
}

}  // namespace
}  // namespace yellow::cli
