#include "access/erase_key.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>

#include "access/json_value.h"
#include "base/utf8.h"

namespace yellow::access {
namespace {

using model::TypeKind;

bool Matches(const std::string& text, const char* pattern) {
  return std::regex_match(text, std::regex(pattern, std::regex::ECMAScript | std::regex::icase));
}

template <typename Number>
bool IsInteger(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() &&
         value >= std::numeric_limits<Number>::min() && value <= std::numeric_limits<Number>::max();
}

int Digits(const std::string& text, size_t at, size_t count) { return std::stoi(text.substr(at, count)); }

/// `2026-02-28`: a day that there is.
bool IsDate(const std::string& text) {
  if (!Matches(text, "[0-9]{4}-[0-9]{2}-[0-9]{2}")) return false;
  const int year = Digits(text, 0, 4), month = Digits(text, 5, 2), day = Digits(text, 8, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

constexpr const char* kTime = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?";
constexpr const char* kZone = "(Z|[-+](0[0-9]|1[0-4])(:?[0-5][0-9])?)";

bool IsTime(const std::string& text, bool zone) {
  return Matches(text, (std::string(kTime) + (zone ? kZone : "")).c_str());
}

bool IsTimestamp(const std::string& text, bool zone) {
  constexpr size_t kDate = 10;
  return text.size() > kDate && IsDate(text.substr(0, kDate)) && (text[kDate] == 'T' || text[kDate] == ' ') &&
         IsTime(text.substr(kDate + 1), zone);
}

}  // namespace

bool IsValueOf(const model::DataType& type, const std::string& text) {
  if (text.find('\0') != std::string::npos) return false;
  if (type.array) return text.starts_with('{') && text.ends_with('}');
  switch (type.kind) {
    case TypeKind::kText:
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      return true;
    case TypeKind::kSmallint:
      return IsInteger<int16_t>(text);
    case TypeKind::kInteger:
      return IsInteger<int32_t>(text);
    case TypeKind::kBigint:
      return IsInteger<int64_t>(text);
    case TypeKind::kNumeric:
      return Matches(text, "[-+]?([0-9]{1,300}(\\.[0-9]{0,300})?|\\.[0-9]{1,300})|NaN");
    case TypeKind::kReal:
    case TypeKind::kDouble:
      return Matches(text, "[-+]?([0-9]{1,30}(\\.[0-9]{0,30})?|\\.[0-9]{1,30})(e[-+]?[0-9])?|NaN|[-+]?Infinity");
    case TypeKind::kBoolean:
      return Matches(text, "t|f|true|false");
    case TypeKind::kUuid:
      return Matches(text, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    case TypeKind::kDate:
      return IsDate(text);
    case TypeKind::kTime:
      return IsTime(text, false);
    case TypeKind::kTimeTz:
      return IsTime(text, true);
    case TypeKind::kTimestamp:
      return IsTimestamp(text, false);
    case TypeKind::kTimestampTz:
      return IsTimestamp(text, true);
    case TypeKind::kInterval:
      return Matches(text,
                     "P(?=.)([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,5}D)?(T(?=.)([0-9]{1,5}H)?([0-9]{1,5}M)?([0-9]{1,5}"
                     "(\\.[0-9]{1,6})?S)?)?");
    case TypeKind::kBytea:
      return Matches(text, "\\\\x([0-9a-f]{2})*");
    case TypeKind::kJson:
    case TypeKind::kJsonb:
      return ParseJson(text).has_value();
  }
  return false;
}

tl::expected<std::string, Refusal> EraseKey(const std::string& store, const model::Dataset& dataset,
                                            const std::string& text) {
  const auto wrong = [](const std::string& what, const std::string& remedy) {
    return tl::unexpected<Refusal>(Refusal{Refusal::Kind::kInvalid, "key", what, remedy});
  };
  const std::string name = store + "." + dataset.name;
  if (dataset.key.empty())
    return wrong(name + " has no key, so that no row of it can be named", "declare its key, where it has one");
  std::string columns, example;
  for (const model::Name& column : dataset.key) {
    columns += (columns.empty() ? "" : ", ") + column.text;
    example += (example.empty() ? "--key " : " --key ") + column.text + "=…";
  }
  const auto given = ParseJson(text);
  const auto* object = given ? std::get_if<JsonValue::Object>(&given->value) : nullptr;
  // Where the key is one column, its value alone says it.
  if (object != nullptr && object->size() == 1 && object->contains("") && dataset.key.size() == 1) {
    if (const std::string* value = object->begin()->second.Text(); value != nullptr) {
      nlohmann::json named;
      named[dataset.key.front().text] = *value;
      return EraseKey(store, dataset, base::AsPlainLine(named.dump()));
    }
  }
  const bool whole = object != nullptr && object->size() == dataset.key.size() &&
                     std::all_of(dataset.key.begin(), dataset.key.end(),
                                 [&](const model::Name& column) { return object->contains(column.text); });
  if (!whole) return wrong("the key of " + name + " is: " + columns, "give a value for each column of it: " + example);
  for (const model::Name& column : dataset.key) {
    const model::DataType& type = dataset.FindColumn(column.text)->type;
    const std::string* value = object->find(column.text)->second.Text();
    if (value == nullptr || !IsValueOf(type, *value))
      return wrong("what is given for " + column.text + " is no " + model::ToShort(type),
                   "give its text, dates and times as 2026-01-31 and 06:30:00");
  }
  // Such a value may be a key, and is shown to who approves.
  return base::AsPlainLine(Canonical(*given));
}

}  // namespace yellow::access
