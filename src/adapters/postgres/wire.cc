#include "adapters/postgres/wire.h"

#include <algorithm>
#include <array>

namespace yellow::adapters::postgres {
namespace {

constexpr int64_t kLongestMessage = 0x3FFFFFFF;  // the server's own limit
constexpr size_t kMostAsked = 4096;              // more 5-byte answers than the server keeps back
constexpr size_t kMostKeyLength = 64;

/// A name by which a statement or portal is known here, however long the client's is.
std::string KeyOf(const ports::WireText& name) {
  if (!name.sha256.empty()) return "#" + name.sha256;
  return name.text.size() <= kMostKeyLength ? name.text : "#" + base::Sha256Hex(name.text);
}

}  // namespace

bool WireFrames::TakeHeader(std::string_view& bytes) {
  const size_t length = std::min(bytes.size(), sizeof header_ - header_size_);
  std::copy_n(bytes.begin(), length, header_ + header_size_);
  header_size_ += length;
  bytes.remove_prefix(length);
  if (header_size_ < sizeof header_) return false;
  uint32_t value = 0;
  for (int i = 1; i < 5; ++i) value = value << 8 | static_cast<unsigned char>(header_[i]);
  left_ = static_cast<int64_t>(value) - 4;
  return true;
}

bool WireFrames::length_good() const { return left_ >= 0 && left_ <= kLongestMessage; }

std::string_view WireFrames::TakeBody(std::string_view& bytes) {
  const std::string_view piece = bytes.substr(0, static_cast<size_t>(left_));
  bytes.remove_prefix(piece.size());
  left_ -= static_cast<int64_t>(piece.size());
  return piece;
}

void Wire::Copy::Add(std::string_view piece) {
  data.bytes += static_cast<int64_t>(piece.size());
  digest.Add(piece);
}

ports::WireCopy Wire::Copy::Take() {
  data.sha256 = digest.Hex();
  return std::move(data);
}

bool Wire::holds() const { return (ends_of_batches_ > 0 && !copy_in_) || asked_.size() >= kMostAsked; }

bool Wire::Break(std::string why) {
  if (broken_.empty()) broken_ = std::move(why);
  return false;
}

bool Wire::OutOfStep() {
  return Break("the server answered what was not asked: message " + std::string(1, server_.type()));
}

int64_t Wire::Record(decltype(ports::WireEvent::what) what, Out& out) {
  if (out.Take(std::move(what), ++number_)) return number_;
  Break("the audit log cannot be written");
  return 0;
}

bool Wire::Tell(decltype(ports::WireEvent::what) what, Out& out) { return Record(std::move(what), out) != 0; }

size_t Wire::FromClient(std::string_view bytes, Out& out) {
  std::string_view rest = bytes;
  const char* unpassed = bytes.data();
  const auto pass = [&] {
    const auto length = static_cast<size_t>(rest.data() - unpassed);
    if (length > 0) out.Pass({unpassed, length});
    unpassed = rest.data();
  };
  while (broken_.empty() && !rest.empty() && !terminated_) {
    if (client_.between_messages()) {
      pass();
      if (holds()) break;
    }
    if (!client_.header_done() && (!client_.TakeHeader(rest) || !BeginClientMessage())) continue;
    if (!TakeClientBody(client_.TakeBody(rest)) || client_.left() > 0) continue;
    if (EndClientMessage(out)) client_.Done();
  }
  if (broken_.empty()) pass();
  return static_cast<size_t>(rest.data() - bytes.data());
}

bool Wire::BeginClientMessage() {
  static constexpr std::string_view kTypes = "QPBEFCDSHXdcf";
  static constexpr std::array<std::string_view, kTypes.size()> kLayouts{
      "s", "ss(4)", "ss(2)(v)(2)", "s4", "4(2)(v)2", "1s", "1s", "", "", "", "*", "", "s"};
  const size_t type = kTypes.find(client_.type());
  if (type == std::string_view::npos || client_.type() == '\0')
    return Break("the client sent a message of an unknown type");
  if (!client_.length_good()) return Break("the client sent a message of an impossible length");
  client_fields_.Start(kLayouts[type]);
  return true;
}

bool Wire::TakeClientBody(std::string_view piece) {
  if (client_.type() == 'd') {
    if (copy_in_) copy_in_->Add(piece);
    return true;
  }
  return client_fields_.Feed(piece) || Break("the client sent a malformed message");
}

bool Wire::EndClientMessage(Out& out) {
  if (!client_fields_.Complete()) return Break("the client sent a malformed message");
  const WireFields& fields = client_fields_;
  switch (client_.type()) {
    case 'Q':
    case 'F':
      return TakeStatement(out);
    case 'P':
      return TakeParse(out);
    case 'B':
      return TakeBind(out);
    case 'E':
      return TakeExecute(out);
    case 'C':
      return Ask(Asked::kClose, 0, static_cast<char>(fields.numbers[0]) + KeyOf(fields.texts[0]), out);
    case 'D':
      return Ask(Asked::kDescribe, 0, "", out);
    case 'S':
      return TakeSync();
    case 'c':
    case 'f':
      return TakeCopyEnd(client_.type() == 'f', out);
    case 'X':
      terminated_ = true;
      return Record(ports::WireTerminate{}, out) != 0;
    default:  // data of a COPY, and Flush
      return true;
  }
}

bool Wire::TakeStatement(Out& out) {
  WireFields& fields = client_fields_;
  const bool query = client_.type() == 'Q';
  const int64_t number = query ? Record(ports::WireQuery{std::move(fields.texts[0]), utf8_ && standard_strings_}, out)
                               : Record(ports::WireFunctionCall{fields.numbers[0], std::move(fields.values)}, out);
  return number != 0 && Ask(query ? Asked::kQuery : Asked::kFunction, number, "", out);
}

bool Wire::TakeParse(Out& out) {
  WireFields& fields = client_fields_;
  const std::string key = KeyOf(fields.texts[0]);
  const int64_t number = Record(ports::WireParse{std::move(fields.texts[0]), std::move(fields.texts[1]),
                                                 std::move(fields.lists[0]), utf8_ && standard_strings_},
                                out);
  return number != 0 && Ask(Asked::kParse, number, key, out);
}

bool Wire::TakeBind(Out& out) {
  WireFields& fields = client_fields_;
  const std::string portal = KeyOf(fields.texts[0]);
  const int64_t parse = NumberOf(Asked::kParse, KeyOf(fields.texts[1]));
  const int64_t number = Record(
      ports::WireBind{std::move(fields.texts[0]), std::move(fields.texts[1]), parse, std::move(fields.values)}, out);
  return number != 0 && Ask(Asked::kBind, number, portal, out);
}

bool Wire::TakeExecute(Out& out) {
  const std::string key = KeyOf(client_fields_.texts[0]);
  // The server takes a negative number for none.
  const int64_t most = std::max<int64_t>(static_cast<int32_t>(client_fields_.numbers[0]), 0);
  const int64_t number =
      Record(ports::WireExecute{std::move(client_fields_.texts[0]), NumberOf(Asked::kBind, key), most}, out);
  return number != 0 && Ask(Asked::kExecute, number, key, out);
}

/// What is asked for and not answered yet counts first: should the server refuse it, it skips what builds on it.
int64_t Wire::NumberOf(Asked asked, const std::string& key) const {
  const auto found = std::find_if(asked_.rbegin(), asked_.rend(),
                                  [&](const Pending& one) { return one.asked == asked && one.key == key; });
  if (found != asked_.rend()) return found->number;
  if (asked == Asked::kParse) {
    const auto statement = statements_.find(key);
    return statement == statements_.end() ? 0 : statement->second;
  }
  const auto portal = portals_.find(key);
  return portal == portals_.end() ? 0 : portal->second.bind;
}

bool Wire::Ask(Asked asked, int64_t number, std::string key, Out& out) {
  if (skipping_) {
    return number == 0 || Record(OutcomeOf(number, ports::WireEnd::kSkipped), out) != 0;
  }
  if (asked == Asked::kQuery || asked == Asked::kFunction) ++ends_of_batches_;
  asked_.push_back({asked, number, std::move(key)});
  return true;
}

bool Wire::TakeSync() {
  if (copy_in_) {  // which ends with CopyDone, and whoever sends Sync before is to send another
    ++spare_syncs_;
    return true;
  }
  ++ends_of_batches_;
  asked_.push_back({Asked::kSync, 0, ""});
  return true;
}

bool Wire::TakeCopyEnd(bool given_up, Out& out) {
  if (!copy_in_) return true;  // the server has refused it meanwhile, and ignores this
  ports::WireCopyIn copied{copy_in_of_, copy_in_->Take(), given_up};
  copy_in_.reset();
  return Record(std::move(copied), out) != 0;
}

}  // namespace yellow::adapters::postgres
