#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace yellow::adapters::secrets {

struct UserAndPassword {
  std::string user;
  base::Secret password;
};

/// The first line of a secret's file, `user:password`; the password may hold colons, and neither is cut or trimmed but
/// for the end of the line. Nothing when there is no colon.
std::optional<UserAndPassword> ParseSecretLine(std::string_view text);

/// The first line of a text, without its end.
std::string_view FirstLine(std::string_view text);

}  // namespace yellow::adapters::secrets
