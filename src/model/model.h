#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/source_range.h"
#include "model/address.h"
#include "model/audit.h"
#include "model/data_type.h"

/// The declared world as values: what the YAML documents say, after defaults are filled in and names resolved, before
/// anything is concluded from it. References between objects are names, unique in the ecosystem. Sequences keep the
/// order of the text where order means something (columns, keys) and are sorted by name otherwise.
namespace yellow::model {

using base::SourceRange;

/// Who owns a document; `Default`/`Default` for documents directly under model/. The ecosystem's own: both empty.
struct Owner {
  std::string zone;
  std::string team;
  auto operator<=>(const Owner&) const = default;
};

/// A name as it stands in a document, with its place.
struct Name {
  std::string text;
  SourceRange where;
};

enum class Milestoning { kLive, kForensic };
enum class Priority { kLowest, kLow, kMedium, kHigh, kCritical };  ///< ordered: greater is more urgent

/// A schedule: five-field cron in a time zone (an IANA name).
struct Schedule {
  std::string cron;
  std::string timezone = "UTC";
  SourceRange where;
};

/// How long; from `90d`, `1h`, `30m`, `15s`.
struct Duration {
  int64_t seconds = 0;
  auto operator<=>(const Duration&) const = default;
};

/// A number of rows, or a percentage of the rows there were.
struct RowLimit {
  std::optional<int64_t> rows;
  std::optional<double> percent;  ///< 0 to 100
};

// ---- Datastores ----------------------------------------------------------------------------------------------------

struct Column {
  std::string name;
  DataType type;
  bool not_null = false;      ///< columns of the key are not null without saying so
  std::vector<Name> classes;  ///< `classification:`, one word or a list
  std::string from;           ///< name of the column at the source; equals `name` by default
  SourceRange where;
};

struct Dataset {
  std::string name;
  std::vector<Name> key;  ///< empty: rows are compared as multisets
  std::vector<Column> columns;
  std::string table;  ///< name of the table at the source; equals `name` by default
  bool deprecated = false;
  SourceRange where;

  const Column* FindColumn(const std::string& column) const {
    for (const Column& c : columns)
      if (c.name == column) return &c;
    return nullptr;
  }
};

enum class Consistency { kMultiDataset, kSingleDataset };

struct Guards {
  RowLimit max_deleted{std::nullopt, 50.0};  ///< applies from 100 deleted rows on
  std::vector<Name> may_become_empty;        ///< datasets
  std::optional<RowLimit> max_rejected;      ///< for on_bad_rows: quarantine
  bool may_go_back = false;                  ///< the source may be restored to what it was, or be another server
};
enum class OnBadRows { kHold, kQuarantine };

struct SqlSnapshot {
  Name container;
  Name credential;
  std::string schema = "public";
  Consistency consistency = Consistency::kMultiDataset;
  std::optional<Schedule> schedule;  ///< none: only when asked for, and once at first
  Guards guards;
  OnBadRows on_bad_rows = OnBadRows::kHold;
};

/// The output of a Workspace's DataTransformer. Always multi-dataset.
struct TransformerOutput {
  std::string workspace;
  Guards guards;
};

using Capture = std::variant<SqlSnapshot, TransformerOutput>;

struct Datastore {
  std::string name;
  Owner owner;
  bool production = false;  ///< of an output: its Workspace's
  Capture capture;
  std::vector<Dataset> datasets;  ///< sorted by name
  std::optional<Name> primary;    ///< the platform that ingests it; others mirror
  SourceRange where;

