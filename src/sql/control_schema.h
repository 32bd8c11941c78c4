#pragma once

#include <string_view>
#include <vector>

namespace yellow::sql {

/// Version of Yellow's own schema that this program works with.
inline constexpr int kControlSchemaVersion = 8;

/// The scripts that take Yellow's own schema from version `from` (0: not there) to kControlSchemaVersion, in order; all
/// of them belong into one transaction of the owner. REQUIRES: 0 <= from <= kControlSchemaVersion.
std::vector<std::string_view> ControlSchemaScripts(int from);

}  // namespace yellow::sql
