#include "ports/container.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string_view>

namespace yellow::ports {
namespace {

bool Contains(const std::string& text, std::initializer_list<std::string_view> words) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace

base::Error ImageFailure(const std::string& image, const std::string& message) {
  if (Contains(message, {"verification failed", "does not match", "digest mismatch", "unexpected digest",
                         "unexpected commit digest", "did not match"}))
    return base::Error("image_digest", "the registry gave another image than the one of this digest: " + image)
        .Context(message)
        .Remedy("do not trust this registry before it is known why");
  if (Contains(message, {"manifest unknown", "name unknown", "repository does not exist", "not found"}))
    return base::Error("image_missing", "the registry has no image of this name and digest: " + image)
        .Context(message)
        .Remedy("push it, or mend its name or digest under images: of the environment");
  const bool refused = Contains(message, {"unauthorized", "denied", "authentication required", "forbidden"});
  return base::Error("image_pull", "the image could not be pulled: " + image)
      .Retryable(!refused)
      .Context(message)
      .Remedy(refused ? "name a login for its registry: pull, under launcher: of the environment"
                      : "see whether the registry answers");
}

}  // namespace yellow::ports
