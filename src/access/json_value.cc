#include "access/json_value.h"

#include <charconv>

#include "base/json_text.h"
#include "base/utf8.h"

namespace yellow::access {
namespace {

constexpr int kDeepest = 64;
constexpr uint32_t kFirstHigh = 0xD800, kFirstLow = 0xDC00, kAfterLow = 0xE000, kBeyond = 0x10000;

void AppendUtf8(std::string& out, uint32_t point) {
  const auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) return byte(0xC0 | point >> 6), byte(0x80 | (point & 63));
  if (point < kBeyond) return byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63));
  byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 63)), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63));
}

/// One text from its beginning to its end; every part is false when it does not stand there.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<JsonValue> Whole() {
    JsonValue value;
    if (!Value(value, 0)) return std::nullopt;
    SkipSpace();
    return at_ == text_.size() ? std::optional(std::move(value)) : std::nullopt;
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool Take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  bool Value(JsonValue& value, int depth) {
    SkipSpace();
    if (at_ == text_.size() || depth > kDeepest) return false;
    switch (text_[at_]) {
      case '{':
        return Object(value.value.emplace<JsonValue::Object>(), depth);
      case '[':
        return List(value.value.emplace<JsonValue::List>(), depth);
      case '"':
        return String(value.value.emplace<std::string>());
      default:
        break;
    }
    if (Take("null")) return value.value.emplace<std::nullptr_t>(), true;
    if (Take("true")) return value.value.emplace<bool>(true), true;
    if (Take("false")) return value.value.emplace<bool>(false), true;
    return Number(value);
  }

  bool Object(JsonValue::Object& object, int depth) {
    ++at_;
    SkipSpace();
    if (Take("}")) return true;
    do {
      std::string key;
      JsonValue value;
      SkipSpace();
      if (at_ == text_.size() || text_[at_] != '"' || !String(key)) return false;
      SkipSpace();
      if (!Take(":") || !Value(value, depth + 1)) return false;
      object.insert_or_assign(std::move(key), std::move(value));
      SkipSpace();
    } while (Take(","));
    return Take("}");
  }

  bool List(JsonValue::List& list, int depth) {
    ++at_;
    SkipSpace();
    if (Take("]")) return true;
    do {
      if (!Value(list.emplace_back(), depth + 1)) return false;
      SkipSpace();
    } while (Take(","));
    return Take("]");
  }

  bool String(std::string& out) {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!Escape(out)) {
        return false;
      }
    }
    return false;
  }

  /// At a backslash; afterwards at the last character of the escape.
  bool Escape(std::string& out) {
    if (++at_ == text_.size()) return false;
    constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const size_t simple = kLetters.find(text_[at_]);
    if (simple != std::string_view::npos) return out += kMeanings[simple], true;
    uint32_t point = 0;
    if (!Unit(point)) return false;
    if (point >= kFirstLow && point < kAfterLow) return false;
    if (point >= kFirstHigh && point < kFirstLow) {
      uint32_t low = 0;
      if (at_ + 2 >= text_.size() || text_[at_ + 1] != '\\') return false;
      at_ += 2;
      if (!Unit(low) || low < kFirstLow || low >= kAfterLow) return false;
      point = kBeyond + ((point - kFirstHigh) << 10) + (low - kFirstLow);
    }
    AppendUtf8(out, point);
    return true;
  }

  /// uXXXX; afterwards at its last digit.
  bool Unit(uint32_t& unit) {
    if (text_[at_] != 'u' || text_.size() - at_ < 5) return false;
    const char* first = text_.data() + at_ + 1;
    const auto [end, failure] = std::from_chars(first, first + 4, unit, 16);
    at_ += 4;
    return failure == std::errc() && end == first + 4;
  }

  bool Digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > begin;
  }

  bool Number(JsonValue& value) {
    const size_t begin = at_;
    Take("-");
    if (!Take("0") && !Digits()) return false;
    bool integer = true;
    if (Take(".")) {
      integer = false;
      if (!Digits()) return false;
    }
    if (Take("e") || Take("E")) {
      integer = false;
      if (!Take("+")) Take("-");
      if (!Digits()) return false;
    }
    const std::string_view spelling = text_.substr(begin, at_ - begin);
    int64_t number = 0;
    const auto [end, failure] = std::from_chars(spelling.data(), spelling.data() + spelling.size(), number);
    if (integer && failure == std::errc()) {
      value.value = number;
    } else {
      value.value = std::string(spelling);
    }
    return true;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

void Append(std::string& out, const JsonValue& value);

struct Appender {
  std::string& out;
  void operator()(std::nullptr_t) const { out += "null"; }
  void operator()(bool truth) const { out += truth ? "true" : "false"; }
  void operator()(int64_t number) const { out += std::to_string(number); }
  void operator()(const std::string& text) const { out += base::JsonString(text); }
  void operator()(const JsonValue::List& list) const {
    out += '[';
    for (const JsonValue& item : list) {
      if (&item != list.data()) out += ',';
      Append(out, item);
    }
    out += ']';
  }
  void operator()(const JsonValue::Object& object) const {
    out += '{';
    bool first = true;
    for (const auto& [key, value] : object) {
      if (!first) out += ',';
      first = false;
      out += base::JsonString(key) + ":";
      Append(out, value);
    }
    out += '}';
  }
};

void Append(std::string& out, const JsonValue& value) { std::visit(Appender{out}, value.value); }

}  // namespace

const JsonValue* JsonValue::Find(std::string_view key) const {
  const Object* object = std::get_if<Object>(&value);
  if (object == nullptr) return nullptr;
  const auto found = object->find(key);
  return found == object->end() ? nullptr : &found->second;
}

std::optional<JsonValue> ParseJson(std::string_view text) {
  if (base::LengthOfText(text) != text.size()) return std::nullopt;
  return Parser(text).Whole();
}

std::string Canonical(const JsonValue& value) {
  std::string out;
  Append(out, value);
  return out;
}

}  // namespace yellow::access
