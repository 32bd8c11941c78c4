#include "sql/statement.h"

namespace yellow::sql {
namespace {

std::string Doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    out += c;
    if (c == quote) out += c;
  }
  return out + quote;
}

}  // namespace

Identifier Identifier::Quote(std::string_view name) { return Identifier(Doubled(name, '"')); }

std::string Quoted(std::string_view name) { return Identifier::Quote(name).text(); }

std::string Qualified(std::string_view schema, std::string_view name) {
  return Identifier::Quote(schema).text() + "." + Identifier::Quote(name).text();
}

std::string Literal(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return Doubled(text, '\'');
  std::string escaped;
  for (const char c : text) {
    escaped += c;
    if (c == '\\') escaped += c;
  }
  return " E" + Doubled(escaped, '\'');
}

std::string TextArray(const std::vector<std::string>& texts) {
  std::string array = "{";
  for (const std::string& text : texts) {
    array += array.size() == 1 ? "\"" : ",\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return array + "}";
}

std::string Rfc3339(std::string_view expression) {
  return "to_char(" + std::string(expression) + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
}

}  // namespace yellow::sql
