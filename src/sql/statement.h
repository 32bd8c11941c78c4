#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace yellow::sql {

/// A quoted SQL identifier. `Quote` is the only way to make one from a name, so an unquoted name cannot reach a
/// statement.
class Identifier {
 public:
  static Identifier Quote(std::string_view name);
  const std::string& text() const { return text_; }  ///< with its quotes
  bool operator==(const Identifier&) const = default;

 private:
  explicit Identifier(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// The text of `Identifier::Quote(name)`, for statements that are put together from many names.
std::string Quoted(std::string_view name);

/// `"schema"."name"`, each part quoted. Names are taken as they are (see names.h for how they are built).
std::string Qualified(std::string_view schema, std::string_view name);

/// A string as an SQL literal, for the few statements that take no parameters (DDL, COMMENT, roles).
std::string Literal(std::string_view text);

/// An array of texts in PostgreSQL's text format, for a parameter.
std::string TextArray(const std::vector<std::string>& texts);

/// A statement as data: text with $1, $2 … and the values, in PostgreSQL's text format. User data is always a
/// parameter.
struct Statement {
  std::string text;
  std::vector<std::optional<std::string>> parameters;
  bool operator==(const Statement&) const = default;

  Statement() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a text is a statement
  Statement(std::string text_, std::vector<std::optional<std::string>> parameters_ = {})
      : text(std::move(text_)), parameters(std::move(parameters_)) {}
  Statement(const char* text_) : text(text_) {}  // NOLINT(google-explicit-constructor)
};

/// An expression that gives a timestamptz as RFC 3339 in UTC with whole seconds; null stays null.
std::string Rfc3339(std::string_view expression);

}  // namespace yellow::sql
