#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace yellow::model {

/// The types of columns: what PostgreSQL users have. Everything else is declared and carried as text.
enum class TypeKind {
  kSmallint,
  kInteger,
  kBigint,
  kNumeric,
  kReal,
  kDouble,
  kText,
  kChar,
  kVarchar,
  kDate,
  kTime,
  kTimeTz,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kUuid,
  kJson,
  kJsonb,
  kBytea,
  kBoolean,
};

/// A column's type. `length`: varchar(n), char(n); `precision`, `scale`: numeric(p,s); `precision` also for the
/// fractional seconds of times, timestamps and intervals. `array`: one dimension is declared, any is carried.
struct DataType {
  TypeKind kind = TypeKind::kText;
  std::optional<int> length;
  std::optional<int> precision;
  std::optional<int> scale;
  bool array = false;
  auto operator<=>(const DataType&) const = default;
};

struct ParsedType {
  DataType type;
  bool not_null = false;
};

/// Reads the short form of a column, `varchar(100) not null`, in any case and with PostgreSQL's aliases
/// (int, int4, decimal, character varying, timestamp with time zone, bool, float8, …; `type[]` or `type array`).
/// Returns nothing when it is not such a type; `*why` then says what is wrong with it, as a clause.
std::optional<ParsedType> ParseType(std::string_view text, std::string* why);

/// The canonical SQL spelling, as `format_type` of PostgreSQL gives it: `character varying(100)`, `numeric(10,2)`.
std::string ToSql(const DataType& type);

/// The model's short form, which ParseType reads back: `varchar(100)`, `timestamptz`, `numeric(10,2)[]`.
std::string ToShort(const DataType& type);

/// The same without length, precision and scale: the type of a staging column.
DataType WithoutLimits(const DataType& type);

/// True when every value of `from` is one of `to`, unchanged to the letter, and PostgreSQL can alter it so:
/// a longer varchar, varchar to text, a wider integer, a numeric with more digits on both sides.
bool IsWidening(const DataType& from, const DataType& to);

}  // namespace yellow::model
