#include "check/explain.h"

namespace yellow::check {
namespace {

struct Entry {
  const char* code;
  const char* text;
};

constexpr Entry kEntries[] = {
    {"Y101",
     "The text is not YAML. The place is where the parser gave up; the mistake is there or just before it: "
     "indentation, an open quote or bracket, a tab."},
    {"Y102",
     "Anchors, aliases, tags, merge keys and complex keys are not part of the model language: there is one way to say "
     "a thing, and a reader sees each value where it is used."},
    {"Y103",
     "A key stands twice in one mapping. YAML readers keep one of the two silently; Yellow does not choose for you."},
    {"Y104", "The document is nested deeper than 64 levels."},
    {"Y201", "This kind of document has no such key. The nearest known key is suggested."},
    {"Y202", "A required key or value is missing."},
    {"Y203", "The value has the wrong kind: a list where a single value is wanted, or the like."},
    {"Y204",
     "The value is not one of the words, or not a number or boolean, that this key takes. Booleans are true and false "
     "only."},
    {"Y205", "Inside { } a comma ends a value, so numeric(10,2) is cut in two. Quotes around the type keep it whole."},
    {"Y206", "This is a closed choice: exactly one of its keys must stand here."},
    {"Y207",
     "A duration is a number and a unit (15s, 30m, 1h, 90d); a limit of rows is a number or a percentage; a quantity "
     "is a number, with a unit such as m, Mi or Gi."},
    {"Y208",
     "A schedule is a five-field cron expression, optionally with an IANA time zone: {cron: \"0 6 * * *\", timezone: "
     "Europe/Paris}."},
    {"Y209",
     "The type of a column is one of PostgreSQL's. Enums, citext, inet, domains and the like are declared, and "
     "carried, as text."},
    {"Y210", "A location is written Vendor:Location, as in MyCorp:USA/NY_1."},
    {"Y211", "A dataset is addressed as Store.dataset; Store.* is every dataset, now and later."},
    {"Y212", "A mask rule is redact, null, year, last<N>, pseudonym, or {keep: reason}."},
    {"Y213", "Code lies in a folder beside the document that names it, so that its owner owns the code too."},
    {"Y214", "The environment maps each image to the digest that runs here; a tag can be moved, a digest cannot."},
    {"Y215", "environment: of code has plain variables. Those of PostgreSQL and of Yellow itself are not for it."},
    {"Y216", "resources: of code says how much it may use (limits) and how much is set aside for it (requests)."},
    {"Y217", "Labels, tolerations and networks of launcher: {kubernetes: …} are what Kubernetes takes for such."},
    {"Y301",
     "Two documents declare the same name. Stores, workspaces, platforms and containers have names unique in the "
     "ecosystem."},
    {"Y302",
     "The folder layout is the ownership: model/zones/<zone>/<team>/. A document's folder, kind and name must agree."},
    {"Y303", "The model names something that it does not declare."},
    {"Y401",
     "Names begin with a letter, hold letters, digits and _, at most 60, no double underscore, and no underscore at "
     "the end: database objects are named after them."},
    {"Y402", "Names of database objects are lower-cased, so two names may not differ in case only."},
    {"Y403",
     "Stores beginning with dt_, and columns and aliases beginning with yellow_, would clash with Yellow's own "
     "objects."},
    {"Y404",
     "Database objects are called after the model's names, in lower case; what is longer than 63 bytes is its first 54 "
     "bytes, _ and 8 digits of its digest. Two objects have come out the same."},
    {"Y411", "The key of a dataset names its own columns, each once."},
    {"Y412", "json has no equality, so it cannot be compared as a key; jsonb can."},
    {"Y413",
     "Without a key, rows are compared as multisets: a changed row is a deletion and an insertion, and there is no "
     "history."},
    {"Y414", "History is kept by key."},
    {"Y415",
     "on_bad_rows: quarantine sets bad rows of a source aside, up to guards: {max_rejected: …}; the limit has no "
     "meaning elsewhere. Nor has may_go_back where no source is read."},
    {"Y416",
     "The producer deprecates the dataset. Who uses it all the same says so: {dataset: Store.dataset, deprecated: "
     "allowed}."},
    {"Y417",
     "production: true in a Workspace promises that its data comes from production; every store it uses must say the "
     "same. The output of a transformer is as its Workspace is."},
    {"Y418", "A sink stands once in its group; the second would be left out, with what it says."},
    {"Y419", "An alias is the name of one view."},
    {"Y421", "A document may name containers and credentials of its own team, its zone or the ecosystem only."},
    {"Y422",
     "environments/<name>/<zone>/<team>.yaml says where the team's own containers and credentials are. Everything else "
     "of an environment is the ecosystem's: environments/<name>/platform.yaml."},
    {"Y423",
     "The model names credentials; where the secret is, the environment says: {env: PREFIX}, {file: PATH}. Neither "
     "holds "
     "it, because both are copied, reviewed and kept for ever."},
    {"Y424",
     "readers are roles that the owner of the database manages. apply makes them members of the Workspace's group, so "
     "they cannot be everyone, the server's own roles, or Yellow's."},
    {"Y431",
     "A scope is what somebody may ask to be let in for: dt_write:<Workspace>, the outputs of its transformer, to read "
     "and to write; ws_read:<Workspace>, what the Workspace sees. Each is declared once."},
    {"Y432",
     "People are known by identities, os:<user>, oidc:<address>, ticket:<name>, and each belongs to one person: else "
     "somebody could approve under one name what they have asked for under another."},
    {"Y433",
     "As many people as the scope has approvers need the role senior_devops, in the Ecosystem or in the zone that "
     "declares the scope. Who asks never approves, so one more is needed for what seniors ask for themselves."},
    {"Y434", "A zone declares scopes of its own Workspaces; those of others belong to their zone or the Ecosystem."},
    {"Y435",
     "The URL of a ticket system holds {ticket} where the ticket stands, and begins with https:// unless it is on "
     "this machine; state, owner and name are JSON pointers (RFC 6901) into its answer."},
    {"Y436",
     "Recordings of terminal sessions are sealed to the public keys of those who may review them. yellow access keygen "
     "makes a pair: the private part stays with the reviewer, the public one stands in the model."},
    {"Y437",
     "serve answers calls for access over TCP at host:port, and knows callers by tokens of an OpenID Connect issuer, "
     "whose URL begins with https:// unless it is on this machine. The port has no TLS: from other machines it is "
     "reached through a proxy that has it."},
    {"Y438",
     "A role says what a person may do: devops may ask for access, senior_devops ask, approve and review, auditor see "
     "everything and do nothing. Any other word would give nothing, and nobody would notice."},
    {"Y439",
     "Nobody approves their own request. So a scope that as many seniors may approve as it has approvers is of use "
     "only "
     "when somebody else may ask: a person with the role devops, or one senior more."},
    {"Y440",
     "A session is sealed to the review keys of the seniors for its scope, but never of who is in it; where none of "
     "them "
     "has one, no session begins, and a request for it only uses its ticket up."},
    {"Y441",
     "Access is given on the ground of an open ticket. Without a ticket system in the environment there is none that "
     "could be open, and every request is refused."},
    {"Y501", "Classes are words in families; the Ecosystem may add more with classes: {add: […]}."},
    {"Y502",
     "A Workspace with a restricted column has no standing readers; its data is read through an approved request, or "
     "masked first."},
    {"Y503", "Every restricted column of a mask's output needs a rule."},
    {"Y504", "A mask rule does not fit its column."},
    {"Y505", "The zone's policy forbids the class, or does not allow it; a family covers its members."},
    {"Y506", "The zone's policy does not allow the location; an area covers what lies below it."},
    {"Y507",
     "Restricted classes may not enter an environment that does not allow them, so that no test system fills with "
     "personal data."},
    {"Y508", "The zone's policy does not allow the platform of a Workspace, or the vendor or cloud of a container."},
    {"Y509", "Locations, vendors and clouds are declared in the Ecosystem: vendors; a policy names them."},
    {"Y601", "A group is on the one platform that it names or that satisfies its requirements; none does."},
    {"Y602", "Several platforms satisfy the group; name one."},
    {"Y603", "A transformer has one home platform: its inputs never leave it."},
    {"Y604", "The store is ingested on another platform, and this version makes no mirrors."},
    {"Y605", "This version exports to the platform's own container only."},
    {"Y606",
     "Transformers that wait for each other would never run, or never stop. The path names every node of the circle."},
    {"Y612", "A transformer produces at least one dataset."},
    {"Y613", "declassify names columns of the transformer's own output."},
    {"Y614", "A transformer runs only if another Workspace uses its output."},
    {"Y615", "References and the own output never trigger."},
    {"Y616",
     "A sql transformer has one file <dataset>.sql for each output dataset, with exactly one SELECT that reads only "
     "the inputs of its "
     "Workspace, by the model's names. Names that are words of SQL need double quotes. In mode incremental it reads "
     "the "
     "changes of an input (FROM Shop.customers__changes), whose column yellow_op says I, U or D, and gives yellow_op "
     "for "
     "each of its rows: D deletes the key from the output."},
    {"Y617", "mask: {…} writes each output dataset from the one input that has its name, column by column."},
    {"Y618",
     "source names a folder beside the document; the process launcher runs the command in a copy of it, with the .venv "
     "of that "
     "folder if there is one."},
    {"Y619",
     "Mode incremental works by key: the changes of an input are one row for each key that changed, and each row of "
     "the "
     "output says what becomes of its key."},
    {"Y620", "apply stores every file below model/ by its name, and the name of a file is text."},
    {"Y621",
     "apply stores every file below model/ in the database, so that what runs is what was reviewed. Generated folders "
     "(__pycache__, node_modules, virtual environments, names that begin with a dot) are left out."},
    {"Y622",
     "A transformer writes every dataset of its output; those that some Workspace uses are merged into the platform, "
     "the others are emptied with the next run."},
    {"Y701", "The environment's file is environments/<name>.yaml, or files below environments/<name>/."},
    {"Y702", "The environment says where each container that the model uses is: embedded, or a host."},
    {"Y703",
     "The environment says where each secret is: {env: PREFIX} or {file: PATH}. The model never holds a secret."},
    {"Y704", "The process launcher runs source code with a command, the docker launcher an image."},
    {"Y705",
     "A credential of a vault is named by what stands behind /v1/ in its API, names between slashes: "
     "secret/data/shop-reader of a key-value store of version 2."},
    {"Y706", "Roles live on the whole server; their names begin with the prefix."},
    {"Y707",
     "notify: says to whom messages are posted: {webhook: {env: VARIABLE}} or {file: PATH} where the URL is a secret, "
     "as "
     "with chat services, {url: https://…} where it is none. http is possible on this machine only."},
    {"Y708", "The environment's images: maps the name of each image to the digest that runs here."},
    {"Y709",
     "launcher: {docker: …} names the engine's unix socket, and the engine's network that code is in. Without a "
     "network "
     "code reaches a database through its unix socket only."},
    {"Y710",
     "launcher: {kubernetes: …} runs code as pods of a cluster: the databases of its platforms are where pods reach "
     "them, on the network."},
    {"Y711", "jobs: kubernetes is for where Yellow runs in the cluster of launcher: kubernetes."},
    {"Y712",
     "notify: {<name>: {mail: …}} says to whom messages are sent by mail: server: smtp://<host>:<port> or "
     "smtps://<host>, from: and to: plain addresses, a login as a Credential with a user and password. Another "
     "machine's "
     "server has to offer TLS."},
    {"Y801",
     "A table can get new nullable columns and wider types; every other change would lose or bend data that is there."},
};

}  // namespace

std::optional<std::string> ExplainCode(const std::string& code) {
  for (const Entry& entry : kEntries) {
    if (code == entry.code) return std::string(entry.code) + ": " + entry.text;
  }
  return std::nullopt;
}

std::vector<std::string> AllCodes() {
  std::vector<std::string> codes;
  for (const Entry& entry : kEntries) codes.emplace_back(entry.code);
  return codes;
}

}  // namespace yellow::check
