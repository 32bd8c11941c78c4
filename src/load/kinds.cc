#include "load/shape.h"

// The fields of every kind of document (DESIGN 4): the one place that says which there are.
namespace yellow::load {
namespace {

using S = Shape::Scalar;

const Shape kText{"a text", S::kText, {}, nullptr, {}, nullptr};
const Shape kName{"a name", S::kText, {}, nullptr, {}, nullptr};
const Shape kBoolean{"true or false", S::kBoolean, {}, nullptr, {}, nullptr};
const Shape kInteger{"a whole number", S::kInteger, {}, nullptr, {}, nullptr};
const Shape kDuration{"a duration such as 90d, 1h, 30m, 15s", S::kText, {}, nullptr, {}, nullptr};
const Shape kRowLimit{"a number of rows or a percentage such as 20%", S::kText, {}, nullptr, {}, nullptr};
const Shape kNames{"a list of names", S::kNone, {}, &kName, {}, nullptr};
const Shape kTexts{"a list of texts", S::kNone, {}, &kText, {}, nullptr};
const Shape kNameOrNames{"a name or a list of names", S::kText, {}, &kName, {}, nullptr};

const Shape kSchedule{"a cron schedule, or {cron: …, timezone: …}",   S::kText, {}, nullptr,
                      {{"cron", &kText, true}, {"timezone", &kText}}, nullptr};
const Shape kGuards{"guards",
                    S::kNone,
                    {},
                    nullptr,
                    {{"max_deleted", &kRowLimit}, {"may_become_empty", &kNames}, {"max_rejected", &kRowLimit}},
                    nullptr};
const Shape kConsistency{"a consistency", S::kWord, {"multi_dataset", "single_dataset"}, nullptr, {}, nullptr};
const Shape kOnBadRows{"what happens to bad rows", S::kWord, {"hold", "quarantine"}, nullptr, {}, nullptr};
const Shape kSqlSnapshot{"the settings of sql_snapshot",
                         S::kNone,
                         {},
                         nullptr,
                         {{"container", &kName, true},
                          {"credential", &kName, true},
                          {"schema", &kText},
                          {"consistency", &kConsistency},
                          {"schedule", &kSchedule},
                          {"guards", &kGuards},
                          {"on_bad_rows", &kOnBadRows}},
                         nullptr};
const Shape kCapture{"a capture: {sql_snapshot: …}",    S::kNone, {},  nullptr,
                     {{"sql_snapshot", &kSqlSnapshot}}, nullptr,  true};
const Shape kColumn{
    "a type such as varchar(20) not null, or {type: …, classification: …, from: …}", S::kText, {}, nullptr,
    {{"type", &kText, true}, {"classification", &kNameOrNames}, {"from", &kText}},   nullptr};
const Shape kColumns{"columns by name", S::kNone, {}, nullptr, {}, &kColumn};
const Shape kDataset{
    "a dataset with key and columns",
    S::kNone,
    {},
    nullptr,
    {{"key", &kNameOrNames}, {"columns", &kColumns, true}, {"table", &kText}, {"deprecated", &kBoolean}},
    nullptr};
const Shape kDatasets{"datasets by name", S::kNone, {}, nullptr, {}, &kDataset};
const Shape kKind{"a kind", S::kText, {}, nullptr, {}, nullptr};
const Shape kDatastore{"a Datastore",
                       S::kNone,
                       {},
                       nullptr,
                       {{"kind", &kKind, true},
                        {"name", &kName, true},
                        {"production", &kBoolean},
                        {"capture", &kCapture, true},
                        {"datasets", &kDatasets, true},
                        {"primary", &kName}},
                       nullptr};

const Shape kSink{"Store.dataset, Store.*, or {dataset: …, reference: …, as: …, deprecated: …}",
                  S::kText,
                  {},
                  nullptr,
                  {{"dataset", &kText, true}, {"reference", &kBoolean}, {"as", &kName}, {"deprecated", &kText}},
                  nullptr};
const Shape kSinks{"a list of sinks", S::kNone, {}, &kSink, {}, nullptr};
const Shape kMilestoningWord{"a milestoning", S::kWord, {"live", "forensic"}, nullptr, {}, nullptr};
const Shape kRequires{"requirements", S::kNone, {}, nullptr, {{"milestoning", &kMilestoningWord}, {"platform", &kName}},
                      nullptr};
const Shape kGroup{"a group with sinks",
                   S::kNone,
                   {},
                   nullptr,
                   {{"requires", &kRequires}, {"platform", &kName}, {"sinks", &kSinks, true}},
                   nullptr};
const Shape kGroups{"groups by name", S::kNone, {}, nullptr, {}, &kGroup};
const Shape kMaskRule{"redact, null, year, last<N>, pseudonym, or {keep: reason}",
                      S::kText,
                      {},
                      nullptr,
                      {{"keep", &kText}},
                      nullptr,
                      true};
const Shape kMaskRules{"rules by column", S::kNone, {}, nullptr, {}, &kMaskRule};
const Shape kMask{"rules by dataset and column", S::kNone, {}, nullptr, {}, &kMaskRules};
const Shape kCode{"code: sql, mask, source with command, or image",
                  S::kNone,
                  {},
                  nullptr,
                  {{"image", &kText},
                   {"source", &kText},
                   {"command", &kTexts},
                   {"sql", &kText},
                   {"mask", &kMask},
                   {"mask_key", &kName}},
                  nullptr};
const Shape kTrigger{"any_batch, any_change, all_inputs or {cron: …}",
                     S::kWord,
                     {"any_batch", "any_change", "all_inputs"},
                     nullptr,
                     {{"cron", &kSchedule}},
                     nullptr,
                     true};
const Shape kMode{"a mode", S::kWord, {"full", "incremental"}, nullptr, {}, nullptr};
const Shape kSnapshotUse{"required or offered", S::kWord, {"offered", "required"}, nullptr, {}, nullptr};
const Shape kOutputDataset{"{like: Store.dataset, drop: […]}, or key and columns",
                           S::kNone,
                           {},
                           nullptr,
                           {{"like", &kText}, {"drop", &kNames}, {"key", &kNameOrNames}, {"columns", &kColumns}},
                           nullptr};
const Shape kOutputDatasets{"output datasets by name", S::kNone, {}, nullptr, {}, &kOutputDataset};
const Shape kDeclassification{
    "{columns: […], to: …, reason: …, approved_by: …}",
    S::kNone,
    {},
    nullptr,
    {{"columns", &kNames, true}, {"to", &kName, true}, {"reason", &kText, true}, {"approved_by", &kName, true}},
    nullptr};
const Shape kDeclassifications{"a list of declassifications", S::kNone, {}, &kDeclassification, {}, nullptr};
const Shape kOutput{"an output with datastore and datasets",
                    S::kNone,
                    {},
                    nullptr,
                    {{"datastore", &kName, true},
                     {"datasets", &kOutputDatasets, true},
                     {"declassify", &kDeclassifications},
                     {"guards", &kGuards}},
                    nullptr};
const Shape kTransformer{"a DataTransformer",
                         S::kNone,
                         {},
                         nullptr,
                         {{"code", &kCode, true},
                          {"trigger", &kTrigger},
                          {"deterministic", &kBoolean},
                          {"mode", &kMode},
                          {"timeout", &kDuration},
                          {"start_limit", &kDuration},
                          {"retries", &kInteger},
                          {"snapshot", &kSnapshotUse},
                          {"platform", &kName},
                          {"credentials", &kNames},
                          {"output", &kOutput, true}},
                         nullptr};
const Shape kPriority{"a priority", S::kWord, {"critical", "high", "medium", "low"}, nullptr, {}, nullptr};
const Shape kWorkspace{"a Workspace",
                       S::kNone,
                       {},
                       nullptr,
                       {{"kind", &kKind, true},
                        {"name", &kName, true},
                        {"priority", &kPriority},
                        {"container", &kName},
                        {"readers", &kNames},
                        {"groups", &kGroups, true},
                        {"transformer", &kTransformer}},
                       nullptr};

const Shape kPostgres{"{database: …}", S::kNone, {}, nullptr, {{"database", &kText, true}}, nullptr};
const Shape kContainer{"a container: {postgres: {database: …}, locations: […]}", S::kNone, {}, nullptr,
                       {{"postgres", &kPostgres, true}, {"locations", &kTexts}}, nullptr};
const Shape kContainers{"containers by name", S::kNone, {}, nullptr, {}, &kContainer};
const Shape kCredentialType{
    "a type of credential", S::kWord, {"user_password", "token", "secret_key"}, nullptr, {}, nullptr};
const Shape kCredential{"{type: user_password}", S::kNone, {}, nullptr, {{"type", &kCredentialType, true}}, nullptr};
const Shape kCredentials{"credentials by name", S::kNone, {}, nullptr, {}, &kCredential};
const Shape kMilestonings{"live, forensic or both", S::kNone, {}, &kMilestoningWord, {}, nullptr};
const Shape kPlatform{"a platform: {container: …}",
                      S::kNone,
                      {},
                      nullptr,
                      {{"container", &kName, true}, {"milestoning", &kMilestonings}},
                      nullptr};
const Shape kPlatforms{"platforms by name", S::kNone, {}, nullptr, {}, &kPlatform};
const Shape kVendor{
    "{cloud: …, locations: […]}", S::kNone, {}, nullptr, {{"cloud", &kText}, {"locations", &kTexts}}, nullptr};
const Shape kVendors{"vendors by name", S::kNone, {}, nullptr, {}, &kVendor};
const Shape kPerson{
    "{identities: […], roles: […]}", S::kNone, {}, nullptr, {{"identities", &kTexts}, {"roles", &kNames}}, nullptr};
const Shape kPeople{"people by name", S::kNone, {}, nullptr, {}, &kPerson};
const Shape kRetention{
    "retention times",
    S::kNone,
    {},
    nullptr,
    {{"control", &kDuration}, {"logs", &kDuration}, {"changes", &kDuration}, {"evidence", &kDuration}},
    nullptr};
const Shape kRepository{"{owning: …, live: …}", S::kNone, {}, nullptr, {{"owning", &kText}, {"live", &kText}}, nullptr};
const Shape kOwned{"{repository: …}", S::kNone, {}, nullptr, {{"repository", &kText}}, nullptr};
const Shape kOwneds{"by name, each {repository: …}", S::kNone, {}, nullptr, {}, &kOwned};
const Shape kClasses{
    "{add: […], restricted: […]}", S::kNone, {}, nullptr, {{"add", &kNames}, {"restricted", &kNames}}, nullptr};
const Shape kEcosystem{"an Ecosystem",
                       S::kNone,
                       {},
                       nullptr,
                       {{"kind", &kKind, true},
                        {"name", &kName, true},
                        {"repository", &kRepository},
                        {"vendors", &kVendors},
                        {"containers", &kContainers},
                        {"credentials", &kCredentials},
                        {"platforms", &kPlatforms},
                        {"people", &kPeople},
                        {"retention", &kRetention},
                        {"zones", &kOwneds},
                        {"classes", &kClasses}},
                       nullptr};
const Shape kAllow{"{allowed: […]} or {forbidden: […]}",           S::kNone, {}, nullptr,
                   {{"allowed", &kNames}, {"forbidden", &kNames}}, nullptr};
const Shape kPolicies{
    "policies",
    S::kNone,
    {},
    nullptr,
    {{"classes", &kAllow}, {"locations", &kAllow}, {"platforms", &kAllow}, {"vendors", &kAllow}, {"clouds", &kAllow}},
    nullptr};
const Shape kZone{"a GovernanceZone",
                  S::kNone,
                  {},
                  nullptr,
                  {{"kind", &kKind, true},
                   {"name", &kName, true},
                   {"policies", &kPolicies},
                   {"teams", &kOwneds},
                   {"containers", &kContainers},
                   {"credentials", &kCredentials},
                   {"people", &kPeople}},
                  nullptr};
const Shape kTeam{
    "a Team",
    S::kNone,
    {},
    nullptr,
    {{"kind", &kKind, true}, {"name", &kName, true}, {"containers", &kContainers}, {"credentials", &kCredentials}},
    nullptr};

const Shape kPort{"{port: …}", S::kNone, {}, nullptr, {{"port", &kInteger}}, nullptr};
const Shape kPlace{"embedded, {embedded: {port: …}} or {host: …, port: …}",
                   S::kWord,
                   {"embedded"},
                   nullptr,
                   {{"embedded", &kPort},
                    {"host", &kText},
                    {"port", &kInteger},
                    {"sslmode", &kText},
                    {"database", &kText},
                    {"ca", &kText}},
                   nullptr};
const Shape kPlaces{"places of containers by name", S::kNone, {}, nullptr, {}, &kPlace};
const Shape kSecretPlace{"{env: …}, {file: …}, {kubernetes: …} or {vault: …}",
                         S::kNone,
                         {},
                         nullptr,
                         {{"env", &kText}, {"file", &kText}, {"kubernetes", &kText}, {"vault", &kText}},
                         nullptr,
                         true};
const Shape kSecretPlaces{"places of credentials by name", S::kNone, {}, nullptr, {}, &kSecretPlace};
const Shape kImages{"images by name", S::kNone, {}, nullptr, {}, &kText};
const Shape kLauncher{"a launcher", S::kWord, {"process", "docker", "kubernetes"}, nullptr, {}, nullptr};
const Shape kScheduler{"a scheduler", S::kWord, {"yellow", "airflow"}, nullptr, {}, nullptr};
const Shape kLimits{"{runs: …, jobs: …, connections: …, retry: …}",
                    S::kNone,
                    {},
                    nullptr,
                    {{"runs", &kInteger}, {"retry", &kDuration}, {"jobs", &kInteger}, {"connections", &kInteger}},
                    nullptr};
const Shape kAllowed{"{allowed: […]}", S::kNone, {}, nullptr, {{"allowed", &kNames}}, nullptr};
const Shape kEnvironment{"an Environment",
                         S::kNone,
                         {},
                         nullptr,
                         {{"kind", &kKind, true},
                          {"name", &kName, true},
                          {"containers", &kPlaces},
                          {"credentials", &kSecretPlaces},
                          {"images", &kImages},
                          {"classes", &kAllowed},
                          {"launcher", &kLauncher},
                          {"scheduler", &kScheduler},
                          {"role_prefix", &kName},
                          {"limits", &kLimits}},
                         nullptr};

const std::pair<const char*, const Shape*> kKinds[] = {{"Datastore", &kDatastore}, {"Workspace", &kWorkspace},
                                                       {"Ecosystem", &kEcosystem}, {"GovernanceZone", &kZone},
                                                       {"Team", &kTeam},           {"Environment", &kEnvironment}};

}  // namespace

const Shape* ShapeOfKind(std::string_view kind) {
  for (const auto& [name, shape] : kKinds) {
    if (kind == name) return shape;
  }
  return nullptr;
}

std::vector<std::string> Kinds() {
  std::vector<std::string> names;
  for (const auto& entry : kKinds) names.emplace_back(entry.first);
  return names;
}

}  // namespace yellow::load
