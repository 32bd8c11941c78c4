#include "adapters/kubernetes/access.h"

#include <sodium.h>
#include <yaml.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "model/webhook.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr size_t kDeepest = 32;    // a kubeconfig has five levels
constexpr size_t kMost = 100'000;  // values; aliases of aliases could be far more than there is text
constexpr const char* kAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

/// Names the file in every error.
class Reader {
 public:
  Reader(const std::string& path, const ReadFile& read) : path_(path), read_(read) {}

  [[noreturn]] void Fail(const std::string& what, const std::string& remedy) const {
    throw base::Error("kubeconfig", path_ + ": " + what).Remedy(remedy);
  }

  Json Parse(const std::string& text) const;
  /// The part of `[{name: …, <kind>: {…}}]` with that name.
  Json Named(const Json& root, const std::string& list, const std::string& kind, const std::string& name) const;
  std::string Text(const Json& object, const std::string& field) const;
  /// `<field>-data` in base64, or the file that `<field>` names.
  std::string Material(const Json& object, const std::string& field) const;
  std::string Resolve(const std::string& file) const {
    return file.front() == '/' ? file : path_.substr(0, path_.rfind('/') + 1) + file;
  }

 private:
  Json Value(yaml_document_t& document, const yaml_node_t* node, size_t depth) const;
  std::string ReadOrFail(const std::string& file, const std::string& field) const;

  const std::string& path_;
  const ReadFile& read_;
  mutable size_t values_ = 0;
};

std::string_view TextOf(const yaml_node_t& node) {
  return {reinterpret_cast<const char*>(node.data.scalar.value), node.data.scalar.length};  // NOLINT
}

/// Every scalar is text: nothing that is read from a kubeconfig is a number.
Json Reader::Value(yaml_document_t& document, const yaml_node_t* node, size_t depth) const {
  if (node == nullptr || depth > kDeepest || ++values_ > kMost)
    Fail("this is no kubeconfig", "write it with kubectl config view --raw");
  if (node->type == YAML_SCALAR_NODE) return std::string(TextOf(*node));
  Json value = node->type == YAML_SEQUENCE_NODE ? Json::array() : Json::object();
  if (node->type == YAML_SEQUENCE_NODE) {
    for (const auto* item = node->data.sequence.items.start; item != node->data.sequence.items.top; ++item)
      value.push_back(Value(document, yaml_document_get_node(&document, *item), depth + 1));
    return value;
  }
  for (const auto* pair = node->data.mapping.pairs.start; pair != node->data.mapping.pairs.top; ++pair) {
    const yaml_node_t* key = yaml_document_get_node(&document, pair->key);
    if (key == nullptr || key->type != YAML_SCALAR_NODE)
      Fail("a key is no word", "write it with kubectl config view --raw");
    value[std::string(TextOf(*key))] = Value(document, yaml_document_get_node(&document, pair->value), depth + 1);
  }
  return value;
}

Json Reader::Parse(const std::string& text) const {
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) throw base::Error("kubeconfig", "out of memory").Retryable();
  const std::unique_ptr<yaml_parser_t, decltype(&yaml_parser_delete)> parser_end(&parser, &yaml_parser_delete);
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());  // NOLINT
  yaml_document_t document;
  if (yaml_parser_load(&parser, &document) == 0) {
    // What libyaml says may quote the text.
    Fail("not YAML at line " + std::to_string(parser.problem_mark.line + 1), "write it with kubectl config view --raw");
  }
  const std::unique_ptr<yaml_document_t, decltype(&yaml_document_delete)> end(&document, &yaml_document_delete);
  const Json root = Value(document, yaml_document_get_root_node(&document), 0);
  if (!root.is_object()) Fail("this is no kubeconfig", "write it with kubectl config view --raw");
  return root;
}

Json Reader::Named(const Json& root, const std::string& list, const std::string& kind, const std::string& name) const {
  const auto found = root.find(list);
  if (found != root.end() && found->is_array()) {
    for (const Json& entry : *found) {
      if (!entry.is_object() || entry.value("name", Json()) != name) continue;
      const Json object = entry.value(kind, Json::object());
      return object.is_object() ? object : Json::object();
    }
  }
  Fail("no " + kind + " is named " + name, "kubectl config get-" + list + " lists those there are");
}

std::string Reader::Text(const Json& object, const std::string& field) const {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string Reader::ReadOrFail(const std::string& file, const std::string& field) const {
  std::optional<std::string> content = read_(Resolve(file));
  if (!content) Fail(field + ": " + Resolve(file) + " cannot be read", "check the path and who may read it");
  return std::move(*content);
}

std::string Reader::Material(const Json& object, const std::string& field) const {
  const std::string inline_text = Text(object, field + "-data");
  if (inline_text.empty()) {
    const std::string file = Text(object, field);
    return file.empty() ? "" : ReadOrFail(file, field);
  }
  std::string bytes(inline_text.size(), '\0');
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), inline_text.data(),  // NOLINT
                        inline_text.size(), "\r\n ", &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    Fail(field + "-data is not base64", "write it with kubectl config view --raw");
  bytes.resize(size);
  return bytes;
}

