#include "adapters/kubernetes/temporary_access.h"

#include <sodium.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "adapters/kubernetes/call_proxy.h"
#include "adapters/kubernetes/client.h"
#include "base/error.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kShortestToken{600};  // that an API server gives
constexpr seconds kTokenAgain{300};
constexpr const char* kAccounts = "/api/v1/namespaces/";
constexpr const char* kBindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/";

std::string NameOf(const std::string& request) { return "yellow-tmp-" + request; }

Json MetadataOf(const ports::ClusterGrant& grant) {
  return {{"name", NameOf(grant.request)},
          {"namespace", grant.name_space},
          {"labels",
           {{"app.kubernetes.io/name", "yellow"},
            {"app.kubernetes.io/component", "access"},
            {"yellow/request", grant.request}}},
          {"annotations", {{"yellow/person", grant.person}, {"yellow/expires", grant.expires_at}}}};
}

/// Tokens of one account, each for some minutes longer than it is used.
class Tokens {
 public:
  Tokens(std::shared_ptr<Client> client, const ports::ClusterGrant& grant, std::chrono::milliseconds duration)
      : client_(std::move(client)),
        path_(kAccounts + grant.name_space + "/serviceaccounts/" + NameOf(grant.request) + "/token"),
        end_(steady_clock::now() + duration) {}

  base::Secret Now() {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    if (!token_.empty() && now < again_) return token_;
    const seconds left = std::max(kShortestToken, std::chrono::ceil<seconds>(end_ - now));
    const Json wanted{{"apiVersion", "authentication.k8s.io/v1"},
                      {"kind", "TokenRequest"},
                      {"spec", {{"expirationSeconds", left.count()}}}};
    Reply reply = client_->Create(path_, wanted.dump());
    std::string token;
    if (const Json answer = Json::parse(reply.body, nullptr, false); answer.is_object())
      token = answer.value("/status/token"_json_pointer, "");
    sodium_memzero(reply.body.data(), reply.body.size());
    if (reply.outcome != Outcome::kDone || token.empty())
      throw base::Error("kubernetes", "the cluster gives no token of the temporary account").Retryable();
    token_ = base::Secret(std::move(token));
    again_ = now + kTokenAgain;
    return token_;
  }

 private:
  const std::shared_ptr<Client> client_;
  const std::string path_;
  const steady_clock::time_point end_;
  std::mutex mutex_;
  base::Secret token_;
  steady_clock::time_point again_{};
};

class TemporaryAccess : public ports::ClusterAccess {
 public:
  TemporaryAccess(const Access& access, const ReadFile& read)
      : access_(access), client_(std::make_shared<Client>(access, read)) {}

  void Open(const ports::ClusterGrant& grant) override {
    const Json account{{"apiVersion", "v1"},
                       {"kind", "ServiceAccount"},
                       {"metadata", MetadataOf(grant)},
                       {"automountServiceAccountToken", false}};
    Require(client_->Create(kAccounts + grant.name_space + "/serviceaccounts", account.dump()), grant.name_space);
    const Json binding{
        {"apiVersion", "rbac.authorization.k8s.io/v1"},
        {"kind", "RoleBinding"},
        {"metadata", MetadataOf(grant)},
        {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", grant.role}}},
        {"subjects",
         Json::array(
             {{{"kind", "ServiceAccount"}, {"name", NameOf(grant.request)}, {"namespace", grant.name_space}}})}};
    Require(client_->Create(kBindings + grant.name_space + "/rolebindings", binding.dump()), grant.name_space);
  }

  void Close(const std::string& name_space, const std::string& request) override {
    // The rights first: a server may remember for some seconds that a token was good.
    client_->Delete(kBindings + name_space + "/rolebindings/" + NameOf(request), "");
    client_->Delete(kAccounts + name_space + "/serviceaccounts/" + NameOf(request), "");
  }

  std::unique_ptr<ports::SessionProxy> Start(const ports::ClusterGrant& grant, int listener,
                                             std::chrono::milliseconds duration, ports::ClusterSink& sink) override {
    const auto tokens = std::make_shared<Tokens>(client_, grant, duration);
    return StartCallProxy(access_, listener, [tokens] { return tokens->Now(); }, duration, sink);
  }

 private:
  static void Require(const Reply& reply, const std::string& name_space) {
    if (reply.outcome == Outcome::kDone || reply.outcome == Outcome::kExists) return;
    throw base::Error("kubernetes", "the cluster has no such namespace: " + name_space)
        .Remedy("make it, or take the scope out of the model");
  }

  const Access access_;
  const std::shared_ptr<Client> client_;
};

}  // namespace

ports::OpenCluster MakeClusterAccess(ReadFile read, ReadVariable variable) {
  return [read = std::move(read), variable = std::move(variable)](
             const model::Environment& environment) -> std::unique_ptr<ports::ClusterAccess> {
    return std::make_unique<TemporaryAccess>(AccessOf(environment.kubernetes, read, variable), read);
  };
}

}  // namespace yellow::adapters::kubernetes
