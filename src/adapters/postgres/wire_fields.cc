#include "adapters/postgres/wire_fields.h"

#include <algorithm>

#include "base/hex.h"

namespace yellow::adapters::postgres {

void KeptText::Add(std::string_view piece) {
  text_.size += static_cast<int64_t>(piece.size());
  if (!digest_ && text_.text.size() + piece.size() > limit_) {
    digest_.emplace();
    digest_->Add(text_.text);
  }
  if (digest_) digest_->Add(piece);
  if (text_.text.size() < limit_) text_.text += piece.substr(0, limit_ - text_.text.size());
}

ports::WireText KeptText::Take() {
  if (digest_) text_.sha256 = digest_->Hex();
  return std::move(text_);
}

void WireFields::Start(std::string_view layout) {
  *this = WireFields();
  layout_ = layout;
  Next();
}

void WireFields::Next() {
  if (in_list_) {
    if (repeats_ > 0) {
      --repeats_;
      Begin(layout_[at_]);
      return;
    }
    in_list_ = false;
    at_ += 2;  // the field and the bracket
  }
  if (at_ == layout_.size()) {
    want_ = Want::kEnd;
  } else if (layout_[at_] == '(') {
    ++at_;
    counting_ = true;
    lists.emplace_back();
    WantNumber(2);
  } else {
    Begin(layout_[at_++]);
  }
}

void WireFields::Begin(char field) {
  field_ = field;
  switch (field) {
    case 's':
      want_ = Want::kText;
      text_ = KeptText(std::min(kMostTextKept, Room()));
      break;
    case 'v':
      WantNumber(4);
      break;
    case 'e':
      WantNumber(1);
      break;
    case '*':
      want_ = Want::kAnything;
      break;
    default:
      WantNumber(field - '0');
  }
}

void WireFields::WantNumber(int bytes) {
  want_ = Want::kNumber;
  number_ = 0;
  number_bytes_ = bytes;
}

bool WireFields::Feed(std::string_view piece) {
  while (!piece.empty()) {
    switch (want_) {
      case Want::kEnd:
        return false;
      case Want::kAnything:
        return true;
      case Want::kText: {
        const size_t end = piece.find('\0');
        text_.Add(piece.substr(0, end));
        if (end == std::string_view::npos) return true;
        piece.remove_prefix(end + 1);
        TakeText();
        break;
      }
      case Want::kNumber:
        number_ = number_ << 8 | static_cast<unsigned char>(piece[0]);
        piece.remove_prefix(1);
        if (--number_bytes_ == 0 && !TakeNumber()) return false;
        break;
      case Want::kBytes: {
        const size_t length = std::min(piece.size(), static_cast<size_t>(value_left_));
        text_.Add(piece.substr(0, length));
        piece.remove_prefix(length);
        value_left_ -= static_cast<int64_t>(length);
        if (value_left_ == 0) TakeValue();
        break;
      }
    }
  }
  return true;
}

bool WireFields::TakeNumber() {
  const auto number = static_cast<uint32_t>(number_);
  if (counting_) {
    counting_ = false;
    in_list_ = true;
    repeats_ = number;
    Next();
    return true;
  }
  if (field_ == 'v') return TakeValueLength(number);
  if (field_ == 'e') {
    error_code_ = static_cast<char>(number);
    if (error_code_ == 0) {
      Next();
    } else {
      want_ = Want::kText;
      text_ = KeptText(std::min(kMostTextKept, Room()));
    }
    return true;
  }
  (in_list_ ? lists.back() : numbers).push_back(number);
  Next();
  return true;
}

bool WireFields::TakeValueLength(uint32_t length) {
  const auto size = static_cast<int32_t>(length);
  if (size < -1) return false;
  if (size == -1) {
    values.push_back({true, IsBinary(), {}});
    Next();
    return true;
  }
  text_ = KeptText(std::min(IsBinary() ? kMostTextKept / 2 : kMostTextKept, IsBinary() ? Room() / 2 : Room()));
  value_left_ = size;
  want_ = Want::kBytes;
  if (size == 0) TakeValue();
  return true;
}

bool WireFields::IsBinary() const {
  const std::vector<uint32_t>& formats = lists.front();
  if (formats.empty()) return false;
  const size_t index = formats.size() == 1 ? 0 : values.size();
  return index < formats.size() && formats[index] != 0;
}

void WireFields::TakeText() {
  ports::WireText text = text_.Take();
  kept_ += text.text.size();
  if (field_ == 'e') {
    error_fields.insert_or_assign(error_code_, std::move(text));
    WantNumber(1);
    return;
  }
  texts.push_back(std::move(text));
  Next();
}

void WireFields::TakeValue() {
  ports::WireParameter value{false, IsBinary(), text_.Take()};
  if (value.binary) value.value.text = base::HexOf(value.value.text);
  kept_ += value.value.text.size();
  values.push_back(std::move(value));
  Next();
}

}  // namespace yellow::adapters::postgres
