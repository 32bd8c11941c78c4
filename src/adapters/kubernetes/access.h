#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/secret.h"
#include "model/environment.h"

namespace yellow::adapters::kubernetes {

/// Where an API server is, and as whom it is asked. Certificates and keys are texts in PEM: what a kubeconfig holds
/// inline never becomes a file.
struct Access {
  std::string server;       ///< https://host:port, perhaps with a path; without a slash at the end
  std::string authority;    ///< signs the server's certificate; empty: who the system trusts
  std::string certificate;  ///< the client's; empty when a token says who it is
  base::Secret key;         ///< of `certificate`
  base::Secret token;
  std::string token_file;  ///< instead of `token`: its content changes, as it lives an hour
  std::string name_space;  ///< `default` when nothing names one
};

/// Content of a file, or none when it cannot be read.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;
/// Value of an environment variable, or none.
using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;

/// One context of a kubeconfig: `context`, or its current one when that is empty. Files that it names lie relative to
/// the folder of `path`. Throws base::Error code "kubeconfig" with what is wrong and what to write instead; never
/// repeats a secret. Programs that fetch a token (`exec`) are not run, and a server that nobody vouches for is not
/// talked to.
Access ReadKubeconfig(const std::string& text, const std::string& path, const std::string& context,
                      const ReadFile& read);

/// As a pod's service account. Throws base::Error code "in_cluster" when this process is in no pod, or the pod has no
/// token.
Access InCluster(const ReadVariable& variable, const ReadFile& read);

/// The path of the kubeconfig that counts: the launcher's, that of $KUBECONFIG, or the one in the home folder. Empty:
/// the service account of the pod that this process is in.
std::string KubeconfigOf(const model::KubernetesLauncher& launcher, const ReadVariable& variable);

/// As whom the launcher's cluster is asked. Throws as the two above.
Access AccessOf(const model::KubernetesLauncher& launcher, const ReadFile& read, const ReadVariable& variable);

/// Encloses an IPv6 address in brackets, as URLs want it.
std::string HostInUrl(const std::string& host);

}  // namespace yellow::adapters::kubernetes
