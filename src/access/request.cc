#include "access/request.h"

#include "base/check.h"
#include "base/digest.h"

namespace yellow::access {

std::string_view Word(RequestKind kind) {
  switch (kind) {
    case RequestKind::kRegular:
      return "regular";
    case RequestKind::kBreakGlass:
      return "break_glass";
  }
  YELLOW_CHECK(false);
}

std::optional<RequestKind> RequestKindOf(std::string_view word) {
  for (const RequestKind kind : {RequestKind::kRegular, RequestKind::kBreakGlass})
    if (Word(kind) == word) return kind;
  return std::nullopt;
}

std::string GivenBackBy(const std::string& person) { return "given back by " + person; }

std::string StatementsOf(const std::string& recording) {
  constexpr std::string_view kRecording = ".cast.";
  const size_t at = recording.find(kRecording);
  YELLOW_CHECK(at != std::string::npos);
  return std::string(recording).replace(at, kRecording.size(), ".statements.");
}

std::string HashOf(const Content& content) {
  // Each part with its length, so that no two contents are the same bytes.
  std::string bytes = "yellow-request-v1";
  const auto add = [&](const std::string& part) { bytes += '\n' + std::to_string(part.size()) + ':' + part; };
  add(std::string(Word(content.kind)));
  add(content.person);
  add(content.scope);
  add(std::to_string(content.seconds));
  add(content.ticket);
  add(content.reason);
  add(std::to_string(content.grants.size()));
  for (const std::string& group : content.grants) add(group);
  if (!content.parameters.empty()) {
    add(content.salt);
    for (const auto& [name, value] : content.parameters) add(name), add(value);
  }
  return base::Sha256Hex(bytes);
}

}  // namespace yellow::access
