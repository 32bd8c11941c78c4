#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/entropy.h"
#include "ports/files.h"
#include "ports/secrets.h"

namespace yellow::adapters::secrets {

/// A credential of a vault, by its path there. Throws base::Error code "secret".
using ReadVault = std::function<ports::CredentialValue(const std::string& credential, const std::string& path)>;

/// Secrets from environment variables, from files and from a vault. A file holds `user:password` on one line, or is a
/// folder with the files `username`, `password`, `token` as a mounted Kubernetes secret has them.
std::unique_ptr<ports::SecretStore> MakeSecretStore(ports::FileSystem& files, ReadVault read_vault);

/// The operating system's random generator.
std::unique_ptr<ports::Entropy> MakeEntropy();

}  // namespace yellow::adapters::secrets
