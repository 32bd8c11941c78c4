#pragma once

#include <string>
#include <vector>

namespace yellow::cli {

/// Rows as columns of equal width, two spaces apart, no trailing blanks; the first row is the heading. Widths count
/// code points. `right` names the columns that are aligned to the right.
std::string TextTable(const std::vector<std::vector<std::string>>& rows, const std::vector<size_t>& right = {});

}  // namespace yellow::cli
