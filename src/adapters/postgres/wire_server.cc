#include <algorithm>
#include <array>

#include "adapters/postgres/wire.h"

// What the server says: Wire's other half.
namespace yellow::adapters::postgres {
namespace {

constexpr size_t kMostPreparedAtOnce = 10000;

std::string TextOf(const std::map<char, ports::WireText>& fields, char code) {
  const auto found = fields.find(code);
  return found == fields.end() ? "" : found->second.text;
}

}  // namespace

size_t Wire::FromServer(std::string_view bytes, Out& out) {
  std::string_view rest = bytes;
  const char* unpassed = bytes.data();
  const char* whole = bytes.data();  // the end of the last message that may go on
  while (broken_.empty() && !rest.empty()) {
    if (!server_.header_done() && (!server_.TakeHeader(rest) || !BeginServerMessage())) continue;
    if (!TakeServerBody(server_.TakeBody(rest)) || server_.left() > 0) continue;
    if (EndServerMessage(out)) server_.Done(), whole = rest.data();
  }
  const char* end = broken_.empty() ? rest.data() : whole;
  if (broken_.empty()) {
    passed_whole_ = server_.between_messages();
  } else {
    passed_whole_ = passed_whole_ || whole > unpassed;
  }
  if (end > unpassed) out.Pass({unpassed, static_cast<size_t>(end - unpassed)});
  return static_cast<size_t>(rest.data() - bytes.data());
}

bool Wire::BeginServerMessage() {
  static constexpr std::string_view kTypes = "DdTC1Z2tn3sISNAEGHcV";
  static constexpr std::array<std::string_view, kTypes.size()> kLayouts{
      "*", "*", "*", "s", "", "1", "", "*", "", "", "", "", "ss", "*", "*", "e", "*", "*", "", "*"};
  const size_t type = kTypes.find(server_.type());
  if (type == std::string_view::npos || server_.type() == '\0') return OutOfStep();
  if (!server_.length_good()) return Break("the server sent a message of an impossible length");
  if (server_.type() == 'D') {
    if (!FrontRuns()) return OutOfStep();
    ++rows_;
    row_bytes_ += server_.left();
  }
  if (server_.type() == 'd' && !copy_out_) return OutOfStep();
  server_fields_.Start(kLayouts[type]);
  return true;
}

bool Wire::TakeServerBody(std::string_view piece) {
  if (server_.type() == 'd') copy_out_->Add(piece);
  return server_fields_.Feed(piece) || Break("the server sent a malformed message");
}

bool Wire::EndServerMessage(Out& out) {
  if (!server_fields_.Complete()) return Break("the server sent a malformed message");
  switch (server_.type()) {
    case 'C':
      return TakeEnd(ports::WireEnd::kComplete, out);
    case 'I':
      return TakeEnd(ports::WireEnd::kEmpty, out);
    case 's':
      return TakeEnd(ports::WireEnd::kSuspended, out);
    case 'V':
      return Front(Asked::kFunction) ? TakeEnd(ports::WireEnd::kComplete, out) : OutOfStep();
    case 'E':
      return TakeError(out);
    case '1':
      return TakeStepDone(Asked::kParse);
    case '2':
      return TakeStepDone(Asked::kBind);
    case '3':
      return TakeStepDone(Asked::kClose);
    case 'n':
      return TakeStepDone(Asked::kDescribe);
    case 'T':
      return FrontRuns() || TakeStepDone(Asked::kDescribe);
    case 'Z':
      return TakeReady();
    case 'G':
    case 'H':
      return TakeCopyStart(server_.type() == 'G');
    case 'S':
      return TakeSetting(out);
    default:  // rows and data, which were counted; notices; what describes
      return true;
  }
}

bool Wire::TakeStepDone(Asked asked) {
  if (!Front(asked)) return OutOfStep();
  const Pending done = std::move(asked_.front());
  asked_.pop_front();
  if (asked == Asked::kParse) statements_[done.key] = done.number;
  if (asked == Asked::kBind) portals_[done.key] = {done.number, 0};
  if (asked == Asked::kClose) {
    if (done.key[0] == 'S') statements_.erase(done.key.substr(1));
    if (done.key[0] == 'P') portals_.erase(done.key.substr(1));
  }
  if (statements_.size() > kMostPreparedAtOnce || portals_.size() > kMostPreparedAtOnce)
    return Break("the client has prepared too many statements at once");
  return true;
}

bool Wire::TakeReady() {
  skipping_ = false;
  if (server_fields_.numbers[0] == 'I') portals_.clear();  // they end with their transaction
  const bool ends =
      Front(Asked::kSync) || ((Front(Asked::kQuery) || Front(Asked::kFunction)) && asked_.front().answered);
  if (ends) {
    asked_.pop_front();
    --ends_of_batches_;
    return true;
  }
  return spare_syncs_-- > 0 || OutOfStep();
}

bool Wire::TakeCopyStart(bool in) {
  if (!FrontRuns()) return OutOfStep();
  if (!in) {
    copy_out_.emplace();
    return true;
  }
  copy_in_.emplace();
  copy_in_of_ = asked_.front().number;
  // The server reads a Sync that follows at once as part of the COPY, and ignores it.
  if (Front(Asked::kExecute) && asked_.size() == 2 && asked_.back().asked == Asked::kSync) {
    asked_.pop_back();
    --ends_of_batches_;
    ++spare_syncs_;
  }
  return true;
}

bool Wire::TakeEnd(ports::WireEnd end, Out& out) {
  if (!FrontRuns() && !Front(Asked::kFunction)) return OutOfStep();
  if (copy_in_ && !TakeCopyEnd(true, out)) return false;
  ports::WireOutcome outcome = OutcomeOf(asked_.front().number, end);
  if (end == ports::WireEnd::kComplete && !Front(Asked::kFunction)) outcome.tag = server_fields_.texts[0].text;
  if (Front(Asked::kExecute)) {
    const auto portal = portals_.find(asked_.front().key);
    if (portal != portals_.end()) outcome.portal_rows = portal->second.rows += outcome.rows;
    asked_.pop_front();
  } else {
    asked_.front().answered = true;
  }
  return Record(std::move(outcome), out) != 0;
}

/// With what was sent out since the last one.
ports::WireOutcome Wire::OutcomeOf(int64_t of, ports::WireEnd end) {
  ports::WireOutcome outcome;
  outcome.of = of, outcome.end = end;
  outcome.rows = outcome.portal_rows = rows_;
  outcome.bytes = row_bytes_;
  if (copy_out_) outcome.copied_out = copy_out_->Take();
  copy_out_.reset();
  rows_ = row_bytes_ = 0;
  return outcome;
}

bool Wire::TakeError(Out& out) {
  if (copy_in_ && !TakeCopyEnd(true, out)) return false;
  const auto& fields = server_fields_.error_fields;
  const bool in_batch = !asked_.empty() && !Front(Asked::kSync);
  ports::WireOutcome outcome = OutcomeOf(in_batch ? asked_.front().number : 0, ports::WireEnd::kRefused);
  outcome.severity = TextOf(fields, fields.count('V') != 0 ? 'V' : 'S');
  outcome.sqlstate = TextOf(fields, 'C');
  outcome.message = TextOf(fields, 'M');
  if (Record(std::move(outcome), out) == 0) return false;
  if (!in_batch) return true;
  if (Front(Asked::kQuery) || Front(Asked::kFunction)) {
    asked_.front().answered = true;
    return true;
  }
  asked_.pop_front();
  skipping_ = true;
  return Skip(out);
}

/// What the server does not execute because of what it has refused.
bool Wire::Skip(Out& out) {
  while (!asked_.empty() && !Front(Asked::kSync)) {
    const Pending skipped = std::move(asked_.front());
    asked_.pop_front();
    if (skipped.asked == Asked::kQuery || skipped.asked == Asked::kFunction) --ends_of_batches_;
    if (skipped.number == 0) continue;
    if (Record(OutcomeOf(skipped.number, ports::WireEnd::kSkipped), out) == 0) return false;
  }
  return true;
}

bool Wire::TakeSetting(Out& out) {
  const std::string& name = server_fields_.texts[0].text;
  const std::string& value = server_fields_.texts[1].text;
  if (name == "client_encoding") utf8_ = value == "UTF8";
  if (name == "standard_conforming_strings") standard_strings_ = value == "on";
  return Record(ports::WireSetting{name, value}, out) != 0;
}

}  // namespace yellow::adapters::postgres
