#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/source_range.h"

namespace yellow::base {

enum class Severity { kError, kWarning };

/// Something the user can fix. `code` is stable and documented (`lint --explain CODE`); `message` says what is
/// wrong, fixed text first, values last; `remedy` says what to do about it.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;
  SourceRange where;
  std::string message;
  std::string remedy;
  bool secret = false;  ///< the line holds a secret and is not shown
  auto operator<=>(const Diagnostic&) const = default;
};

/// Accumulates; never thrown. Not thread-safe.
class Diagnostics {
 public:
  void Error(std::string code, SourceRange where, std::string message, std::string remedy);
  void Warning(std::string code, SourceRange where, std::string message, std::string remedy);
  /// An error about a line that must not be shown.
  void Secret(std::string code, SourceRange where, std::string message, std::string remedy);
  void Add(Diagnostic item) { items_.push_back(std::move(item)); }
  void Append(const Diagnostics& other);
  /// Orders by file, place, code; removes exact repetitions.
  void Sort();

  bool has_errors() const;
  bool empty() const { return items_.empty(); }
  const std::vector<Diagnostic>& items() const { return items_; }

 private:
  std::vector<Diagnostic> items_;
};

/// Returns the text of a file of the project, or an empty view; used to show the line at fault.
using SourceText = std::function<std::string_view(const std::string& file)>;

/// `file:line:col: error: message [CODE]`, the line with a caret below it, then `  = remedy`; one a paragraph. A line
/// with a secret is shown by none of the findings on it.
std::string Render(const Diagnostics& diagnostics, const SourceText& text);

}  // namespace yellow::base
