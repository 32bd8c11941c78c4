#pragma once

#include <string_view>

#include "base/diagnostics.h"
#include "load/node.h"

namespace yellow::load {

/// True for keys under which people write a secret: password, token, api_key and the like.
bool IsSecretWord(std::string_view key);

/// Refuses what is a secret whatever its key: a private key, a password in a URL or in a connection string. The
/// message does not repeat it, and its line is not shown.
void CheckNoSecrets(const Node& node, base::Diagnostics& diagnostics);

/// Says that a secret stands here.
void RefuseSecret(const base::SourceRange& where, base::Diagnostics& diagnostics);

}  // namespace yellow::load
