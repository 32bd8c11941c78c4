#include <gmock/gmock.h>

#include <set>

#include "check/check.h"
#include "check/explain.h"
#include "load/load.h"
#include "testing/golden.h"

namespace yellow::check {
namespace {

base::Diagnostics LintOf(const load::Files& files) {
  const auto first = files.lower_bound("environments/local");
  const bool has_environment = first != files.end() && first->first.starts_with("environments/local");
  load::Loaded loaded = load::Load(files, has_environment ? "local" : "");
  loaded.diagnostics.Append(Check(loaded.model, files));
  loaded.diagnostics.Sort();
  return loaded.diagnostics;
}

class Lint : public ::testing::TestWithParam<std::string> {};

TEST_P(Lint, SaysWhatIsExpected) {
  const load::Files files = yellow::testing::GoldenFiles("lint", GetParam());
  const base::Diagnostics found = LintOf(files);
  yellow::testing::CheckGolden("lint", GetParam(),
                               base::Render(found, [&](const std::string& file) -> std::string_view {
                                 const auto text = files.find(file);
                                 return text == files.end() ? std::string_view() : text->second;
                               }));
  for (const base::Diagnostic& item : found.items()) {
    EXPECT_TRUE(ExplainCode(item.code)) << item.code << " has no explanation";
    EXPECT_FALSE(item.remedy.empty()) << item.code << " has no remedy";
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Lint, ::testing::ValuesIn(yellow::testing::GoldenCases("lint")),
                         [](const auto& instance) { return instance.param; });

TEST(Lint, AnEnvironmentThatIsNotThere) {
  const load::Loaded loaded = load::Load({}, "prodution", {"local", "production"});
  EXPECT_EQ(base::Render(loaded.diagnostics, {}),
            "environments/prodution.yaml: error: there is no such environment: prodution [Y701]\n"
            "  = did you mean production?\n");
}

TEST(Lint, EveryCutOfTheExampleIsReadWithoutACrash) {
  const load::Files files = yellow::testing::GoldenFiles("lint", "standing_example");
  for (const auto& [path, text] : files) {
    for (size_t length = 0; length < text.size(); length += 7) {
      load::Files cut = files;
      cut[path] = text.substr(0, length);
      LintOf(cut);
    }
  }
}

}  // namespace
}  // namespace yellow::check
