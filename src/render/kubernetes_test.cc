#include "render/kubernetes.h"

#include <gtest/gtest.h>

#include "testing/golden.h"

namespace yellow::render {
namespace {

KubernetesPlatform Platform() {
  KubernetesPlatform platform;
  platform.name_space = "yellow", platform.code_name_space = "transformers";
  platform.image = "registry.example.com/shop/yellow@sha256:" + std::string(64, 'a');
  platform.project = "/srv/project", platform.environment = "production";
  platform.ways = {{{"10.0.0.7/32"}, 5432, false}};
  return platform;
}

std::string All(const KubernetesPlatform& platform) {
  std::string text;
  for (const Manifest& manifest : KubernetesManifests(platform))
    text += "######## " + manifest.file + "\n" + manifest.text;
  return text;
}

TEST(Kubernetes, APlainPlatform) { testing::CheckGolden("kubernetes", "plain", All(Platform())); }

TEST(Kubernetes, NamesSecretsAndNetworks) {
  KubernetesPlatform platform = Platform();
  platform.replicas = 3, platform.grace_seconds = 120;
  platform.variables = {"SHOP_PASSWORD", "SHOP_USER"};
  platform.secrets = {"billing-reader"};
  platform.jobs_in_pods = true;
  platform.audit_claim = "yellow-audit";
  platform.ways.push_back({{"10.20.0.0/16", "fd00::/8"}, 6432, true});
  platform.lent = {{"prod", "edit"}};
  testing::CheckGolden("kubernetes", "secrets_and_networks", All(platform));
}

TEST(Kubernetes, AnotherImageIsAnotherJob) {
  KubernetesPlatform other = Platform();
  other.image.back() = 'b';
  const auto job = [](const KubernetesPlatform& platform) {
    const std::string text = KubernetesManifests(platform)[3].text;
    return text.substr(text.find("yellow-apply-"), 23);
  };
  EXPECT_NE(job(Platform()), job(other));
  EXPECT_EQ(job(Platform()), job(Platform()));
}

}  // namespace
}  // namespace yellow::render
