#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "access/audit_verify.h"

namespace yellow::access {

/// Verifies a copy of an audit log that was taken away, from nothing but its text, the public key and anchors: the
/// chain, the signatures of its segments, and what was anchored. Where a segment ends its last line says; when the last
/// of these lines are gone, what stood before them is as good as not signed yet, and held by the chain and by anchors.
/// It has no recordings and no database to compare with, and says so.
class CopyVerifier {
 public:
  /// `options.anchors` may be of several logs; absent: none is compared.
  explicit CopyVerifier(VerifyOptions options);

  /// The next part of the text, wherever it is cut.
  void Feed(std::string_view part);
  /// After the last part. `container`, `folder` and the target of the only anchor, which says how far those that are
  /// signed reach, are the caller's to fill in.
  Verified Finish();

 private:
  void TakeLine(std::string_view line);
  void Close(const SegmentClose& close);
  void FeedSegment(int number, std::string_view text, bool newest);
  std::string ChainOf(const std::optional<SegmentClose>& close) const;

  const VerifyOptions options_;
  const std::vector<Anchor> anchors_;
  std::string half_;                ///< of a line that has not come whole
  std::string segment_;             ///< what has come of the segment
  std::vector<size_t> beginnings_;  ///< of its lines
  int last_ = 0;                    ///< the segment before
  std::string chain_;
  std::optional<ChainVerifier> verifier_;
};

}  // namespace yellow::access
