#include "load/access_text.h"
#include "load/audit_text.h"
#include "load/notify_text.h"
#include "load/shape.h"

// The fields of every kind of document (DESIGN 4): the one place that says which there are, and what each is for.
namespace yellow::load {
namespace {

using S = Shape::Scalar;

Field Required(std::string name, const Shape& shape, std::string about) {
  return {std::move(name), &shape, std::move(about), true};
}
Field Optional(std::string name, const Shape& shape, std::string about) {
  return {std::move(name), &shape, std::move(about), false};
}

constexpr int kHighestPort = 65535;

// ---- Values ---------------------------------------------------------------------------------------------------------

const Shape kText{.what = "a text", .scalar = S::kText};
const Shape kName{.what = "a name", .scalar = S::kText, .pattern = "^(?=.{1,60}$)[A-Za-z](_?[A-Za-z0-9])*$"};
const Shape kReference{.what = "a name", .scalar = S::kText};
const Shape kBoolean{.what = "true or false", .scalar = S::kBoolean};
const Shape kCount{.what = "a whole number, 0 or more", .scalar = S::kInteger, .least = 0};
const Shape kPositive{.what = "a whole number, 1 or more", .scalar = S::kInteger, .least = 1};
const Shape kPort{.what = "a port, 1 to 65535", .scalar = S::kInteger, .least = 1, .most = kHighestPort};
const Shape kDuration{
    .what = "a duration such as 90d, 1h, 30m, 15s", .scalar = S::kText, .pattern = "^[0-9]+([.][0-9]+)?[smhd]$"};
const Shape kRowLimit{.what = "a number of rows or a percentage such as 20%",
                      .scalar = S::kText,
                      .pattern = "^([0-9]+|[0-9]+([.][0-9]+)?%)$",
                      .also_number = true};
const Shape kAddress{.what = "Store.dataset", .scalar = S::kText, .pattern = "^[^.]+[.][^.]+$"};
const Shape kReferences{.what = "a list of names", .items = &kReference};
const Shape kTexts{.what = "a list of texts", .items = &kText};
const Shape kReferenceOrList{.what = "a name or a list of names", .scalar = S::kText, .items = &kReference};
const Shape kKind{.what = "a kind", .scalar = S::kText};

Field KindField() { return Required("kind", kKind, "What this document declares."); }
Field NameField(std::string about) { return Required("name", kName, std::move(about)); }

// ---- Datastores -----------------------------------------------------------------------------------------------------

const Shape kSchedule{
    .what = "a cron schedule, or {cron: …, timezone: …}",
    .scalar = S::kText,
    .fields = {
        Required("cron", kText,
                 "Five fields, minute hour day-of-month month day-of-week, as in crontab(5); or @hourly, @daily, "
                 "@weekly, @monthly, @yearly."),
        Optional("timezone", kText, "An IANA time zone such as Europe/Paris; UTC by default.")}};
const Shape kGuards{
    .what = "guards",
    .fields = {
        Optional("max_deleted", kRowLimit,
                 "How many rows of a dataset one batch may delete before it is held; 50% by default, and never fewer "
                 "than 100 rows."),
        Optional("may_become_empty", kReferences,
                 "Datasets that may lose their last row; others are held when they had rows and now have none."),
        Optional("max_rejected", kRowLimit,
                 "With on_bad_rows: quarantine, how many rows one batch may set aside before it is held."),
        Optional("may_go_back", kBoolean,
                 "true: the source may be restored from a backup, or made anew, and is read as it is then. Otherwise "
                 "such a batch is held until someone accepts it.")}};
const Shape kConsistency{.what = "a consistency", .scalar = S::kWord, .words = {"multi_dataset", "single_dataset"}};
const Shape kOnBadRows{.what = "what happens to bad rows", .scalar = S::kWord, .words = {"hold", "quarantine"}};
const Shape kSqlSnapshot{
    .what = "the settings of sql_snapshot",
    .fields = {
        Required("container", kReference, "The DataContainer that is read."),
        Required("credential", kReference, "The Credential to read it with."),
        Optional("schema", kText, "Schema of the source's tables; public by default."),
        Optional(
            "consistency", kConsistency,
            "multi_dataset (default): all datasets of a batch come from one snapshot. single_dataset: each dataset "
            "has batches of its own."),
        Optional("schedule", kSchedule,
                 "When the source is read; without one, once, and then when it is asked for with yellow run."),
        Optional("guards", kGuards, "What looks like an accident and is held until someone accepts it."),
        Optional("on_bad_rows", kOnBadRows,
                 "hold (default): a row that cannot be right holds the batch. quarantine: it is set aside, up to "
                 "guards.max_rejected.")}};
const Shape kCapture{
    .what = "a capture: {sql_snapshot: …}",
    .fields = {Optional("sql_snapshot", kSqlSnapshot,
                        "Each batch reads the whole of the tables, in one snapshot of the source, and the changes are "
                        "found by comparison.")},
    .one_of_fields = true,
    .choice = "capture kind"};
const Shape kColumn{
    .what = "a type such as varchar(20) not null, or {type: …, classification: …, from: …}",
    .scalar = S::kText,
    .fields = {
        Required("type", kText,
                 "A type of PostgreSQL, with not null behind it where that holds; columns of the key are not null "
                 "without saying so."),
        Optional("classification", kReferenceOrList,
                 "The class or classes of what the column holds, such as pii.name."),
        Optional("from", kText, "The column's name at the source, where it differs.")}};
const Shape kColumns{.what = "columns by name", .values = &kColumn, .keys = &kName};
const Shape kDataset{
    .what = "a dataset with key and columns",
    .fields = {
        Optional("key", kReferenceOrList,
                 "The columns that tell rows apart. Without a key, rows are compared as a whole and kept live only."),
        Required("columns", kColumns, "The columns, in the order of the table; a column that is not here is not read."),
        Optional("table", kText, "The table's name at the source, where it differs."),
        Optional("deprecated", kBoolean, "true: whoever uses it must say deprecated: allowed.")}};
const Shape kDatasets{.what = "datasets by name", .values = &kDataset, .keys = &kName};
const Shape kDatastore{
    .what = "a Datastore",
    .fields = {
        KindField(), NameField("Unique among Datastores, whatever its case; does not begin with dt_."),
        Optional("production", kBoolean,
                 "true: what it holds is production data. A Workspace that is production uses such stores only."),
        Required("capture", kCapture, "How its data is read."), Required("datasets", kDatasets, "Its tables."),
        Optional("primary", kReference, "The DataPlatform that reads it; others would copy from there.")}};

// ---- Workspaces -----------------------------------------------------------------------------------------------------

const Shape kDeprecatedUse{.what = "the word allowed", .scalar = S::kWord, .words = {"allowed"}};
const Shape kSink{
    .what = "Store.dataset, Store.*, or {dataset: …, reference: …, as: …, deprecated: …}",
    .scalar = S::kText,
    .pattern = "^[^.]+[.][^.]+$",
    .fields = {Required("dataset", kAddress, "Store.dataset, or Store.* for every dataset, now and later."),
               Optional("reference", kBoolean, "true: a new batch of it never starts the transformer."),
               Optional("as", kName, "A short name for one more view of it."),
               Optional("deprecated", kDeprecatedUse, "allowed: it is used although its producer deprecates it.")}};
const Shape kSinks{.what = "a list of sinks", .items = &kSink};
const Shape kMilestoning{.what = "a milestoning", .scalar = S::kWord, .words = {"live", "forensic"}};
const Shape kRequires{
    .what = "requirements",
    .fields = {Optional("milestoning", kMilestoning, "live: rows as they are. forensic: every version of every row."),
               Optional("platform", kReference, "The DataPlatform, where several would do.")}};
const Shape kGroup{.what = "a group with sinks",
                   .fields = {Optional("requires", kRequires, "What all sinks of the group need."),
                              Required("sinks", kSinks, "The datasets it uses.")}};
const Shape kGroups{.what = "groups by name", .values = &kGroup, .keys = &kName};
const Shape kMaskRule{.what = "redact, null, year, last<N>, pseudonym, or {keep: reason}",
                      .scalar = S::kText,
                      .pattern = "^(redact|null|year|last[1-9][0-9]?|pseudonym)$",
                      .also_null = true,
                      .fields = {Optional("keep", kText, "The value stays; this says why that is right.")},
                      .one_of_fields = true};
const Shape kMaskRules{.what = "rules by column", .values = &kMaskRule};
const Shape kMask{.what = "rules by dataset and column", .values = &kMaskRules};
const Shape kPlainVariables{.what = "values by variable", .values = &kText};
const Shape kQuantity{.what = "a quantity such as 512Mi or 500m",
                      .scalar = S::kText,
                      .pattern = "^[0-9]+([.][0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$",
                      .also_number = true};
const Shape kLimitsOfCode{
    .what = "{cpu: …, memory: …, processes: …, tmp: …}",
    .fields = {Optional("cpu", kQuantity, "Processors: 2, 0.5 or 500m; 1 by default."),
               Optional("memory", kQuantity, "Bytes: 512Mi, 2Gi; 1Gi by default. Code that takes more is ended."),
               Optional("processes", kPositive, "Processes and threads at once; 256 by default."),
               Optional("tmp", kQuantity, "Bytes in /tmp, the only folder it can write to; 256Mi by default.")}};
const Shape kRequestsOfCode{.what = "{cpu: …, memory: …}",
                            .fields = {Optional("cpu", kQuantity, "Processors that are set aside for it."),
                                       Optional("memory", kQuantity, "Bytes that are set aside for it.")}};
const Shape kResources{
    .what = "{limits: …, requests: …}",
    .fields = {Optional("limits", kLimitsOfCode, "What it may use at most."),
               Optional("requests", kRequestsOfCode, "What it gets even where others want it; nothing by default.")}};
const Shape kCode{
    .what = "code: sql, mask, source with command, or image",
    .fields = {
        Optional("image", kText,
                 "A container image, by the name that the environment maps to a digest, or by a digest itself. For the "
                 "launchers docker and kubernetes."),
        Optional("source", kText, "A folder beside this file with the code. For the launcher process; needs command."),
        Optional("command", kTexts, "What is run, in the folder or the image; the image's own entry point by default."),
        Optional("arguments", kTexts, "What follows the command, or the image's own entry point."),
        Optional(
            "environment", kPlainVariables,
            "Further variables for source and image. No secrets: credentials has those. Names that begin with PG or "
            "YELLOW_ are Yellow's."),
        Optional("resources", kResources, "How much an image may use where it runs."),
        Optional("sql", kText,
                 "A folder beside this file with one file <dataset>.sql, exactly one SELECT, for each output dataset."),
        Optional("mask", kMask,
                 "Masking without code: a rule for each column of each output dataset; every restricted column needs "
                 "one. redact, null, year, last<N>, pseudonym, or {keep: reason}."),
        Optional("mask_key", kReference, "The Credential whose secret keys pseudonyms, the same in all tables.")}};
const Shape kTrigger{.what = "any_batch, any_change, all_inputs or {cron: …}",
                     .scalar = S::kWord,
                     .words = {"any_batch", "any_change", "all_inputs"},
                     .fields = {Optional("cron", kSchedule, "At these times, whether or not there is anything new.")},
                     .one_of_fields = true};
const Shape kMode{.what = "a mode", .scalar = S::kWord, .words = {"full", "incremental"}};
const Shape kSnapshotUse{.what = "required or offered", .scalar = S::kWord, .words = {"offered", "required"}};
const Shape kOutputDataset{.what = "{like: Store.dataset, drop: […]}, or key and columns",
                           .fields = {Optional("like", kAddress, "The dataset whose key and columns it has."),
                                      Optional("drop", kReferences, "Columns that it has not."),
                                      Optional("key", kReferenceOrList, "The columns that tell rows apart."),
                                      Optional("columns", kColumns, "Its columns in full.")}};
const Shape kOutputDatasets{.what = "output datasets by name", .values = &kOutputDataset, .keys = &kName};
const Shape kDeclassification{
    .what = "{columns: […], to: …, reason: …, approved_by: …}",
    .fields = {Required("columns", kReferences, "dataset.column, or dataset.* for all of a dataset."),
               Required("to", kReference, "The class that they have in the output."),
               Required("reason", kText, "Why that is right."),
               Required("approved_by", kReference, "The person who answers for it.")}};
const Shape kDeclassifications{.what = "a list of declassifications", .items = &kDeclassification};
const Shape kOutput{
    .what = "an output with datastore and datasets",
    .fields = {Required("datastore", kName, "Name of the Datastore that the transformer writes."),
               Required("datasets", kOutputDatasets, "Its tables: like another dataset, or with columns of their own."),
               Optional("declassify", kDeclassifications, "Columns whose class is another in the output."),
               Optional("guards", kGuards, "What looks like an accident and is held until someone accepts it.")}};
const Shape kTransformer{
    .what = "a DataTransformer",
    .fields = {
        Required("code", kCode, "What runs: sql or mask inside Yellow, source or image under a launcher."),
        Optional("trigger", kTrigger,
                 "any_batch (default): an input has a new batch. any_change: one that changed something. all_inputs: "
                 "every input has a new batch. {cron: …}: at these times."),
        Optional("deterministic", kBoolean,
                 "true: unchanged inputs need no run. Default for sql and mask; false otherwise."),
        Optional("mode", kMode,
                 "full (default): each run writes the whole output. incremental: it reads and writes changes."),
        Optional("timeout", kDuration, "How long a run may take; 1h by default."),
        Optional("start_limit", kDuration, "How long it may take to start; 5m by default."),
        Optional("retries", kCount, "How often a failed run is tried again by itself; 3 by default."),
        Optional("snapshot", kSnapshotUse,
                 "required: the code is sure to find YELLOW_SNAPSHOT, and a run without it is lost. offered by "
                 "default."),
        Optional("platform", kReference, "Its home, where several DataPlatforms would do."),
        Optional("credentials", kReferences, "Further Credentials that the code gets in its environment."),
        Required("output", kOutput, "The one Datastore that it writes.")}};
const Shape kPriority{.what = "a priority", .scalar = S::kWord, .words = {"critical", "high", "medium", "low"}};
const Shape kWorkspace{
    .what = "a Workspace",
    .fields = {
        KindField(), NameField("Unique among Workspaces, whatever its case; its transformer is called the same."),
        Optional("priority", kPriority,
                 "critical, high, medium or low; lowest by default. What it depends on has at least this priority."),
        Optional("production", kBoolean, "true: it uses production Datastores only, and its output is one."),
        Optional("container", kReference, "Where its views are; the container of its platform by default."),
        Optional("readers", kReferences,
                 "Roles of the database, which its owner manages, that may read the views. Not where a restricted "
                 "column can be seen."),
        Required("groups", kGroups, "What it uses, in groups that share requirements."),
        Optional("transformer", kTransformer, "Code that turns what it uses into one Datastore.")}};

// ---- Owners ---------------------------------------------------------------------------------------------------------

const Shape kPostgres{.what = "{database: …}", .fields = {Required("database", kText, "Name of the database.")}};
const Shape kContainer{
    .what = "a container: {postgres: {database: …}, locations: […]}",
    .fields = {Required("postgres", kPostgres, "A PostgreSQL database; the environment says on which server."),
               Optional("locations", kTexts, "Where it is, each as Vendor:Location.")},
    .choice = "container kind"};
const Shape kContainers{.what = "containers by name", .values = &kContainer, .keys = &kName};
const Shape kCredentialType{
    .what = "a type of credential", .scalar = S::kWord, .words = {"user_password", "token", "secret_key"}};
const Shape kCredential{
    .what = "{type: user_password}",
    .fields = {Required("type", kCredentialType, "What the secret consists of; the environment says where it is.")}};
const Shape kCredentials{.what = "credentials by name", .values = &kCredential, .keys = &kName};
const Shape kMilestonings{.what = "live, forensic or both", .items = &kMilestoning};
const Shape kPlatform{.what = "a platform: {container: …}",
                      .fields = {Required("container", kReference, "Its merge database, a container of the ecosystem."),
                                 Optional("milestoning", kMilestonings, "What it offers; both by default.")}};
const Shape kPlatforms{.what = "platforms by name", .values = &kPlatform, .keys = &kName};
const Shape kVendor{.what = "{cloud: …, locations: […]}",
                    .fields = {Optional("cloud", kText, "Its kind of cloud, for policies."),
                               Optional("locations", kTexts, "Its locations; a / stands between an area and a part.")}};
const Shape kVendors{.what = "vendors by name", .values = &kVendor, .keys = &kName};
const Shape kReviewKey{.what = "a public key as yellow access keygen prints it",
                       .scalar = S::kText,
                       .pattern = "^yellow-review-1:[A-Za-z0-9+/]{43}=$"};
const Shape kPerson{
    .what = "{identities: […], roles: […]}",
    .fields = {Optional("identities", kTexts,
                        "Who that is to the system: os:name, oidc:address; ticket:name to the ticket system, where "
                        "that knows the person by another name."),
               Optional("roles", kReferences,
                        "What the person may do: devops may ask for access, senior_devops approve and review it too."),
               Optional("review_key", kReviewKey, "Recordings that the person may review are sealed to this key.")}};
const Shape kPeople{.what = "people by name", .values = &kPerson, .keys = &kName};
const Shape kScope{
    .what = "{longest: …, approvers: …}",
    .fields = {Optional("longest", kDuration, "For how long it may be had at most; 4h by default."),
               Optional("approvers", kPositive, "How many have to approve it; 1 by default, 2 and no fewer for op:…."),
               Optional("role", kText, "Of kubernetes:<namespace>: the ClusterRole that is bound there for a while."),
               Optional("folders", kTexts, "Of shell: folders that it reads besides the system's.")}};
const Shape kScopes{.what = "scopes such as dt_write:MaskShop", .values = &kScope};
const Shape kRetention{
    .what = "retention times",
    .fields = {Optional("control", kDuration, "Batches, runs and events; 90d by default."),
               Optional("logs", kDuration, "What code has printed; 30d by default."),
               Optional("changes", kDuration, "Changes that an incremental reader has not consumed."),
               Optional("evidence", kDuration, "Recordings and statements of temporary access.")}};
const Shape kRepository{.what = "{owning: …, live: …}",
                        .fields = {Optional("owning", kText, "The repository and branch of the ecosystem's owners."),
                                   Optional("live", kText, "The one whose content is deployed.")}};
const Shape kOwned{.what = "{repository: …}",
                   .fields = {Optional("repository", kText, "The repository and branch that may change its part.")}};
const Shape kOwneds{.what = "by name, each {repository: …}", .values = &kOwned, .keys = &kName};
const Shape kClasses{
    .what = "{add: […], restricted: […]}",
    .fields = {Optional("add", kReferences, "Classes that the ecosystem has besides the built-in ones."),
               Optional("restricted", kReferences, "Families that no standing reader may see; pii by default.")}};
const Shape kEcosystem{
    .what = "an Ecosystem",
    .fields = {KindField(), NameField("Name of the whole."),
               Optional("repository", kRepository, "Who owns the ecosystem's documents, and what is live."),
               Optional("vendors", kVendors, "Whose machines there are; without them there is no policy on locations."),
               Optional("containers", kContainers, "Containers that everyone may use."),
               Optional("credentials", kCredentials, "Credentials that everyone may use."),
               Optional("platforms", kPlatforms,
                        "What realises the model; without any there is Main, on the container MergeDB."),
               Optional("people", kPeople, "Who may approve what."),
               Optional("scopes", kScopes,
                        "What people may ask for: dt_write:<Workspace> and dt_read:<Workspace>, the outputs of its "
                        "transformer; ws_read:<Workspace>, what it sees; stage_read:<Datastore>, what was staged of it "
                        "and set aside; op:reingest:<Workspace>, to take its outputs as they stand; "
                        "op:erase:<Datastore>, to remove a row wherever it is kept; kubernetes:<namespace>; shell."),
               Optional("retention", kRetention, "How long things are kept that no one asks for."),
               Optional("zones", kOwneds, "The GovernanceZones and their repositories."),
               Optional("classes", kClasses, "Classes of data.")}};
const Shape kAllow{.what = "{allowed: […]} or {forbidden: […]}",
                   .fields = {Optional("allowed", kReferences, "These, and what lies below them, and nothing else."),
                              Optional("forbidden", kReferences, "Not these, nor what lies below them.")}};
const Shape kPolicies{
    .what = "policies",
    .fields = {Optional("classes", kAllow, "Classes of data in the zone's Datastores; a family covers its members."),
               Optional("locations", kAllow, "Vendor:Location of containers; an area covers what lies below."),
               Optional("platforms", kAllow, "DataPlatforms of the zone's Workspaces."),
               Optional("vendors", kAllow, "Vendors of containers."),
               Optional("clouds", kAllow, "Kinds of cloud of containers.")}};
const Shape kZone{.what = "a GovernanceZone",
                  .fields = {KindField(), NameField("The same as its folder, model/zones/<name>/."),
                             Optional("policies", kPolicies, "What the zone's teams may use."),
                             Optional("teams", kOwneds, "The zone's Teams and their repositories."),
                             Optional("containers", kContainers, "Containers that the zone's teams may use."),
                             Optional("credentials", kCredentials, "Credentials that the zone's teams may use."),
                             Optional("people", kPeople, "Who may approve what in the zone."),
                             Optional("scopes", kScopes, "What people may ask for in the zone.")}};
const Shape kTeam{.what = "a Team",
                  .fields = {KindField(), NameField("The same as its folder, model/zones/<zone>/<name>/."),
                             Optional("containers", kContainers, "Containers that only this team may use."),
                             Optional("credentials", kCredentials, "Credentials that only this team may use.")}};

// ---- Environments ---------------------------------------------------------------------------------------------------

const Shape kEmbedded{.what = "{port: …}",
                      .fields = {Optional("port", kPort, "Also listen here on loopback, beside the socket.")}};
const Shape kSslMode{.what = "an sslmode of PostgreSQL",
                     .scalar = S::kWord,
                     .words = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}};
const Shape kPlace{
    .what = "embedded, {embedded: {port: …}} or {host: …, port: …}",
    .scalar = S::kWord,
    .words = {"embedded"},
    .fields = {Optional("embedded", kEmbedded, "A database in the private PostgreSQL that Yellow starts."),
               Optional("host", kText, "Name or address of a server."),
               Optional("port", kPort, "Its port; 5432 by default."),
               Optional("sslmode", kSslMode, "How the connection is protected; prefer by default."),
               Optional("database", kText, "The database's name here, where it differs from the container's."),
               Optional("ca", kText, "A file of certificates that are trusted, relative to the project.")}};
const Shape kPlaces{.what = "places of containers by name", .values = &kPlace};
const Shape kSecretPlace{
    .what = "{env: …}, {file: …}, {kubernetes: …} or {vault: …}",
    .fields =
        {Optional("env", kText, "The variables <env>_USER, <env>_PASSWORD, <env>_TOKEN."),
         Optional("file", kText,
                  "A file with user:password on its first line, or a folder with username, password, token; "
                  "relative to the project."),
         Optional(
             "kubernetes", kText,
             "Name of a Secret with username and password, or token; mounted where yellow render kubernetes says."),
         Optional("vault", kText,
                  "A secret of a HashiCorp Vault or an OpenBao, by its path behind /v1/, with the fields username and "
                  "password, or token; VAULT_ADDR and VAULT_TOKEN or VAULT_TOKEN_FILE say where and who asks.")},
    .one_of_fields = true,
    .choice = "place of a secret"};
const Shape kSecretPlaces{.what = "places of credentials by name", .values = &kSecretPlace};
const Shape kImages{.what = "images by name", .values = &kText};
const Shape kDocker{
    .what = "{socket: …, network: …, pull: …}",
    .fields = {Optional("socket", kText, "The unix socket of the engine; /var/run/docker.sock by default."),
               Optional("network", kText,
                        "The engine's network that code is in; none by default, which suffices where the database is "
                        "reached through a unix socket."),
               Optional("pull", kReference, "The Credential with which images are pulled from their registry.")}};
const Shape kLabelValues{.what = "label values by name", .values = &kText};
const Shape kTaintEffect{.what = "NoSchedule, PreferNoSchedule or NoExecute",
                         .scalar = S::kWord,
                         .words = {"NoSchedule", "PreferNoSchedule", "NoExecute"}};
const Shape kToleration{
    .what = "{key: …, value: …, effect: …, seconds: …}",
    .fields = {
        Optional("key", kText, "The taint's key; any taint by default."),
        Optional("value", kText, "The taint's value; any by default."),
        Optional("effect", kTaintEffect, "The taint's effect; any by default."),
        Optional("seconds", kCount, "How long a pod stays on a node that gets the taint; for ever by default.")}};
const Shape kTolerations{.what = "a list of tolerations", .items = &kToleration};
const Shape kKubernetes{
    .what = "{namespace: …, kubeconfig: …, context: …, …}",
    .fields = {
        Optional(
            "namespace", kText,
            "Where the Jobs are made; by default that of the kubeconfig's context, or of the pod that Yellow is in."),
        Optional("kubeconfig", kText,
                 "The whole path of a kubeconfig. By default $KUBECONFIG; else the service account of the pod that "
                 "Yellow is in; else ~/.kube/config."),
        Optional("context", kText, "A context of the kubeconfig; its current one by default."),
        Optional("pull", kTexts,
                 "Secrets of the namespace with logins of registries, of type kubernetes.io/dockerconfigjson."),
        Optional("node_selector", kLabelValues, "Labels that a node has on which code may run."),
        Optional("tolerations", kTolerations, "Taints of nodes on which code may run all the same."),
        Optional("labels", kLabelValues, "Further labels of the Jobs and their pods."),
        Optional(
            "database_networks", kTexts,
            "Networks such as 10.20.0.0/16 where databases are that have a name: render kubernetes lets code reach "
            "these and no others.")}};
const Shape kLauncher{
    .what = "process, docker, kubernetes, {docker: …} or {kubernetes: …}",
    .scalar = S::kWord,
    .words = {"process", "docker", "kubernetes"},
    .fields = {Optional("docker", kDocker,
                        "Code is an image, run by an engine on this machine that answers the Docker API: "
                        "Docker, or Podman's service."),
               Optional(
                   "kubernetes", kKubernetes,
                   "Code is an image, run by a cluster: each run is a Job with a pod of the standard restricted.")},
    .one_of_fields = true};
const Shape kJobs{.what = "process or kubernetes", .scalar = S::kWord, .words = {"process", "kubernetes"}};
const Shape kScheduler{.what = "a scheduler", .scalar = S::kWord, .words = {"yellow", "airflow"}};
const Shape kLimits{
    .what = "{runs: …, jobs: …, connections: …, retry: …}",
    .fields = {
        Optional("runs", kPositive, "How many runs may be open at once."),
        Optional("retry", kDuration, "How long a fault that may pass by itself is waited for; 30s by default."),
        Optional("jobs", kPositive, "How many batches and runs serve has under way at once; 4 by default."),
        Optional("connections", kPositive, "How many connections all these jobs have together; 40 by default.")}};
const Shape kNoticeEvent{
    .what = "held, failed, stale or access", .scalar = S::kWord, .words = {"held", "failed", "stale", "access"}};
const Shape kNoticeEvents{.what = "a list of held, failed, stale, access", .items = &kNoticeEvent};
const Shape kReceiver{
    .what = "{webhook: …, events: …, stale_after: …} or {mail: …, …}",
    .fields = {
        Optional("webhook", WebhookShape(), "Where messages are posted, as JSON."),
        Optional("mail", MailShape(), "To whom they are sent by mail, instead."),
        Optional(
            "events", kNoticeEvents,
            "held: a batch waits for somebody. failed: a batch or run has. stale: a store is older than its "
            "schedule says. access: somebody is let in in an emergency, or a review of access is overdue. All four "
            "by default; each is told once, and once when it is over."),
        Optional("stale_after", kDuration,
                 "How long after the tick of its schedule that it has missed a store is stale; 1h by default.")}};
const Shape kReceivers{.what = "receivers by name", .values = &kReceiver, .keys = &kName};
const Shape kAllowed{.what = "{allowed: […]}",
                     .fields = {Optional("allowed", kReferences, "Restricted classes that may enter here.")}};
const Shape kEnvironment{
    .what = "an Environment",
    .fields = {
        KindField(), NameField("The same as its file or folder, environments/<name>."),
        Optional("containers", kPlaces, "Where each container is."),
        Optional("credentials", kSecretPlaces, "Where each secret is."),
        Optional("images", kImages, "The digest of each image."), Optional("classes", kAllowed, "What may enter here."),
        Optional("launcher", kLauncher, "How code is started; process by default."),
        Optional("jobs", kJobs,
                 "Where serve carries out what it decides: itself (process, the default), or each in a pod of "
                 "its own cluster (kubernetes)."),
        Optional("scheduler", kScheduler, "Who starts what is due; yellow by default."),
        Optional("role_prefix", kReference, "What the names of Yellow's roles begin with; yellow by default."),
        Optional("limits", kLimits, "How much at once, and how patiently."),
        Optional("notify", kReceivers, "Who is told that something is held, has failed or is stale."),
        Optional("tickets", TicketsShape(), "Where a ticket is looked up that somebody asks for access with."),
        Optional("access", AccessShape(), "Where people call for access over TCP, known by tokens of an issuer."),
        Optional("audit", AuditShape(), "Where the end of the audit log is noted besides.")}};

}  // namespace

const std::vector<KindShape>& KindShapes() {
  static const std::vector<KindShape> kKinds{
      {"Datastore", &kDatastore,
       "A producer's named group of tables: where they are, how they are read, what they hold."},
      {"Workspace", &kWorkspace, "A consumer: what it uses, and the code, if any, that makes one Datastore of it."},
      {"Ecosystem", &kEcosystem, "The whole model: what is shared, and who owns which part. There is at most one."},
      {"GovernanceZone", &kZone, "A part of the ecosystem with policies of its own."},
      {"Team", &kTeam, "The owner of the documents in one folder."},
      {"Environment", &kEnvironment, "Where containers, secrets and jobs really are; one file or folder a place."}};
  return kKinds;
}

const Shape* ShapeOfKind(std::string_view kind) {
  for (const KindShape& known : KindShapes()) {
    if (kind == known.name) return known.shape;
  }
  return nullptr;
}

std::vector<std::string> Kinds() {
  std::vector<std::string> names;
  for (const KindShape& known : KindShapes()) names.push_back(known.name);
  return names;
}

}  // namespace yellow::load
