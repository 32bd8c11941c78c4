#include "testing/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace yellow::testing {

std::string SourceFolder() { return YELLOW_SOURCE_DIR; }

namespace {

namespace fs = std::filesystem;

fs::path Folder(const std::string& family) { return fs::path(SourceFolder()) / "tests" / "golden" / family; }

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

}  // namespace

std::vector<std::string> GoldenCases(const std::string& family) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(Folder(family))) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> GoldenFiles(const std::string& family, const std::string& name) {
  std::map<std::string, std::string> files;
  const fs::path root = Folder(family) / name;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(root).generic_string()] = Slurp(entry.path());
  }
  return files;
}

void CheckGolden(const std::string& family, const std::string& name, const std::string& actual) {
  const fs::path path = Folder(family) / name / "expected.txt";
  if (getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_EQ(getenv("CI"), nullptr) << "golden files are not rewritten in CI";
    std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  EXPECT_EQ(actual, Slurp(path)) << "UPDATE_GOLDEN=1 rewrites " << path;
}

}  // namespace yellow::testing
