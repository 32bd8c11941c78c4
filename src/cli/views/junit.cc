#include "cli/views/junit.h"

#include <fmt/format.h>

namespace yellow::cli {
namespace {

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < ' ' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string InSeconds(base::Instant::duration duration) {
  return fmt::format("{:.3f}", std::chrono::duration<double>(duration).count());
}

std::string CaseXml(const TestResult& result) {
  std::string xml = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"", Escaped(result.suite),
                                Escaped(result.name), InSeconds(result.duration));
  if (result.state == TestState::kPassed) return xml + "/>\n";
  const char* tag = result.state == TestState::kDiffers ? "failure" : "error";
  return xml + fmt::format(">\n      <{0} type=\"{1}\" message=\"{2}\">{3}</{0}>\n    </testcase>\n", tag,
                           Escaped(result.code), Escaped(result.text), Escaped(result.detail));
}

}  // namespace

std::string JUnitXml(const std::vector<TestResult>& results) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (size_t begin = 0; begin < results.size();) {
    size_t end = begin, failures = 0, errors = 0;
    base::Instant::duration duration{};
    std::string cases;
    for (; end < results.size() && results[end].suite == results[begin].suite; ++end) {
      failures += results[end].state == TestState::kDiffers;
      errors += results[end].state == TestState::kError;
      duration += results[end].duration;
      cases += CaseXml(results[end]);
    }
    xml += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">\n{}  </testsuite>\n",
        Escaped(results[begin].suite), end - begin, failures, errors, InSeconds(duration), cases);
    begin = end;
  }
  return xml + "</testsuites>\n";
}

}  // namespace yellow::cli
