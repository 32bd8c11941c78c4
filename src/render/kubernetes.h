#pragma once

#include <string>
#include <vector>

namespace yellow::render {

/// A platform whose engine is `yellow serve` in a cluster, and whose transformers are Jobs of a namespace of their own.
/// Names are of the kind that Kubernetes takes, and of one line.
struct KubernetesPlatform {
  std::string name_space;       ///< of the engine
  std::string code_name_space;  ///< of the transformers
  std::string image;            ///< Yellow with the project in it, pinned to a digest
  std::string project;          ///< where the project is in the image
  std::string environment;
  int replicas = 2;
  int grace_seconds = 30;
  std::string audit_claim;             ///< PersistentVolumeClaim of the audit log; empty: it is chained elsewhere
  bool jobs_in_pods = false;           ///< each batch and run in a pod of its own
  std::vector<std::string> variables;  ///< of credentials, from the Secret `yellow-credentials`
  std::vector<std::string> secrets;    ///< of credentials, each a Secret that is mounted

  /// A way from the code to its database.
  struct Way {
    std::vector<std::string> networks;  ///< CIDR
    int port = 5432;
    bool by_name = false;  ///< a name must be looked up first
  };
  std::vector<Way> ways;

  /// A namespace in which people have temporary access, and what is bound there for them.
  struct Lent {
    std::string name_space, role;
  };
  std::vector<Lent> lent;
};

struct Manifest {
  std::string file, text;
};

/// The whole platform as plain manifests and a kustomization of them: the same platform, the same bytes. Holds no
/// secret: the Secrets that it names are made by hand, or by whatever makes them where it runs.
std::vector<Manifest> KubernetesManifests(const KubernetesPlatform& platform);

}  // namespace yellow::render
