#pragma once

#include <map>
#include <string>
#include <vector>

namespace yellow::testing {

/// The folder of the repository, for tests that read what is committed in it.
std::string SourceFolder();
/// Folders below tests/golden/<family>, sorted.
std::vector<std::string> GoldenCases(const std::string& family);
/// Every file of a case, path relative to it.
std::map<std::string, std::string> GoldenFiles(const std::string& family, const std::string& name);
/// Compares with `expected.txt` of the case; UPDATE_GOLDEN=1 rewrites it, which is refused when CI is set.
void CheckGolden(const std::string& family, const std::string& name, const std::string& actual);

}  // namespace yellow::testing