void CheckServer(const Reader& reader, const Json& cluster, const std::string& server) {
  if (server.empty()) reader.Fail("the cluster has no server", "write server: https://…");
  if (!server.starts_with("https://") && !(server.starts_with("http://") && model::IsOnThisMachine(server)))
    reader.Fail("the server's address is not https", "write server: https://…; http is for this machine only");
  for (const char* field : {"insecure-skip-tls-verify", "tls-server-name", "proxy-url"}) {
    const auto found = cluster.find(field);
    if (found == cluster.end() || *found == "false" || *found == "") continue;
    reader.Fail(std::string(field) + " is not supported",
                "give the authority of the server's certificate, and an address that the certificate names");
  }
}

void CheckUser(const Reader& reader, const Json& user) {
  for (const char* field : {"exec", "auth-provider", "username", "as"}) {
    if (user.contains(field))
      reader.Fail("the user's " + std::string(field) + " is not supported",
                  "use a certificate, a token, or a file that holds a token (tokenFile)");
  }
}

}  // namespace

std::string HostInUrl(const std::string& host) {
  return host.find(':') == std::string::npos || host.front() == '[' ? host : "[" + host + "]";
}

Access ReadKubeconfig(const std::string& text, const std::string& path, const std::string& context,
                      const ReadFile& read) {
  const Reader reader(path, read);
  const Json root = reader.Parse(text);
  const std::string wanted = context.empty() ? reader.Text(root, "current-context") : context;
  if (wanted.empty()) reader.Fail("no current-context", "name a context, or set one: kubectl config use-context NAME");
  const Json chosen = reader.Named(root, "contexts", "context", wanted);
  const Json cluster = reader.Named(root, "clusters", "cluster", reader.Text(chosen, "cluster"));
  const Json user = reader.Named(root, "users", "user", reader.Text(chosen, "user"));
  Access access;
  access.server = reader.Text(cluster, "server");
  CheckServer(reader, cluster, access.server);
  while (access.server.ends_with('/')) access.server.pop_back();
  CheckUser(reader, user);
  access.authority = reader.Material(cluster, "certificate-authority");
  access.certificate = reader.Material(user, "client-certificate");
  access.key = base::Secret(reader.Material(user, "client-key"));
  if (access.certificate.empty() != access.key.empty())
    reader.Fail("client-certificate and client-key belong together", "give both");
  if (const std::string file = reader.Text(user, "tokenFile"); !file.empty())
    access.token_file = reader.Resolve(file);
  else
    access.token = base::Secret(reader.Text(user, "token"));
  access.name_space = reader.Text(chosen, "namespace");
  if (access.name_space.empty()) access.name_space = "default";
  return access;
}

Access InCluster(const ReadVariable& variable, const ReadFile& read) {
  const std::optional<std::string> host = variable("KUBERNETES_SERVICE_HOST");
  const std::optional<std::string> port = variable("KUBERNETES_SERVICE_PORT");
  if (!host || !port || host->empty() || port->empty())
    throw base::Error("in_cluster", "this process is in no pod of a Kubernetes cluster")
        .Remedy("name a kubeconfig instead");
  const std::string account = kAccount;
  const std::optional<std::string> authority = read(account + "ca.crt");
  if (!authority || !read(account + "token"))
    throw base::Error("in_cluster", "this pod has no service account: " + account + "token cannot be read")
        .Remedy("do not set automountServiceAccountToken: false on the pod or its service account");
  Access access;
  access.server = "https://" + HostInUrl(*host) + ":" + *port;
  access.authority = *authority;
  access.token_file = account + "token";
  access.name_space = read(account + "namespace").value_or("default");
  return access;
}

std::string KubeconfigOf(const model::KubernetesLauncher& launcher, const ReadVariable& variable) {
  if (!launcher.kubeconfig.empty()) return launcher.kubeconfig;
  if (const auto named = variable("KUBECONFIG"); named && !named->empty()) return *named;
  if (const auto host = variable("KUBERNETES_SERVICE_HOST"); host && !host->empty()) return "";
  return variable("HOME").value_or("") + "/.kube/config";
}

Access AccessOf(const model::KubernetesLauncher& launcher, const ReadFile& read, const ReadVariable& variable) {
  const std::string path = KubeconfigOf(launcher, variable);
  if (path.empty()) return InCluster(variable, read);
  const std::optional<std::string> text = read(path);
  if (!text)
    throw base::Error("kubeconfig", path + ": cannot be read")
        .Remedy("name one that is there: launcher: {kubernetes: {kubeconfig: …}}");
  return ReadKubeconfig(*text, path, launcher.context, read);
}

}  // namespace yellow::adapters::kubernetes
