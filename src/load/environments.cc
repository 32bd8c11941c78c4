#include <algorithm>

#include "load/access_text.h"
#include "load/audit_text.h"
#include "load/notify_text.h"
#include "load/readers.h"
#include "model/labels.h"
#include "model/networks.h"

// Environments: where containers, secrets and jobs really are.
namespace yellow::load {
namespace {

base::SourceRange WhereOf(const Node* node, const Node& parent) { return node == nullptr ? parent.where : node->where; }

model::SecretSource SecretSourceOf(const Node& node) {
  if (const Node* file = node.Find("file")) return model::FileSecret{file->text};
  if (const Node* secret = node.Find("kubernetes")) return model::KubernetesSecret{secret->text};
  if (const Node* vault = node.Find("vault")) return model::VaultSecret{vault->text};
  return model::EnvironmentSecret{Text(node.Find("env"))};
}

}  // namespace

void Reader::ReadReceivers(const Node& node) {
  for (const auto& [name, value] : node.entries) {
    for (model::NoticeReceiver& receiver : ReadChannel(name, value, diagnostics_)) {
      if (const Node* events = value.Find("events")) {
        const std::vector<std::string> words = Texts(events);
        std::erase_if(receiver.events, [&](model::NoticeEvent event) {
          return std::find(words.begin(), words.end(), Word(event)) == words.end();
        });
      }
      if (const auto after = ReadDuration(value.Find("stale_after"))) receiver.stale_after = *after;
      model_.environment->receivers.push_back(std::move(receiver));
    }
    const Node* events = value.Find("events");
    if (events != nullptr && events->items.empty())
      diagnostics_.Error("Y202", events->where, "no event is named",
                         "name held, failed, stale or access, or leave events out");
  }
}

void Reader::ReadContainerPlace(const Node& name, const Node& node, const Place& place) {
  model::ContainerPlace container;
  container.container = name.text;
  container.where = name.where;
  container.owner = place.owner;
  container.database = Text(node.Find("database"));
  const Node* embedded = node.Find("embedded");
  if (node.kind == Node::Kind::kScalar) {
    container.server = model::EmbeddedServer{};
  } else if (embedded != nullptr) {
    model::EmbeddedServer server;
    if (embedded->Find("port") != nullptr) server.port = Integer(embedded->Find("port"), 0);
    container.server = server;
    for (const char* key : {"host", "port", "sslmode", "ca"}) {
      if (const Node* other = node.Find(key))
        diagnostics_.Error("Y206", other->where, "an embedded container is on no other server: " + std::string(key),
                           "write {embedded: {port: …}}, or {host: …, port: …}");
    }
  } else {
    model::NamedServer server;
    server.host = Text(node.Find("host"));
    server.port = Integer(node.Find("port"), server.port);
    server.sslmode = Text(node.Find("sslmode"), server.sslmode);
    server.ca = Text(node.Find("ca"));
    if (server.host.empty()) {
      diagnostics_.Error("Y202", name.where, "a key is missing: host", "write embedded, or {host: …, port: …}");
    }
    container.server = server;
  }
  model_.environment->containers.push_back(std::move(container));
}

void Reader::ReadEnvironment(const Node& node, const std::string& name, const Place& place) {
  const Node* written = node.Find("name");
  if (written != nullptr && written->text != name) {
    diagnostics_.Error("Y302", written->where,
                       "the file and the name of the environment differ: " + name + " and " + written->text,
                       "rename one of them");
  }
  if (!model_.environment) model_.environment.emplace();
  model_.environment->name = name;
  if (const Node* places = node.Find("containers")) {
    for (const auto& [container, value] : places->entries) ReadContainerPlace(container, value, place);
  }
  if (const Node* places = node.Find("credentials")) {
    for (const auto& [credential, value] : places->entries)
      model_.environment->credentials.push_back(
          {credential.text, SecretSourceOf(value), credential.where, place.owner});
  }
  if (place.owner.team.empty()) {
    ReadEnvironmentSettings(node);
    return;
  }
  for (const auto& [key, value] : node.entries) {
    if (key.text == "kind" || key.text == "name" || key.text == "containers" || key.text == "credentials") continue;
    diagnostics_.Error("Y422", key.where,
                       "a team's file says where its containers and credentials are, and nothing else: " + key.text,
                       "it belongs in environments/" + name + "/platform.yaml");
  }
}

void Reader::ReadLauncher(const Node& node) {
  model::Environment& environment = *model_.environment;
  if (node.text == "docker") environment.launcher = model::LauncherKind::kDocker;
  if (node.text == "kubernetes") environment.launcher = model::LauncherKind::kKubernetes;
  if (node.kind == Node::Kind::kScalar) return;
  if (const Node* kubernetes = node.Find("kubernetes")) ReadKubernetes(*kubernetes);
  const Node* docker = node.Find("docker");
  if (docker == nullptr) return;
  environment.launcher = model::LauncherKind::kDocker;
  environment.docker.socket = Text(docker->Find("socket"), environment.docker.socket);
  environment.docker.network = Text(docker->Find("network"), environment.docker.network);
  environment.docker.pull = OptionalName(docker->Find("pull"));
}

std::map<std::string, std::string> Reader::ReadLabels(const Node* node) {
  std::map<std::string, std::string> labels;
  if (node == nullptr) return labels;
  for (const auto& [name, value] : node->entries) {
    if (!model::IsLabelName(name.text))
      diagnostics_.Error("Y217", name.where, "this is not the name of a label: " + name.text,
                         "write at most 63 letters, digits, -, _ and ., as a prefix example.com/ may stand before");
    if (!value.text.empty() && !model::IsLabelValue(value.text))
      diagnostics_.Error("Y217", value.where, "this is not the value of a label: " + value.text,
                         "write at most 63 letters, digits, -, _ and .");
    labels[name.text] = value.text;
  }
  return labels;
}

void Reader::ReadKubernetes(const Node& node) {
  model::Environment& environment = *model_.environment;
  environment.launcher = model::LauncherKind::kKubernetes;
  model::KubernetesLauncher& launcher = environment.kubernetes;
  launcher.name_space = Text(node.Find("namespace"));
  launcher.kubeconfig = Text(node.Find("kubeconfig"));
  launcher.context = Text(node.Find("context"));
  launcher.pull = Texts(node.Find("pull"));
  launcher.node_selector = ReadLabels(node.Find("node_selector"));
  launcher.labels = ReadLabels(node.Find("labels"));
  if (const Node* networks = node.Find("database_networks")) {
    launcher.database_networks = Texts(networks);
    for (const Node& network : networks->items)
      if (!model::IsNetwork(network.text))
        diagnostics_.Error("Y217", network.where, "this is not a network: " + network.text,
                           "write its address and the number of its bits, such as 10.20.0.0/16");
  }
  const Node* tolerations = node.Find("tolerations");
  if (tolerations == nullptr) return;
  for (const Node& one : tolerations->items) {
    model::Toleration toleration;
    toleration.key = Text(one.Find("key"));
    if (const Node* value = one.Find("value")) toleration.value = value->text;
    toleration.effect = Text(one.Find("effect"));
    if (const Node* seconds = one.Find("seconds")) toleration.seconds = Integer(seconds, 0);
    if (toleration.value && toleration.key.empty())
      diagnostics_.Error("Y217", one.where, "a taint's value needs its key", "add key: <the taint's key>");
    if (toleration.seconds && toleration.effect != "NoExecute")
      diagnostics_.Error("Y217", one.where, "seconds are for effect: NoExecute only", "add effect: NoExecute");
    launcher.tolerations.push_back(std::move(toleration));
  }
}

void Reader::ReadEnvironmentSettings(const Node& node) {
  model::Environment& environment = *model_.environment;
  if (environment.where.begin.line > 0) {
    diagnostics_.Error("Y301", node.where,
                       "there is a second document of environment " + environment.name + "; the first is in " +
                           environment.where.file + ", line " + std::to_string(environment.where.begin.line),
                       "keep one");
    return;
  }
  environment.where = node.where;
  if (const Node* images = node.Find("images")) {
    for (const auto& [image, value] : images->entries) {
      environment.images[image.text] = value.text;
      if (!model::IsPinned(value.text))
        diagnostics_.Error("Y214", value.where, "this image is not pinned to a digest: " + value.text,
                           "write <registry>/<image>@sha256:<64 hexadecimal digits>");
    }
  }
  if (const Node* classes = node.Find("classes")) environment.allowed_classes = Names(classes->Find("allowed"));
  if (Text(node.Find("jobs")) == "kubernetes") environment.jobs = model::JobsKind::kKubernetes;
  environment.jobs_where = WhereOf(node.Find("jobs"), node);
  environment.launcher_where = WhereOf(node.Find("launcher"), node);
  environment.role_prefix_where = WhereOf(node.Find("role_prefix"), node);
  if (const Node* launcher = node.Find("launcher")) ReadLauncher(*launcher);
  if (Text(node.Find("scheduler")) == "airflow") environment.scheduler = model::SchedulerKind::kAirflow;
  environment.role_prefix = Text(node.Find("role_prefix"), environment.role_prefix);
  if (const Node* limits = node.Find("limits")) {
    if (limits->Find("runs") != nullptr) environment.max_runs = Integer(limits->Find("runs"), 1);
    if (const auto retry = ReadDuration(limits->Find("retry"))) environment.retry = *retry;
    environment.max_jobs = Integer(limits->Find("jobs"), environment.max_jobs);
    environment.max_connections = Integer(limits->Find("connections"), environment.max_connections);
  }
  if (const Node* receivers = node.Find("notify")) ReadReceivers(*receivers);
  if (const Node* tickets = node.Find("tickets")) environment.tickets = ReadTickets(*tickets);
  if (const Node* access = node.Find("access")) environment.access = ReadAccess(*access);
  if (const Node* audit = node.Find("audit")) environment.audit = ReadAudit(*audit, diagnostics_);
}

}  // namespace yellow::load
