#include "render/kubernetes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/json_text.h"

namespace yellow::render {
namespace {

constexpr int kMetricsPort = 9464;
constexpr size_t kDigitsOfRevision = 10;
constexpr const char* kUser = "65532";  // the one that the image has

/// A text of YAML that is never read as something else: its quoted form is that of JSON.
std::string Quoted(const std::string& text) { return base::JsonString(text); }

std::string Heading() { return "# Made by yellow render kubernetes, which makes the same text again.\n"; }

std::string Labels(const std::string& component) {
  return fmt::format("{{app.kubernetes.io/name: yellow, app.kubernetes.io/component: {}}}", component);
}

std::string Namespaces(const KubernetesPlatform& platform) {
  std::string text = Heading();
  for (const std::string& name : {platform.name_space, platform.code_name_space}) {
    text += fmt::format(R"(---
apiVersion: v1
kind: Namespace
metadata:
  name: {}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
)",
                        Quoted(name));
  }
  return text;
}

/// The engine's account may make Jobs with their Secrets in this namespace, follow and remove them.
std::string RoleIn(const std::string& name_space, const std::string& name, const KubernetesPlatform& platform) {
  return fmt::format(R"(---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {0}, namespace: {1}, labels: {2}}}
rules:
  - {{apiGroups: [batch], resources: [jobs], verbs: [create, get, list, watch, delete]}}
  - {{apiGroups: [""], resources: [secrets], verbs: [create, get, list, patch, delete]}}
  - {{apiGroups: [""], resources: [pods], verbs: [get, list, watch, delete]}}
  - {{apiGroups: [""], resources: [pods/log], verbs: [get]}}
  - {{apiGroups: [""], resources: [events], verbs: [list]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {0}, namespace: {1}, labels: {2}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {0}}}
subjects: [{{kind: ServiceAccount, name: yellow, namespace: {3}}}]
)",
                     name, Quoted(name_space), Labels("engine"), Quoted(platform.name_space));
}

/// The engine's account may give a role to accounts that it makes there, and take them away.
std::string LendingIn(const KubernetesPlatform::Lent& lent, const KubernetesPlatform& platform) {
  return fmt::format(R"(---
# Temporary access of people: no role but this one can be bound. In this namespace the engine can also have a token of any
# account, and take any account and any binding away.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: yellow-access, namespace: {0}, labels: {2}}}
rules:
  - {{apiGroups: [""], resources: [serviceaccounts], verbs: [create, delete]}}
  - {{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}}
  - {{apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create, delete]}}
  - {{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind], resourceNames: [{1}]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: yellow-access, namespace: {0}, labels: {2}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: yellow-access}}
subjects: [{{kind: ServiceAccount, name: yellow, namespace: {3}}}]
)",
                     Quoted(lent.name_space), Quoted(lent.role), Labels("access"), Quoted(platform.name_space));
}

std::string Accounts(const KubernetesPlatform& platform) {
  std::string text =
      Heading() + fmt::format(R"(# The engine's account may do what its roles say, and nothing else anywhere.
apiVersion: v1
kind: ServiceAccount
metadata: {{name: yellow, namespace: {0}, labels: {2}}}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: default, namespace: {1}}}
automountServiceAccountToken: false
)",
                              Quoted(platform.name_space), Quoted(platform.code_name_space), Labels("engine"));
  text += RoleIn(platform.code_name_space, "yellow-runs", platform);
  if (platform.jobs_in_pods) text += RoleIn(platform.name_space, "yellow-jobs", platform);
  for (const KubernetesPlatform::Lent& lent : platform.lent) text += LendingIn(lent, platform);
  return text;
}

std::string EgressOf(const KubernetesPlatform& platform) {
  std::string text;
  for (const KubernetesPlatform::Way& way : platform.ways) {
    text += "    - to:\n";
    for (const std::string& network : way.networks)
      text += fmt::format("        - ipBlock: {{cidr: {}}}\n", Quoted(network));
    text += fmt::format("      ports: [{{protocol: TCP, port: {}}}]\n", way.port);
  }
  if (std::any_of(platform.ways.begin(), platform.ways.end(), [](const auto& way) { return way.by_name; }))
    text += R"(    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
)";
  return text;
}

std::string Networks(const KubernetesPlatform& platform) {
  return Heading() +
         fmt::format(
             R"(# Code reaches its database and nothing else, and nobody reaches it. These hold where the cluster's network enforces them.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: code, namespace: {1}, labels: {2}}}
spec:
  podSelector: {{}}
  policyTypes: [Ingress, Egress]
  egress:
{3}---
# Nobody reaches the engine but the probes of its node. Who collects its metrics is let in by a policy of yours.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: engine, namespace: {0}, labels: {2}}}
spec:
  podSelector: {{}}
  policyTypes: [Ingress]
)",
             Quoted(platform.name_space), Quoted(platform.code_name_space), Labels("engine"), EgressOf(platform));
}

/// What the container of `command` and its pod have in common: everything but how it is looked after.
struct EnginePod {
  const KubernetesPlatform& platform;
  std::string command;  ///< words of a YAML list
  bool token;           ///< it makes Jobs

  std::string Variables(const std::string& indent) const {
    std::string text = indent + "env:\n" + indent + "  - {name: YELLOW_IMAGE, value: " + Quoted(platform.image) + "}\n";
    for (const std::string& variable : platform.variables)
      text += fmt::format(
          "{}  - name: {}\n{}    valueFrom: {{secretKeyRef: {{name: yellow-credentials, key: {}, optional: true}}}}\n",
          indent, variable, indent, variable);
    return text;
  }