  const Dataset* FindDataset(const std::string& dataset) const {
    for (const Dataset& d : datasets)
      if (d.name == dataset) return &d;
    return nullptr;
  }
  bool multi_dataset() const {
    const auto* snapshot = std::get_if<SqlSnapshot>(&capture);
    return snapshot == nullptr || snapshot->consistency == Consistency::kMultiDataset;
  }
};

// ---- Workspaces ----------------------------------------------------------------------------------------------------

/// One dataset that a group uses. The loader keeps `Store.*` as dataset `*`; `ExpandSinks` resolves it.
struct DatasetSink {
  DatasetAddress dataset;
  bool reference = false;  ///< never triggers
  std::string alias;       ///< `as:`, a short view name
  bool deprecated_allowed = false;
  SourceRange where;
};

struct Requirements {
  std::optional<Milestoning> milestoning;
  std::optional<Name> platform;
};

struct DatasetGroup {
  std::string name;
  Requirements requirements;
  std::vector<DatasetSink> sinks;
  SourceRange where;
};

// What runs. One, or several that different launchers use.
struct SqlCode {
  std::string folder;
};  ///< relative to the project, one <dataset>.sql per output dataset
enum class MaskRuleKind { kKeep, kRedact, kNull, kYear, kLast, kPseudonym };
struct MaskRule {
  MaskRuleKind kind = MaskRuleKind::kKeep;
  int last = 0;        ///< for last<N>
  std::string reason;  ///< for keep
  SourceRange where;
};
struct MaskCode {
  /// dataset of the output -> column -> rule
  std::map<std::string, std::map<std::string, MaskRule>> rules;
  std::optional<Name> mask_key;  ///< credential for pseudonym
};
struct ProcessCode {
  std::string folder;  ///< relative to the project
  std::vector<std::string> command;
};
/// True for <registry>/<image>@sha256:<64 hexadecimal digits>.
inline bool IsPinned(std::string_view image) {
  constexpr std::string_view kDigest = "@sha256:";
  constexpr size_t kDigits = 64;
  const size_t at = image.find(kDigest);
  return at != std::string_view::npos && at > 0 && image.find_first_of(" ?&#%") == std::string_view::npos &&
         image.size() == at + kDigest.size() + kDigits &&
         image.find_first_not_of("0123456789abcdef", at + kDigest.size()) == std::string_view::npos;
}

struct ImageCode {
  std::string image;
  std::vector<std::string> command;  ///< instead of the image's own entry point
};

/// How much of a machine code in a container may use, and how much is set aside for it.
struct Resources {
  int64_t memory = int64_t{1} << 30;     ///< bytes; more is the end of it
  int64_t millicores = 1000;             ///< of a processor
  int64_t processes = 256;               ///< threads included
  int64_t scratch = int64_t{256} << 20;  ///< bytes in /tmp, which are memory too
  std::optional<int64_t> requested_memory, requested_millicores;
};

struct Code {
  std::optional<SqlCode> sql;
  std::optional<MaskCode> mask;
  std::optional<ProcessCode> process;
  std::optional<ImageCode> image;
  std::vector<std::string> arguments;              ///< after the command, or the image's entry point
  std::map<std::string, std::string> environment;  ///< plain values
  Resources resources;
  SourceRange where;
};

enum class TriggerKind { kAnyBatch, kAnyChange, kAllInputs, kCron };
struct Trigger {
  TriggerKind kind = TriggerKind::kAnyBatch;
  std::optional<Schedule> schedule;  ///< for kCron
};
enum class Mode { kFull, kIncremental };
enum class SnapshotUse { kOffered, kRequired };

struct Declassification {
  std::vector<Name> columns;  ///< `dataset.column`, `dataset.*`
  Name to;
  std::string reason;
  Name approved_by;
  SourceRange where;
};

struct DataTransformer {
  Code code;
  Trigger trigger;
  bool deterministic = false;  ///< default resolved: true for sql and mask
  Mode mode = Mode::kFull;
  Duration timeout{3600};
  Duration start_limit{300};
  int retries = 3;
  SnapshotUse snapshot = SnapshotUse::kOffered;
  std::optional<Name> platform;  ///< home, when it is named
  std::vector<Name> credentials;
  Name output;  ///< the output Datastore, which stands in Model::datastores too
  std::vector<Declassification> declassify;
  SourceRange where;
};

struct Workspace {
  std::string name;
  Owner owner;
  Priority priority = Priority::kLowest;
  bool production = false;
  std::optional<Name> container;     ///< absent: its platform's own
  std::vector<Name> readers;         ///< database roles
  std::vector<DatasetGroup> groups;  ///< sorted by name
  std::optional<DataTransformer> transformer;
  SourceRange where;
};

// ---- Owners and places ---------------------------------------------------------------------------------------------

struct VendorLocation {
  std::string vendor;
  std::string location;
  SourceRange where;
};  ///< `MyCorp:USA/NY_1`

struct DataContainer {
  std::string name;
  Owner owner;
  std::string database;  ///< of `postgres: {database: …}`
  std::vector<VendorLocation> locations;
  SourceRange where;
};

enum class CredentialType { kUserPassword, kToken, kSecretKey };
struct Credential {
  std::string name;
  Owner owner;
  CredentialType type = CredentialType::kUserPassword;
  SourceRange where;
};

struct DataPlatform {
  std::string name;
  Name container;
  std::vector<Milestoning> milestoning{Milestoning::kLive, Milestoning::kForensic};
  SourceRange where;
};

struct Vendor {
  std::string name;
  std::string cloud;
  std::vector<std::string> locations;
  SourceRange where;
};

struct Person {
  std::string name;
  std::vector<std::string> identities;
  std::vector<std::string> roles;
  Owner owner;
  SourceRange where;
};

/// `{allowed: […]}` or `{forbidden: […]}`; an absent list says nothing.
struct AllowList {
  std::vector<Name> allowed;
  std::vector<Name> forbidden;
};

struct Policies {
  AllowList classes, locations, platforms, vendors, clouds;
};

struct Team {
  std::string name;
  std::string zone;
  std::string repository;
  SourceRange where;
};

struct GovernanceZone {
  std::string name;
  std::string repository;
  Policies policies;
  SourceRange where;
  SourceRange document;  ///< where its own document is, if there is one
};

struct Retention {
  Duration control{int64_t{90} * 86400};
  Duration logs{int64_t{30} * 86400};
  std::optional<Duration> changes;
  std::optional<Duration> evidence;
};

struct Ecosystem {
  std::string name = "Default";
  std::string owning_repository;
  std::string live_repository;
  std::vector<Vendor> vendors;
  std::vector<Name> zones;  ///< those that it names; empty: every folder of model/zones/ is one
  std::vector<Name> extra_classes;
  std::vector<Name> restricted_classes{{"pii", {}}};
  Retention retention;
  SourceRange where;
};

// ---- Environments --------------------------------------------------------------------------------------------------

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

/// What somebody is told of: a batch that is held, a batch or run that has failed, a stream that is older than its
/// schedule says.
enum class NoticeEvent { kHeld, kFailed, kStale };
std::string_view Word(NoticeEvent event);  ///< "held", …

/// Who is told, as `notify:` of an environment says.
struct NoticeReceiver {
  std::string name;
  WebhookUrl webhook;
  std::vector<NoticeEvent> events{NoticeEvent::kHeld, NoticeEvent::kFailed, NoticeEvent::kStale};
  Duration stale_after{3600};  ///< after the tick of the schedule that was missed
  SourceRange where, webhook_where;

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
  SourceRange launcher_where, jobs_where, scheduler_where, role_prefix_where;
  std::optional<int> max_runs;  ///< limits.runs
  Duration retry{30};           ///< limits.retry: how long a fault that may pass by itself is waited for
  int max_jobs = 4;             ///< limits.jobs: batches and runs that serve has under way at once, a merge database
  int max_connections = 40;     ///< limits.connections: of all these jobs together
  std::vector<NoticeReceiver> receivers;  ///< notify
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

// ---- The whole -----------------------------------------------------------------------------------------------------

struct Model {
  Ecosystem ecosystem;
  std::vector<GovernanceZone> zones;  // all of these sorted by name
  std::vector<Team> teams;
  std::vector<Person> people;
  std::vector<DataContainer> containers;
  std::vector<Credential> credentials;
  std::vector<DataPlatform> platforms;
  std::vector<Datastore> datastores;  ///< outputs of transformers included
  std::vector<Workspace> workspaces;
  std::optional<Environment> environment;  ///< the one that was asked for

  const Datastore* FindDatastore(const std::string& name) const;
  const Workspace* FindWorkspace(const std::string& name) const;
  const DataPlatform* FindPlatform(const std::string& name) const;
  const DataContainer* FindContainer(const std::string& name) const;
  const Credential* FindCredential(const std::string& name) const;
  const Dataset* FindDataset(const DatasetAddress& address) const;
};

/// The sinks of a group with `Store.*` replaced by every dataset of the store, in the order of the text, a dataset
/// named twice kept once (a sink that names it wins over `*`). Stores that do not exist are left out.
std::vector<DatasetSink> ExpandSinks(const Model& model, const DatasetGroup& group);

/// True when `word` is `family` or a member of it: `pii.name` is in `pii`.
bool IsInClass(const std::string& word, const std::string& family);

/// The first class of the column that the ecosystem restricts, or nullptr.
const Name* RestrictedClass(const Ecosystem& ecosystem, const Column& column);

}  // namespace yellow::model
