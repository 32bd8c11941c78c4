#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/audit.h"
#include "model/declared.h"

/// Where containers, secrets and jobs really are.
namespace yellow::model {

struct EmbeddedServer {
  std::optional<int> port;
};
struct NamedServer {
  std::string host;
  int port = 5432;
  std::string sslmode = "prefer";
  std::string ca;  ///< path of a CA file, or empty
};
struct ContainerPlace {
  std::string container;
  std::variant<EmbeddedServer, NamedServer> server;
  std::string database;  ///< empty: as the container declares
  SourceRange where;
  Owner owner = {};  ///< of the file that says so
};

struct EnvironmentSecret {
  std::string prefix;
};  ///< <PREFIX>_USER, <PREFIX>_PASSWORD, <PREFIX>_TOKEN
struct FileSecret {
  std::string path;
};
struct KubernetesSecret {
  std::string name;
};
struct VaultSecret {
  std::string path;
};
using SecretSource = std::variant<EnvironmentSecret, FileSecret, KubernetesSecret, VaultSecret>;
struct CredentialPlace {
  std::string credential;
  SecretSource source;
  SourceRange where;
  Owner owner = {};  ///< of the file that says so
};

/// Where the URL of a webhook stands. One that is written down is not secret; the others are, and are read when
/// something is sent.
struct PlainUrl {
  std::string url;
};
struct UrlInVariable {
  std::string variable;
};
struct UrlInFile {
  std::string path;  ///< its first line
};
using WebhookUrl = std::variant<PlainUrl, UrlInVariable, UrlInFile>;

/// A mail to one address, by the server that takes it.
struct Mail {
  std::string server;  ///< smtp://host:port or smtps://host
  std::string ca;      ///< path of a CA file; empty: those of the system
  std::string from, to;
  std::optional<Name> credential;  ///< a user and password
};

/// What somebody is told of: a batch that is held, a batch or run that has failed, a stream that is older than its
/// schedule says, somebody's access that needs a look.
enum class NoticeEvent { kHeld, kFailed, kStale, kAccess };
std::string_view Word(NoticeEvent event);  ///< "held", …

/// Who is told, as `notify:` of an environment says. Each address of a mail is a receiver of its own, so that one that
/// is refused is in nobody's way: `<receiver>/<address>`.
struct NoticeReceiver {
  std::string name;
  std::variant<WebhookUrl, Mail> channel;
  std::vector<NoticeEvent> events{NoticeEvent::kHeld, NoticeEvent::kFailed, NoticeEvent::kStale, NoticeEvent::kAccess};
  Duration stale_after{3600};  ///< after the tick of the schedule that was missed
  SourceRange where, channel_where;

  bool Wants(NoticeEvent event) const {
    for (const NoticeEvent e : events)
      if (e == event) return true;
    return false;
  }
};

enum class LauncherKind { kProcess, kDocker, kKubernetes };
enum class JobsKind { kProcess, kKubernetes };
enum class SchedulerKind { kYellow, kAirflow };

/// An engine that answers the Docker API, on this machine.
struct DockerLauncher {
  std::string socket = "/var/run/docker.sock";
  std::string network = "none";  ///< of the engine; none: a database is reached through its unix socket only
  std::optional<Name> pull;      ///< credential with which images are pulled
};

/// Lets pods on nodes with a taint.
struct Toleration {
  std::string key;                   ///< empty: any
  std::optional<std::string> value;  ///< absent: any
  std::string effect;                ///< NoSchedule, PreferNoSchedule, NoExecute; empty: any
  std::optional<int> seconds;        ///< how long a pod stays that is there when the taint comes
};

struct KubernetesLauncher {
  std::string name_space;           ///< where Jobs are made; empty: that of the kubeconfig's context, or of our own pod
  std::string kubeconfig, context;  ///< empty: what there is; else the path of a file, one of its contexts
  std::vector<std::string> pull;    ///< Secrets of the namespace, of type kubernetes.io/dockerconfigjson
  std::map<std::string, std::string> node_selector, labels;
  std::vector<Toleration> tolerations;
  std::vector<std::string> database_networks;  ///< CIDR: where databases are that have a name
};

/// The file in which the tickets stand, for one machine; its path is relative to the project.
struct TicketFile {
  std::string path;
};

/// A ticket system that is asked over HTTP and answers in JSON.
struct TicketService {
  std::string url;                 ///< `{ticket}` in it is the ticket
  std::optional<Name> credential;  ///< a user and password, or a token
  std::string state, owner;        ///< JSON pointers into the answer (RFC 6901)
  std::string name;                ///< one to the ticket's own name, or empty: the system knows no ticket by two names
  std::vector<std::string> open;   ///< the states in which a ticket is open
  SourceRange where;
};
using TicketSystem = std::variant<std::monostate, TicketFile, TicketService>;

/// Where `serve` answers calls for access over TCP, and whose tokens say who calls (OpenID Connect).
struct AccessListener {
  std::string listen;           ///< 127.0.0.1:8443
  std::string issuer;           ///< its URL, as `iss` of a token says it
  std::string audience;         ///< what `aud` of a token has to name
  std::string claim = "email";  ///< the claim whose text is the address of `oidc:<address>`
  SourceRange where;
};

struct Environment {
  std::string name;
  std::vector<ContainerPlace> containers;
  std::vector<CredentialPlace> credentials;
  std::map<std::string, std::string> images;
  std::vector<Name> allowed_classes;
  LauncherKind launcher = LauncherKind::kProcess;
  DockerLauncher docker;               ///< for LauncherKind::kDocker
  KubernetesLauncher kubernetes;       ///< for LauncherKind::kKubernetes
  JobsKind jobs = JobsKind::kProcess;  ///< where serve carries out what it decides
  SchedulerKind scheduler = SchedulerKind::kYellow;
  std::string role_prefix = "yellow";
  SourceRange launcher_where, jobs_where, role_prefix_where;
  std::optional<int> max_runs;  ///< limits.runs
  Duration retry{30};           ///< limits.retry: how long a fault that may pass by itself is waited for
  int max_jobs = 4;             ///< limits.jobs: batches and runs that serve has under way at once, a merge database
  int max_connections = 40;     ///< limits.connections: of all these jobs together
  std::vector<NoticeReceiver> receivers;  ///< notify
  TicketSystem tickets;                   ///< none: nobody can ask for access
  std::optional<AccessListener> access;   ///< none: on a local socket only
  Audit audit;
  SourceRange where;

  /// The reference by which an image is known here, pinned to a digest; `image` itself when it is not mapped.
  const std::string& ImageOf(const std::string& image) const {
    const auto mapped = images.find(image);
    return mapped == images.end() ? image : mapped->second;
  }

  const ContainerPlace* FindContainer(const std::string& container) const {
    for (const ContainerPlace& place : containers)
      if (place.container == container) return &place;
    return nullptr;
  }
};

}  // namespace yellow::model