  std::string Mounts(const std::string& indent) const {
    std::string text = indent + "volumeMounts:\n" + indent + "  - {name: data, mountPath: /data}\n" + indent +
                       "  - {name: logins, mountPath: /data/secrets, readOnly: true}\n" + indent +
                       "  - {name: tmp, mountPath: /tmp}\n";
    if (Chains()) text += indent + "  - {name: audit, mountPath: /data/audit}\n";
    for (size_t i = 0; i < platform.secrets.size(); ++i)
      text += fmt::format("{}  - {{name: credential-{}, mountPath: {}, readOnly: true}}\n", indent, i,
                          Quoted("/run/yellow/secrets/" + platform.secrets[i]));
    return text;
  }

  std::string Volumes(const std::string& indent) const {
    std::string text = indent + "volumes:\n" + indent + "  - {name: data, emptyDir: {sizeLimit: 4Gi}}\n" + indent +
                       "  - {name: tmp, emptyDir: {sizeLimit: 64Mi}}\n" + indent +
                       "  - {name: logins, secret: {secretName: yellow-logins, defaultMode: 0440}}\n";
    if (Chains())
      text += fmt::format("{}  - {{name: audit, persistentVolumeClaim: {{claimName: {}}}}}\n", indent,
                          Quoted(platform.audit_claim));
    for (size_t i = 0; i < platform.secrets.size(); ++i)
      text += fmt::format("{}  - {{name: credential-{}, secret: {{secretName: {}, defaultMode: 0440}}}}\n", indent, i,
                          Quoted(platform.secrets[i]));
    return text;
  }

  bool Chains() const { return token && !platform.audit_claim.empty(); }

  /// Below `spec:` of a pod template; `probes` are lines of the container.
  std::string Spec(const std::string& probes) const {
    const std::string indent(6, ' '), inside(10, ' ');
    return fmt::format(R"(      serviceAccountName: yellow
      automountServiceAccountToken: {0}
      enableServiceLinks: false
      securityContext: {{runAsNonRoot: true, runAsUser: {1}, runAsGroup: {1}, fsGroup: {1}, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: yellow
          image: {2}
          imagePullPolicy: IfNotPresent
          workingDir: {3}
          command: [yellow, --project, {3}, --environment, {4}, --data, /data, {5}]
{6}{7}          resources: {{requests: {{cpu: 100m, memory: 128Mi}}, limits: {{memory: 1Gi}}}}
          securityContext: {{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {{drop: [ALL]}}}}
{8}{9})",
                       token, kUser, Quoted(platform.image), Quoted(platform.project), Quoted(platform.environment),
                       command, Variables(inside), probes, Mounts(inside), Volumes(indent));
  }
};

std::string Engine(const KubernetesPlatform& platform) {
  const std::string probes = fmt::format(R"(          ports: [{{name: http, containerPort: {}}}]
          readinessProbe: {{httpGet: {{path: /readyz, port: http}}, periodSeconds: 10}}
          livenessProbe: {{httpGet: {{path: /healthz, port: http}}, periodSeconds: 20, failureThreshold: 6}}
)",
                                         kMetricsPort);
  const EnginePod pod{platform,
                      fmt::format("serve, --grace, \"{}\", --listen, \"0.0.0.0:{}\"{}", platform.grace_seconds,
                                  kMetricsPort, platform.audit_claim.empty() ? ", --no-audit" : ""),
                      true};
  return Heading() +
         fmt::format(
             R"(# Each of them may do everything: who has the lease of a stream works on it, and another goes on when it is gone.
apiVersion: apps/v1
kind: Deployment
metadata: {{name: yellow, namespace: {0}, labels: {1}}}
spec:
  replicas: {2}
  selector: {{matchLabels: {1}}}
  template:
    metadata: {{labels: {1}}}
    spec:
      terminationGracePeriodSeconds: {3}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm: {{topologyKey: kubernetes.io/hostname, labelSelector: {{matchLabels: {1}}}}}
{4}---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: yellow, namespace: {0}, labels: {1}}}
spec: {{maxUnavailable: 1, selector: {{matchLabels: {1}}}}}
)",
             Quoted(platform.name_space), Labels("engine"), platform.replicas, platform.grace_seconds + 30,
             pod.Spec(probes));
}

std::string ApplyJob(const KubernetesPlatform& platform) {
  const EnginePod pod{platform, "apply", false};
  const std::string revision =
      base::Sha256Hex(platform.image + "\n" + platform.environment).substr(0, kDigitsOfRevision);
  return Heading() +
         fmt::format(
             R"(# Makes the databases what the model in the image says. Its name holds what it was made from: another image is another Job.
apiVersion: batch/v1
kind: Job
metadata: {{name: yellow-apply-{0}, namespace: {1}, labels: {2}}}
spec:
  backoffLimit: 6
  ttlSecondsAfterFinished: 604800
  template:
    metadata: {{labels: {2}}}
    spec:
      restartPolicy: Never
{3})",
             revision, Quoted(platform.name_space), Labels("apply"), pod.Spec(""));
}

}  // namespace

std::vector<Manifest> KubernetesManifests(const KubernetesPlatform& platform) {
  std::vector<Manifest> manifests{{"namespaces.yaml", Namespaces(platform)},
                                  {"accounts.yaml", Accounts(platform)},
                                  {"networks.yaml", Networks(platform)},
                                  {"apply.yaml", ApplyJob(platform)},
                                  {"engine.yaml", Engine(platform)}};
  std::string files;
  for (const Manifest& manifest : manifests) files += "  - " + manifest.file + "\n";
  manifests.push_back(
      {"kustomization.yaml",
       Heading() + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n" + files});
  return manifests;
}

}  // namespace yellow::render
