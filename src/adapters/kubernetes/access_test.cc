#include "adapters/kubernetes/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace yellow::adapters::kubernetes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::map<std::string, std::string> kFiles{
    {"/home/alice/.kube/ca.pem", "authority"}, {"/etc/client.pem", "certificate"}, {"/etc/client.key", "canary-key"}};

std::optional<std::string> Read(const std::string& path) {
  const auto found = kFiles.find(path);
  return found == kFiles.end() ? std::nullopt : std::optional(found->second);
}

Access ReadText(const std::string& text, const std::string& context = "") {
  return ReadKubeconfig(text, "/home/alice/.kube/config", context, &Read);
}

/// A kubeconfig with these lines for its cluster and its user.
std::string Config(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n- {name: here, context: {cluster: c, user: "
         "u}}\n"
         "- name: there\n  context: {cluster: c, user: u, namespace: jobs}\nclusters:\n- name: c\n  cluster: " +
         cluster + "\nusers:\n- name: u\n  user: " + user + "\n";
}

std::string Refused(const std::string& text, const std::string& context = "") {
  try {
    ReadText(text, context);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code, "kubeconfig");
    EXPECT_FALSE(error.remedy.empty()) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Kubeconfig, HoldsCertificatesInline) {
  const Access access = ReadText(Config("{server: 'https://127.0.0.1:6443/', certificate-authority-data: YXV0aG9yaXR5}",
                                        "{client-certificate-data: Y2VydGlmaWNhdGU=, client-key-data: a2V5}"));
  EXPECT_EQ(access.server, "https://127.0.0.1:6443");
  EXPECT_EQ(access.authority, "authority");
  EXPECT_EQ(access.certificate, "certificate");
  EXPECT_EQ(access.key.Reveal(), "key");
  EXPECT_TRUE(access.token.empty());
  EXPECT_EQ(access.name_space, "default");
}

TEST(Kubeconfig, NamesFilesBesideItself) {
  const Access access = ReadText(Config("{server: https://api:6443, certificate-authority: ca.pem}",
                                        "{client-certificate: /etc/client.pem, client-key: /etc/client.key}"),
                                 "there");
  EXPECT_EQ(access.authority, "authority");
  EXPECT_EQ(access.certificate, "certificate");
  EXPECT_EQ(access.name_space, "jobs");
}

TEST(Kubeconfig, HasATokenOrAFileWithOne) {
  EXPECT_EQ(ReadText(Config("{server: https://api}", "{token: abc}")).token.Reveal(), "abc");
  const Access access = ReadText(Config("{server: https://api}", "{tokenFile: token, token: abc}"));
  EXPECT_EQ(access.token_file, "/home/alice/.kube/token");
  EXPECT_TRUE(access.token.empty());
}

TEST(Kubeconfig, IsJsonToo) {
  EXPECT_EQ(ReadText(R"({"current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:8001"}}], "users": [{"name": "a"}]})")
                .server,
            "http://127.0.0.1:8001");
}

TEST(Kubeconfig, SaysWhatItCannotUse) {
  const std::string user = "{token: canary-token}";
  EXPECT_THAT(Refused(Config("{server: http://api:8080}", user)), HasSubstr("not https"));
  EXPECT_THAT(Refused(Config("{}", user)), HasSubstr("no server"));
  EXPECT_THAT(Refused(Config("{server: https://api, insecure-skip-tls-verify: true}", user)),
              HasSubstr("insecure-skip"));
  EXPECT_EQ(Refused(Config("{server: https://api, insecure-skip-tls-verify: false}", user)), "accepted");
  EXPECT_THAT(Refused(Config("{server: https://api, certificate-authority: absent.pem}", user)),
              HasSubstr("/home/alice/.kube/absent.pem cannot be read"));
  EXPECT_THAT(Refused(Config("{server: https://api, certificate-authority-data: '%%'}", user)),
              HasSubstr("not base64"));
  EXPECT_THAT(Refused(Config("{server: https://api}", "{exec: {command: aws}}")), HasSubstr("exec is not supported"));
  EXPECT_THAT(Refused(Config("{server: https://api}", "{username: a, password: canary-password}")),
              HasSubstr("username is not supported"));
  EXPECT_THAT(Refused(Config("{server: https://api}", "{client-certificate: /etc/client.pem}")), HasSubstr("together"));
  EXPECT_THAT(Refused(Config("{server: https://api}", user), "nowhere"), HasSubstr("no context is named nowhere"));
  EXPECT_THAT(Refused("current-context: a"), HasSubstr("no context is named a"));
  EXPECT_THAT(Refused("{}"), HasSubstr("no current-context"));
}

TEST(Kubeconfig, IsNeverRepeatedWhenItIsNoYaml) {
  for (const char* text :
       {"a: [canary-token", "canary-token", "", "{a: &x [*x], 1", "a: b: canary-token", "? [canary-token]\n: 1"}) {
    const std::string message = Refused(text);
    EXPECT_THAT(message, Not(HasSubstr("canary")));
    EXPECT_NE(message, "accepted") << text;
  }
  EXPECT_NE(Refused("a: &x [*x]"), "accepted") << "a text that holds itself";
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  EXPECT_THAT(Refused(bomb), HasSubstr("no kubeconfig")) << "two to the power of thirty values";
}

TEST(InCluster, IsThePodsServiceAccount) {
  std::map<std::string, std::string> variables{{"KUBERNETES_SERVICE_HOST", "fd00::1"},
                                               {"KUBERNETES_SERVICE_PORT", "443"}};
  std::map<std::string, std::string> files{{"token", "t\n"}, {"ca.crt", "authority"}, {"namespace", "engine"}};
  const auto look = [&] {
    return InCluster(
        [&](const std::string& name) {
          return variables.contains(name) ? std::optional(variables[name]) : std::nullopt;
        },
        [&](const std::string& path) {
          const std::string name = path.substr(path.rfind('/') + 1);
          return files.contains(name) ? std::optional(files[name]) : std::nullopt;
        });
  };
  const Access access = look();
  EXPECT_EQ(access.server, "https://[fd00::1]:443");
  EXPECT_EQ(access.authority, "authority");
  EXPECT_EQ(access.token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(access.name_space, "engine");
  files.erase("token");
  EXPECT_THROW(look(), base::Error) << "a pod without a service account";
  files["token"] = "t";
  variables.erase("KUBERNETES_SERVICE_HOST");
  EXPECT_THROW(look(), base::Error) << "no pod";
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
