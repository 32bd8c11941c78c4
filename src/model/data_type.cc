#include "model/data_type.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

namespace yellow::model {
namespace {

constexpr int kMaxLength = 10485760;  // of varchar and char, PostgreSQL 15
constexpr int kMaxNumericPrecision = 1000;
constexpr int kMaxTimePrecision = 6;

enum class Arguments { kNone, kLength, kNumeric, kSeconds };

struct Spelling {
  const char* name;
  TypeKind kind;
  Arguments arguments;
};

/// The first spelling of a kind is the one that `format_type` gives. Longer ones stand before their own beginnings.
constexpr Spelling kSpellings[] = {
    {"smallint", TypeKind::kSmallint, Arguments::kNone},
    {"int2", TypeKind::kSmallint, Arguments::kNone},
    {"integer", TypeKind::kInteger, Arguments::kNone},
    {"int", TypeKind::kInteger, Arguments::kNone},
    {"int4", TypeKind::kInteger, Arguments::kNone},
    {"bigint", TypeKind::kBigint, Arguments::kNone},
    {"int8", TypeKind::kBigint, Arguments::kNone},
    {"numeric", TypeKind::kNumeric, Arguments::kNumeric},
    {"decimal", TypeKind::kNumeric, Arguments::kNumeric},
    {"real", TypeKind::kReal, Arguments::kNone},
    {"float4", TypeKind::kReal, Arguments::kNone},
    {"double precision", TypeKind::kDouble, Arguments::kNone},
    {"float8", TypeKind::kDouble, Arguments::kNone},
    {"float", TypeKind::kDouble, Arguments::kNone},
    {"text", TypeKind::kText, Arguments::kNone},
    {"character varying", TypeKind::kVarchar, Arguments::kLength},
    {"varchar", TypeKind::kVarchar, Arguments::kLength},
    {"character", TypeKind::kChar, Arguments::kLength},
    {"char", TypeKind::kChar, Arguments::kLength},
    {"date", TypeKind::kDate, Arguments::kNone},
    {"time without time zone", TypeKind::kTime, Arguments::kSeconds},
    {"time with time zone", TypeKind::kTimeTz, Arguments::kSeconds},
    {"timetz", TypeKind::kTimeTz, Arguments::kSeconds},
    {"time", TypeKind::kTime, Arguments::kSeconds},
    {"timestamp without time zone", TypeKind::kTimestamp, Arguments::kSeconds},
    {"timestamp with time zone", TypeKind::kTimestampTz, Arguments::kSeconds},
    {"timestamptz", TypeKind::kTimestampTz, Arguments::kSeconds},
    {"timestamp", TypeKind::kTimestamp, Arguments::kSeconds},
    {"interval", TypeKind::kInterval, Arguments::kSeconds},
    {"uuid", TypeKind::kUuid, Arguments::kNone},
    {"json", TypeKind::kJson, Arguments::kNone},
    {"jsonb", TypeKind::kJsonb, Arguments::kNone},
    {"bytea", TypeKind::kBytea, Arguments::kNone},
    {"boolean", TypeKind::kBoolean, Arguments::kNone},
    {"bool", TypeKind::kBoolean, Arguments::kNone},
};

/// Lower case, single blanks, none around brackets.
std::string Normalized(std::string_view text) {
  std::string out;
  for (const char raw : text) {
    const char c = static_cast<char>(std::tolower(static_cast<unsigned char>(raw)));
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (blank && (out.empty() || out.back() == ' ' || out.back() == '(' || out.back() == ',')) continue;
    if ((c == '(' || c == ')' || c == ',' || c == '[') && !out.empty() && out.back() == ' ') out.pop_back();
    out += blank ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool TakeSuffix(std::string& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.resize(text.size() - suffix.size());
  return true;
}

std::optional<int> Number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Takes `(…)` out of the text, wherever it stands (`timestamp(3) with time zone`). False: no closing bracket or no
/// numbers.
bool TakeArguments(std::string& text, std::vector<int>& arguments) {
  const size_t open = text.find('(');
  if (open == std::string::npos) return true;
  const size_t close = text.find(')', open);
  if (close == std::string::npos) return false;
  std::string_view inside = std::string_view(text).substr(open + 1, close - open - 1);
  while (true) {
    const size_t comma = inside.find(',');
    const auto number = Number(inside.substr(0, comma));
    if (!number) return false;
    arguments.push_back(*number);
    if (comma == std::string_view::npos) break;
    inside.remove_prefix(comma + 1);
  }
  text.erase(open, close - open + 1);
  return true;
}

bool Between(int value, int low, int high) { return value >= low && value <= high; }

/// Sets length, precision and scale; returns what is wrong, or nothing.
std::string SetArguments(const Spelling& spelling, const std::vector<int>& arguments, DataType& type) {
  if (arguments.empty()) return "";
  const std::string name = spelling.name;
  switch (spelling.arguments) {
    case Arguments::kNone:
      return name + " takes no length";
    case Arguments::kLength:
      if (arguments.size() != 1 || !Between(arguments[0], 1, kMaxLength))
        return "the length of " + name + " is 1 to 10485760";
      type.length = arguments[0];
      return "";
    case Arguments::kNumeric:
      if (arguments.size() > 2 || !Between(arguments[0], 1, kMaxNumericPrecision)) {
        return "numeric takes a precision of 1 to 1000 and a scale";
      }
      type.precision = arguments[0];
      type.scale = arguments.size() == 2 ? arguments[1] : 0;
      if (!Between(*type.scale, 0, arguments[0])) return "the scale of numeric is 0 to its precision";
      return "";
    case Arguments::kSeconds:
      if (arguments.size() != 1 || !Between(arguments[0], 0, kMaxTimePrecision))
        return "the precision of " + name + " is 0 to 6";
      type.precision = arguments[0];
      return "";
  }
  return "";
}

const Spelling& CanonicalSpelling(TypeKind kind) {
  return *std::find_if(std::begin(kSpellings), std::end(kSpellings), [&](const Spelling& s) { return s.kind == kind; });
}

}  // namespace

std::optional<ParsedType> ParseType(std::string_view text, std::string* why) {
  ParsedType parsed;
  std::string rest = Normalized(text);
  parsed.not_null = TakeSuffix(rest, " not null");
  if (!parsed.not_null) TakeSuffix(rest, " null");
  if (TakeSuffix(rest, "[]") || TakeSuffix(rest, " array")) parsed.type.array = true;
  std::vector<int> arguments;
  if (!TakeArguments(rest, arguments)) {
    *why = "its brackets do not close, or hold something other than numbers";
    return std::nullopt;
  }
  rest = Normalized(rest);
  const auto* found =
      std::find_if(std::begin(kSpellings), std::end(kSpellings), [&](const Spelling& s) { return rest == s.name; });
  if (found == std::end(kSpellings)) {
    *why = "there is no such type";
    return std::nullopt;
  }
  parsed.type.kind = found->kind;
  *why = SetArguments(*found, arguments, parsed.type);
  if (!why->empty()) return std::nullopt;
  if (parsed.type.kind == TypeKind::kChar && !parsed.type.length) parsed.type.length = 1;
  return parsed;
}

std::string ToSql(const DataType& type) {
  std::string name = CanonicalSpelling(type.kind).name;
  std::string arguments;
  if (type.length) arguments = "(" + std::to_string(*type.length) + ")";
  if (type.precision) {
    arguments = "(" + std::to_string(*type.precision) + (type.scale ? "," + std::to_string(*type.scale) : "") + ")";
  }
  // The precision of a time stands before its zone: timestamp(3) with time zone.
  const size_t zone = name.find(" with");
  if (zone != std::string::npos) {
    name.insert(zone, arguments);
  } else {
    name += arguments;
  }
  return type.array ? name + "[]" : name;
}

std::string ToShort(const DataType& type) {
  static constexpr std::pair<TypeKind, const char*> kShort[] = {
      {TypeKind::kVarchar, "varchar"}, {TypeKind::kChar, "char"},           {TypeKind::kTime, "time"},
      {TypeKind::kTimeTz, "timetz"},   {TypeKind::kTimestamp, "timestamp"}, {TypeKind::kTimestampTz, "timestamptz"}};
  for (const auto& [kind, name] : kShort) {
    if (type.kind != kind) continue;
    const auto limit = type.length ? type.length : type.precision;
    return name + (limit ? "(" + std::to_string(*limit) + ")" : std::string()) + (type.array ? "[]" : "");
  }
  return ToSql(type);
}

DataType WithoutLimits(const DataType& type) {
  DataType free = type;
  free.length.reset();
  free.precision.reset();
  free.scale.reset();
  // `character` without a length is character(1), and `bpchar` has no spelling of its own here: text keeps every byte.
  if (free.kind == TypeKind::kChar || free.kind == TypeKind::kVarchar) free.kind = TypeKind::kText;
  return free;
}

bool IsWidening(const DataType& from, const DataType& to) {
  if (from == to || from.array || to.array) return false;
  const auto at_least = [](const std::optional<int>& wide, const std::optional<int>& narrow) {
    return !wide || (narrow && *wide >= *narrow);
  };
  if (from.kind == TypeKind::kVarchar && to.kind == TypeKind::kText) return true;
  if (from.kind == TypeKind::kVarchar && to.kind == TypeKind::kVarchar) return at_least(to.length, from.length);
  if (from.kind == TypeKind::kNumeric && to.kind == TypeKind::kNumeric) {
    if (!to.precision) return true;
    return from.precision && *to.scale >= *from.scale && *to.precision - *to.scale >= *from.precision - *from.scale;
  }
  const bool integers = from.kind == TypeKind::kSmallint || from.kind == TypeKind::kInteger;
  if (integers && to.kind == TypeKind::kBigint) return true;
  // Not real to double precision: 0.1 would become 0.10000000149011612.
  return from.kind == TypeKind::kSmallint && to.kind == TypeKind::kInteger;
}

}  // namespace yellow::model
