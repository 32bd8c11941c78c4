#include "sql/effect.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace yellow::sql {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

/// Words up to a space or a parenthesis; quotes are left out. Enough for the heads of statements that Yellow writes.
std::vector<std::string> Words(std::string_view text, size_t most) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (words.size() == most) return words;
    if (c == '"') continue;
    if (std::isspace(static_cast<unsigned char>(c)) == 0 && c != '(' && c != ')' && c != ';') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty() && words.size() < most) words.push_back(std::move(word));
  return words;
}

/// The function of Yellow's own, or of the server's, that a SELECT calls for its effect.
std::string CallIn(const std::string& lower) {
  static constexpr std::array<std::string_view, 8> kCalls{"yellow_sec.",
                                                          "yellow_op.",
                                                          "yellow_access.audit_add(",
                                                          "yellow_access.audit_mark(",
                                                          "yellow_access.audit_resume(",
                                                          "yellow_access.audit_anchored(",
                                                          "pg_notify(",
                                                          "pg_export_snapshot("};
  for (const std::string_view call : kCalls) {
    const size_t at = lower.find(call);
    if (at != std::string::npos) return "call " + Words(std::string_view(lower).substr(at), 1).front();
  }
  // Its other functions stand behind FROM, and only read.
  constexpr std::string_view kAccess = "select yellow_access.";
  return lower.starts_with(kAccess) ? "call " + Words(std::string_view(lower).substr(7), 1).front() : "";
}

}  // namespace

std::string EffectOf(std::string_view statement) {
  const std::string lower = Lower(statement);
  const std::vector<std::string> words = Words(lower, 6);
  if (words.empty()) return "";
  const auto word = [&](size_t i) { return i < words.size() ? words[i] : std::string(); };
  const std::string& verb = words[0];
  if (verb == "commit" || verb == "vacuum") return verb;
  if (verb == "insert" || verb == "delete") return verb + " " + word(2);
  if (verb == "update" || verb == "copy" || verb == "truncate") return verb + " " + word(1);
  if (verb == "lock") return "lock " + word(2);
  if (verb == "create" || verb == "drop" || verb == "alter" || verb == "comment" || verb == "grant" ||
      verb == "revoke" || verb == "do") {
    return verb + (word(1).empty() ? "" : " " + word(1)) + (word(2).empty() ? "" : " " + word(2));
  }
  if (verb == "with") {
    for (const char* inner : {"insert into ", "update ", "delete from "}) {
      const size_t at = lower.find(inner);
      if (at != std::string::npos) return EffectOf(std::string_view(lower).substr(at));
    }
  }
  if (verb != "select") return "";
  if (std::string call = CallIn(lower); !call.empty()) return call;
  if (lower.find(" for update") == std::string::npos) return "";
  const size_t from = lower.find(" from ");
  return from == std::string::npos ? "" : "lock " + Words(std::string_view(lower).substr(from + 6), 1).front();
}

std::string Named(std::string_view statement, std::string_view name) {
  if (name.empty()) return std::string(statement);
  return std::string(statement) + " /* " + std::string(name) + " */";
}

std::string_view NameIn(std::string_view statement) {
  const size_t begin = statement.rfind("/* ");
  if (begin == std::string_view::npos || !statement.ends_with(" */")) return {};
  return statement.substr(begin + 3, statement.size() - begin - 6);
}

}  // namespace yellow::sql
