#include "access/audit_copy.h"

#include <algorithm>
#include <set>

namespace yellow::access {
namespace {

constexpr std::string_view kCloseBegins = "{\"close\":";

}  // namespace

CopyVerifier::CopyVerifier(VerifyOptions options)
    : options_(std::move(options)), anchors_(AnchorsIn(options_.anchors.value_or(""))) {}

void CopyVerifier::Feed(std::string_view part) {
  for (size_t end = part.find('\n'); end != std::string_view::npos; end = part.find('\n')) {
    if (half_.empty()) {
      TakeLine(part.substr(0, end));
    } else {
      half_ += part.substr(0, end);
      TakeLine(half_);
      half_.clear();
    }
    part.remove_prefix(end + 1);
  }
  half_ += part;
}

void CopyVerifier::TakeLine(std::string_view line) {
  beginnings_.push_back(segment_.size());
  segment_ += line;
  segment_ += '\n';
  if (!line.starts_with(kCloseBegins)) return;
  const auto parsed = ParseLine(line);
  if (const auto* close = parsed ? std::get_if<SegmentClose>(&*parsed) : nullptr) Close(*close);
}

/// Of a segment whose end was taken out the lines stand before those that the next end has counted.
void CopyVerifier::Close(const SegmentClose& close) {
  if (!verifier_) chain_ = ChainOf(close);
  const auto lines = static_cast<int64_t>(beginnings_.size()) - 1;
  int number = last_ + 1;
  std::string_view text = segment_;
  if (close.segment > number && close.count >= 0 && lines > close.count) {
    const size_t at = beginnings_[static_cast<size_t>(lines - close.count)];
    FeedSegment(number, text.substr(0, at), false);
    text.remove_prefix(at);
  }
  if (close.segment > number) number = close.segment;
  FeedSegment(number, text, false);
  segment_.clear();
  beginnings_.clear();
}

void CopyVerifier::FeedSegment(int number, std::string_view text, bool newest) {
  if (!verifier_) {
    verifier_.emplace(chain_, options_.key, nullptr, options_.range);
    for (const Anchor& anchor : anchors_) verifier_->Remember(anchor.head.sequence);
  }
  verifier_->Feed(number, text, newest);
  verifier_->ForgetBefore(verifier_->head().sequence);
  last_ = number;
}

/// The anchors, which nobody could change who had the log, go before what the copy says of itself.
std::string CopyVerifier::ChainOf(const std::optional<SegmentClose>& close) const {
  std::set<std::string> chains;
  for (const Anchor& anchor : anchors_) chains.insert(anchor.chain);
  if (chains.size() == 1) return *chains.begin();
  if (close && (chains.empty() || chains.count(close->chain) > 0)) return close->chain;
  const auto stands = [&](const Anchor& anchor) { return segment_.find(anchor.head.hash) != std::string::npos; };
  const auto found = std::find_if(anchors_.begin(), anchors_.end(), stands);
  return found == anchors_.end() ? "" : found->chain;
}

Verified CopyVerifier::Finish() {
  if (!verifier_) chain_ = ChainOf(std::nullopt);
  if (!segment_.empty() || !verifier_) FeedSegment(last_ + 1, segment_, true);
  if (!half_.empty()) verifier_->TellCut();
  Verified verified;
  verified.chain = chain_;
  verified.not_compared = {"recordings", "database"};
  AnchorState reach;
  for (const Anchor& anchor : anchors_) {
    if (anchor.chain != chain_) continue;
    verified.anchors_of_chain = true;
    if (verifier_->Compare(anchor) && anchor.head.sequence >= reach.sequence)
      reach.sequence = anchor.head.sequence, reach.at = anchor.at;
  }
  if (!reach.at.empty()) verified.anchors.push_back(reach);
  if (!options_.anchors) verified.not_compared.emplace_back("anchors");
  verified.signed_up_to = verifier_->signed_up_to();
  if (verified.signed_up_to > 0 || !reach.at.empty()) verified.key = options_.key;
  verified.head = verifier_->head();
  verified.records = verifier_->records();
  verified.segments = verifier_->segments();
  verified.findings = verifier_->findings();
  return verified;
}

}  // namespace yellow::access
