#include "base/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace yellow::base {
namespace {

std::string_view LineOf(std::string_view text, int line) {
  size_t begin = 0;
  for (int current = 1; current < line; ++current) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return {};
    begin = end + 1;
  }
  std::string_view rest = text.substr(begin);
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

int CodePoints(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Spaces as wide as the first `count` code points of the line; tabs stay tabs so that the caret lines up.
std::string Indent(std::string_view line, int count) {
  std::string indent;
  for (const char c : line) {
    if ((c & 0xC0) == 0x80) continue;
    if (count-- <= 0) break;
    indent += c == '\t' ? '\t' : ' ';
  }
  return indent;
}

/// A file and a line of it.
using Line = std::pair<std::string, int>;

void RenderOne(const Diagnostic& item, const SourceText& text, bool show_line, std::string& out) {
  if (!item.where.file.empty()) {
    out += item.where.file;
    if (item.where.begin.line > 0) out += fmt::format(":{}:{}", item.where.begin.line, item.where.begin.column);
    out += ": ";
  }
  out += fmt::format("{}: {} [{}]\n", item.severity == Severity::kError ? "error" : "warning", item.message, item.code);
  if (item.where.begin.line > 0 && text && show_line) {
    const std::string_view line = LineOf(text(item.where.file), item.where.begin.line);
    if (!line.empty()) {
      const int begin = std::max(1, item.where.begin.column);
      int width = 1;
      if (item.where.end.line == item.where.begin.line) width = item.where.end.column - begin;
      if (item.where.end.line > item.where.begin.line) width = CodePoints(line) - begin + 1;
      width = std::max(1, width);
      out += fmt::format("  {}\n  {}^{}\n", line, Indent(line, begin - 1),
                         std::string(static_cast<size_t>(width - 1), '~'));
    }
  }
  if (!item.remedy.empty()) out += fmt::format("  = {}\n", item.remedy);
}

}  // namespace

void Diagnostics::Error(std::string code, SourceRange where, std::string message, std::string remedy) {
  items_.push_back({Severity::kError, std::move(code), std::move(where), std::move(message), std::move(remedy)});
}

void Diagnostics::Warning(std::string code, SourceRange where, std::string message, std::string remedy) {
  items_.push_back({Severity::kWarning, std::move(code), std::move(where), std::move(message), std::move(remedy)});
}

void Diagnostics::Secret(std::string code, SourceRange where, std::string message, std::string remedy) {
  Error(std::move(code), std::move(where), std::move(message), std::move(remedy));
  items_.back().secret = true;
}

void Diagnostics::Append(const Diagnostics& other) {
  items_.insert(items_.end(), other.items_.begin(), other.items_.end());
}

void Diagnostics::Sort() {
  std::stable_sort(items_.begin(), items_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.where, a.code, a.message) < std::tie(b.where, b.code, b.message);
  });
  items_.erase(std::unique(items_.begin(), items_.end()), items_.end());
}

bool Diagnostics::has_errors() const {
  return std::any_of(items_.begin(), items_.end(), [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

std::string Render(const Diagnostics& diagnostics, const SourceText& text) {
  std::set<Line> secret;
  for (const Diagnostic& item : diagnostics.items()) {
    for (int line = item.where.begin.line; item.secret && line <= item.where.end.line; ++line)
      secret.emplace(item.where.file, line);
  }
  std::string out;
  for (const Diagnostic& item : diagnostics.items()) {
    if (!out.empty()) out += '\n';
    RenderOne(item, text, secret.count({item.where.file, item.where.begin.line}) == 0, out);
  }
  return out;
}

}  // namespace yellow::base
