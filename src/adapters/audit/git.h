#pragma once

#include <string>
#include <vector>

namespace yellow::adapters::audit {

/// Runs git in a folder, without hooks, editors and questions. Throws base::Error code "anchor" with what it said when
/// it fails or takes longer than ten seconds.
void RunGit(const std::string& folder, const std::vector<std::string>& arguments);

}  // namespace yellow::adapters::audit
