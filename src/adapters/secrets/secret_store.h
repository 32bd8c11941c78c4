#pragma once

#include <memory>

#include "ports/entropy.h"
#include "ports/files.h"
#include "ports/secrets.h"

namespace yellow::adapters::secrets {

/// Secrets from environment variables and from files. A file holds `user:password` on one line, or is a folder with the
/// files `username`, `password`, `token` as a mounted Kubernetes secret has them.
std::unique_ptr<ports::SecretStore> MakeSecretStore(ports::FileSystem& files);

/// The operating system's random generator.
std::unique_ptr<ports::Entropy> MakeEntropy();

}  // namespace yellow::adapters::secrets
