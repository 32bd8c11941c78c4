"""etcd, the API server, the controller manager and the scheduler, on loopback, with TLS between all of them."""

import json
import socket

from api import Api

CLUSTER_DOMAIN = "cluster.local"
# What others than its own programs and its administrator ask of the API: who, what, when, and when it was answered.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:masters", "system:nodes", "system:serviceaccounts:kube-system"]},
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]},
        {"level": "Metadata"},
    ],
}


def free_ports(count):
    """Ports of loopback that nobody has; all at once, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class ControlPlane:
    """`state` says where things are: ports {etcd, peer, api}, service_address (the API as pods see it), service_subnet, node_address or None; and whether to audit."""

    def __init__(self, folder, program, processes, certificates, state):
        self.folder = folder
        self.program = program
        self.processes = processes
        self.certificates = certificates
        self.state = state

    @property
    def server(self):
        return f"https://127.0.0.1:{self.state['ports']['api']}"

    def up(self):
        self.make_certificates()
        self.start_etcd()
        self.start_api()
        api = Api(self.folder / "kubeconfig")
        self.processes.wait("kube-apiserver", "/readyz of the API", lambda: api.answers("/readyz"))
        self.start_controllers()
        # The first pod needs the service account that a controller makes.
        self.processes.wait("kube-controller-manager", "the service account `default`", lambda: api.answers("/api/v1/namespaces/default/serviceaccounts/default"))
        return api

    def make_certificates(self):
        certificates = self.certificates
        for authority in ("kubernetes-ca", "etcd-ca"):
            certificates.authority(authority)
        here = ["IP:127.0.0.1", "DNS:localhost"]
        certificates.issue("etcd", "etcd-ca", "/CN=etcd", here)
        certificates.issue("etcd-client", "etcd-ca", "/CN=kube-apiserver")
        names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{CLUSTER_DOMAIN}"]
        certificates.issue("api", "kubernetes-ca", "/CN=kube-apiserver", [*here, f"IP:{self.state['service_address']}", *(f"DNS:{name}" for name in names)])
        certificates.issue("kubelet-client", "kubernetes-ca", "/O=system:masters/CN=kube-apiserver")
        certificates.signing_key("service-accounts")
        for name, subject in (
            ("admin", "/O=system:masters/CN=admin"),
            ("controller-manager", "/CN=system:kube-controller-manager"),
            ("scheduler", "/CN=system:kube-scheduler"),
        ):
            certificates.issue(name, "kubernetes-ca", subject)
            path = self.folder / ("kubeconfig" if name == "admin" else f"certificates/{name}.kubeconfig")
            certificates.kubeconfig(path, self.server, "kubernetes-ca", name)

    def start_etcd(self):
        certificates = self.certificates
        client, peer = (f"https://127.0.0.1:{self.state['ports'][name]}" for name in ("etcd", "peer"))
        options = {
            "name": "yellow",
            "data-dir": self.folder / "etcd",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"yellow={peer}",
            "log-level": "warn",
            # What a power failure takes from a cluster of this kind is no loss.
            "unsafe-no-fsync": "true",
        }
        for prefix in ("", "peer-"):
            options |= {
                f"{prefix}cert-file": certificates.certificate("etcd"),
                f"{prefix}key-file": certificates.key("etcd"),
                f"{prefix}trusted-ca-file": certificates.certificate("etcd-ca"),
                f"{prefix}client-cert-auth": "true",
            }
        self.start("etcd", options)

    def start_api(self):
        certificates = self.certificates
        options = {
            "bind-address": "127.0.0.1",
            "secure-port": self.state["ports"]["api"],
            "advertise-address": self.state["node_address"] or "127.0.0.1",
            # The service `kubernetes` has no endpoint that pods could use: they come in through `forward`.
            "endpoint-reconciler-type": "none",
            "etcd-servers": f"https://127.0.0.1:{self.state['ports']['etcd']}",
            "etcd-cafile": certificates.certificate("etcd-ca"),
            "etcd-certfile": certificates.certificate("etcd-client"),
            "etcd-keyfile": certificates.key("etcd-client"),
            "tls-cert-file": certificates.certificate("api"),
            "tls-private-key-file": certificates.key("api"),
            "client-ca-file": certificates.certificate("kubernetes-ca"),
            "kubelet-client-certificate": certificates.certificate("kubelet-client"),
            "kubelet-client-key": certificates.key("kubelet-client"),
            "kubelet-certificate-authority": certificates.certificate("kubernetes-ca"),
            "kubelet-preferred-address-types": "InternalIP",
            "service-account-issuer": f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
            "service-account-key-file": certificates.folder / "service-accounts.pub",
            "service-account-signing-key-file": certificates.key("service-accounts"),
            "service-cluster-ip-range": self.state["service_subnet"],
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction",
            "anonymous-auth": "false",
            "profiling": "false",
        }
        if self.state.get("audit"):
            policy = self.folder / "audit-policy.json"
            policy.write_text(json.dumps(AUDIT_POLICY))
            options |= {"audit-policy-file": policy, "audit-log-path": self.folder / "audit.log"}
        self.start("kube-apiserver", options)

    def start_controllers(self):
        certificates = self.certificates
        kubeconfig = certificates.folder / "controller-manager.kubeconfig"
        options = {
            "kubeconfig": kubeconfig,
            "root-ca-file": certificates.certificate("kubernetes-ca"),
            "service-account-private-key-file": certificates.key("service-accounts"),
            "use-service-account-credentials": "true",
            "leader-elect": "false",
            "secure-port": "0",
        }
        self.start("kube-controller-manager", options)
        self.start("kube-scheduler", {"kubeconfig": certificates.folder / "scheduler.kubeconfig", "leader-elect": "false", "secure-port": "0"})

    def start(self, name, options):
        self.processes.start(name, [self.program, name, *(f"--{option}={value}" for option, value in options.items())])
