#include "adapters/secrets/secret_store.h"

#include <sodium.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "adapters/secrets/secret_line.h"
#include "base/error.h"

namespace yellow::adapters::secrets {
namespace {

constexpr int kPasswordLength = 32;
constexpr const char* kMounts = "/run/yellow/secrets/";

base::Error Missing(const std::string& credential, const std::string& what) {
  return base::Error("secret", "the secret of credential " + credential + " is missing: " + what);
}

std::string Variable(const std::string& name) {
  const char* value = getenv(name.c_str());
  return value == nullptr ? "" : value;
}

/// None of a file that is not there, or empty. Throws base::Error when it cannot be read.
std::optional<std::string> ReadFirstLine(ports::FileSystem& files, const std::string& path) {
  const auto content = files.Read(path);
  if (!content || content->empty()) return std::nullopt;
  return std::string(FirstLine(*content));
}

ports::CredentialValue FromVariables(const std::string& credential, const std::string& prefix) {
  ports::CredentialValue value{Variable(prefix + "_USER"), base::Secret(Variable(prefix + "_PASSWORD")),
                               base::Secret(Variable(prefix + "_TOKEN"))};
  if (value.user.empty() && value.token.empty()) {
    throw Missing(credential, "environment variable " + prefix + "_USER")
        .Remedy("set " + prefix + "_USER and " + prefix + "_PASSWORD");
  }
  return value;
}

ports::CredentialValue FromFile(ports::FileSystem& files, const std::string& credential, const std::string& path) {
  if (std::filesystem::is_directory(path)) {
    ports::CredentialValue value{ReadFirstLine(files, path + "/username").value_or(""),
                                 base::Secret(ReadFirstLine(files, path + "/password").value_or("")),
                                 base::Secret(ReadFirstLine(files, path + "/token").value_or(""))};
    if (value.user.empty() && value.token.empty()) throw Missing(credential, "file " + path + "/username");
    return value;
  }
  const auto line = ReadFirstLine(files, path);
  if (!line) throw Missing(credential, "file " + path).Remedy("write user:password on its first line");
  auto parsed = ParseSecretLine(*line);
  if (!parsed) {
    throw base::Error("secret", "the secret of credential " + credential + " is not user:password in file " + path);
  }
  return {std::move(parsed->user), std::move(parsed->password), {}};
}

class LocalSecretStore : public ports::SecretStore {
 public:
  LocalSecretStore(ports::FileSystem& files, ReadVault read_vault)
      : files_(files), read_vault_(std::move(read_vault)) {}

  ports::CredentialValue Read(const std::string& credential, const model::SecretSource& source) override {
    if (const auto* variables = std::get_if<model::EnvironmentSecret>(&source))
      return FromVariables(credential, variables->prefix);
    if (const auto* file = std::get_if<model::FileSecret>(&source)) return FromFile(files_, credential, file->path);
    if (const auto* mounted = std::get_if<model::KubernetesSecret>(&source))
      return FromMount(credential, mounted->name);
    return read_vault_(credential, std::get<model::VaultSecret>(source).path);
  }

  base::Secret ReadUrl(const model::WebhookUrl& place) override {
    if (const auto* plain = std::get_if<model::PlainUrl>(&place)) return base::Secret(plain->url);
    if (const auto* variable = std::get_if<model::UrlInVariable>(&place)) {
      std::string url = Variable(variable->variable);
      if (!url.empty()) return base::Secret(std::move(url));
      throw base::Error("secret", "the URL is missing: environment variable " + variable->variable);
    }
    const std::string& path = std::get<model::UrlInFile>(place).path;
    auto line = ReadFirstLine(files_, path);
    if (!line) throw base::Error("secret", "the URL is missing: file " + path);
    return base::Secret(std::move(*line));
  }

 private:
  /// A Secret of the cluster, whose pod has it as a folder.
  ports::CredentialValue FromMount(const std::string& credential, const std::string& name) {
    const std::string folder = kMounts + name;
    if (!std::filesystem::is_directory(folder))
      throw Missing(credential, "Secret " + name + " is not mounted at " + folder)
          .Remedy("yellow render kubernetes mounts it; elsewhere write {env: PREFIX} or {file: …}");
    return FromFile(files_, credential, folder);
  }

  ports::FileSystem& files_;
  const ReadVault read_vault_;
};

class SystemEntropy : public ports::Entropy {
 public:
  base::Secret Password() override {
    static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string text;
    for (int i = 0; i < kPasswordLength; ++i) text += kLetters[randombytes_uniform(sizeof kLetters - 1)];
    return base::Secret(std::move(text));
  }
  std::string Hex(int digits) override {
    std::string text;
    for (int i = 0; i < digits; ++i) text += "0123456789abcdef"[randombytes_uniform(16)];
    return text;
  }
};

}  // namespace

std::unique_ptr<ports::SecretStore> MakeSecretStore(ports::FileSystem& files, ReadVault read_vault) {
  return std::make_unique<LocalSecretStore>(files, std::move(read_vault));
}
std::unique_ptr<ports::Entropy> MakeEntropy() { return std::make_unique<SystemEntropy>(); }

}  // namespace yellow::adapters::secrets
