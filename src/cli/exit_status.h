#pragma once

namespace yellow::cli {

/// Exit statuses (DESIGN 11).
inline constexpr int kDone = 0;
inline constexpr int kFindings = 1;  ///< lint errors, something held or failed
inline constexpr int kUsage = 2;
inline constexpr int kFailed = 3;  ///< may be retried
// Of `job`:
inline constexpr int kNothingDue = 10;
inline constexpr int kFenced = 11;  ///< somebody else is at it

}  // namespace yellow::cli
