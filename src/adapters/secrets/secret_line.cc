#include "adapters/secrets/secret_line.h"

namespace yellow::adapters::secrets {

std::string_view FirstLine(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<UserAndPassword> ParseSecretLine(std::string_view text) {
  const std::string_view line = FirstLine(text);
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return UserAndPassword{std::string(line.substr(0, colon)), base::Secret(std::string(line.substr(colon + 1)))};
}

}  // namespace yellow::adapters::secrets
