"""The node: containerd and the kubelet, and the bridge over which pods and this machine reach each other.

What the machine had before is put back by `down`: the settings of the kernel that the kubelet and the bridge change, cgroups, mounts, the bridge itself."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

from programs import Failure

NAME = "yellow"
BRIDGE = "yellow-pods"
RUN = pathlib.Path("/run/yellow-kubernetes")
SOCKET = RUN / "containerd.sock"
PLUGINS = pathlib.Path("/usr/lib/cni")
PAUSE = "localhost/yellow-pause:1"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
CGROUP = "yellow-kubernetes"
SETTINGS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "net/ipv4/ip_forward")


def command(*arguments, check=True):
    done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, arguments))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def free_subnets():
    """One for pods and one for services, /24 each, that no route of this machine knows."""
    routes = command("ip", "-4", "route", "show", "table", "all")
    for number in range(256):
        if f"10.244.{number}." not in routes and f"10.245.{number}." not in routes:
            return f"10.244.{number}", f"10.245.{number}"
    raise Failure("no free network among 10.244.0.0/16 and 10.245.0.0/16\n  = ip -4 route shows who has them")


def removed(folder):
    try:
        folder.rmdir()
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def takes_connections(address, port):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex((address, port)) == 0


def owner_folder():
    """Of the cluster whose node this machine is, or was when a crash ended it; None if of none."""
    owner = RUN / "folder"
    return owner.read_text() if owner.exists() else None


class Node:
    """`state` says where things are: pods and services (the first three bytes of their networks), ports {api, kubelet, health}."""

    def __init__(self, folder, programs, processes, certificates, state):
        self.folder = folder
        self.programs = programs
        self.processes = processes
        self.certificates = certificates
        self.state = state

    @property
    def address(self):
        return f"{self.state['pods']}.1"

    def take_machine(self):
        """There is one node on a machine: kubelets share folders and settings of the kernel."""
        RUN.mkdir(mode=0o700, exist_ok=True)
        owner = RUN / "folder"
        if owner_folder() not in (None, str(self.folder)):
            raise Failure(f"this machine already has a node, of the cluster in {owner_folder()}\n  = use that one, or end it: tests/kubernetes/cluster --folder {owner_folder()} down")
        others = [path for path in pathlib.Path("/var/lib/kubelet").glob("*") if path.name != "device-plugins"]
        if others and not owner.exists():
            raise Failure(f"this machine is a node of another cluster: {others[0]}\n  = run the tests on a machine that is none")
        owner.write_text(str(self.folder))

    def has_machine(self):
        return owner_folder() == str(self.folder)

    def up(self, api):
        self.save_settings()
        self.make_bridge()
        self.make_cgroups()
        self.start_containerd()
        self.start_forward()
        self.start_kubelet()
        self.processes.wait("kubelet", "the node is Ready", lambda: self.is_ready(api))

    def is_ready(self, api):
        if not api.answers(f"/api/v1/nodes/{NAME}"):
            return False
        conditions = api.get(f"/api/v1/nodes/{NAME}")["status"].get("conditions", [])
        return {"type": "Ready", "status": "True"} in [{"type": one["type"], "status": one["status"]} for one in conditions]

    def save_settings(self):
        path = RUN / "settings.json"
        if not path.exists():
            path.write_text(json.dumps({name: pathlib.Path("/proc/sys", name).read_text().strip() for name in SETTINGS if pathlib.Path("/proc/sys", name).exists()}))

    def make_bridge(self):
        if not pathlib.Path("/sys/class/net", BRIDGE).exists():
            command("ip", "link", "add", BRIDGE, "type", "bridge")
        # The second address is that of the service `kubernetes`, by which pods look for the API.
        for address in (f"{self.address}/24", f"{self.state['services']}.1/32"):
            command("ip", "address", "replace", address, "dev", BRIDGE)
        command("ip", "link", "set", BRIDGE, "up")
        network = {
            "cniVersion": "0.4.0",
            "name": "yellow",
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": BRIDGE,
                    "isDefaultGateway": True,
                    "ipMasq": False,
                    "ipam": {"type": "host-local", "ranges": [[{"subnet": f"{self.state['pods']}.0/24"}]], "dataDir": str(self.folder / "addresses")},
                }
            ],
        }
        (self.folder / "network").mkdir(exist_ok=True)
        (self.folder / "network" / "yellow.conflist").write_text(json.dumps(network, indent=1))

    def start_containerd(self):
        config = self.folder / "containerd.toml"
        config.write_text(
            f"""version = 2
root = "{self.folder}/containerd"
state = "{RUN}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
netns_mounts_under_state_dir = true
# Only who may raise limits may give a process a score that protects it from the kernel's memory killer.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{PLUGINS}"
conf_dir = "{self.folder}/network"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "{RUN}/runc"
SystemdCgroup = false
"""
        )
        self.processes.start("containerd", ["containerd", "--config", config])
        self.processes.wait("containerd", "its socket answers", lambda: subprocess.run(["ctr", "-a", SOCKET, "version"], capture_output=True).returncode == 0)

    def start_forward(self):
        self.processes.start("forward", [self.programs / "kubernetes", "forward", f"{self.state['services']}.1:443", f"127.0.0.1:{self.state['ports']['api']}"])

    def forward(self, port):
        """Lets pods reach a server of this machine that listens on loopback only; hands back where."""
        name, address = f"forward-{port}", f"{self.address}:{port}"
        self.processes.start(name, [self.programs / "kubernetes", "forward", address, f"127.0.0.1:{port}"])
        self.processes.wait(name, f"it takes connections at {address}", lambda: takes_connections(self.address, port))
        return address

    def start_kubelet(self):
        certificates = self.certificates
        certificates.issue("kubelet", "kubernetes-ca", f"/O=system:nodes/CN=system:node:{NAME}", [f"IP:{self.address}", f"DNS:{NAME}"])
        kubeconfig = certificates.folder / "kubelet.kubeconfig"
        certificates.kubeconfig(kubeconfig, f"https://127.0.0.1:{self.state['ports']['api']}", "kubernetes-ca", "kubelet")
        config = self.folder / "kubelet.json"
        config.write_text(json.dumps(self.kubelet_config(), indent=1))
        options = {"config": config, "kubeconfig": kubeconfig, "hostname-override": NAME, "node-ip": self.address, "root-dir": self.folder / "kubelet"}
        self.processes.start("kubelet", [self.programs / "kubernetes", "kubelet", *(f"--{name}={value}" for name, value in options.items())])

    def kubelet_config(self):
        certificates = self.certificates
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "address": self.address,
            "port": self.state["ports"]["kubelet"],
            "healthzBindAddress": "127.0.0.1",
            "healthzPort": self.state["ports"]["health"],
            "tlsCertFile": str(certificates.certificate("kubelet")),
            "tlsPrivateKeyFile": str(certificates.key("kubelet")),
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": str(certificates.certificate("kubernetes-ca"))}},
            "authorization": {"mode": "Webhook"},
            # Machines that have cgroups of both versions have the memory limit in version 1.
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{CGROUP}",
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "makeIPTablesUtilChains": False,
            "podLogsDir": str(self.folder / "pod-logs"),
            "volumePluginDir": str(self.folder / "volume-plugins"),
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "fileCheckFrequency": "0s",
            "syncFrequency": "10s",
        }

    def import_image(self, archive):
        command("ctr", "-a", SOCKET, "-n", "k8s.io", "images", "import", archive)

    def down(self):
        """Ends whatever there still is of it."""
        if not self.has_machine():
            return
        for name in ("kubelet", "forward"):
            self.processes.stop(name)
        self.remove_pods()
        self.processes.stop("containerd")
        self.unmount()
        if pathlib.Path("/sys/class/net", BRIDGE).exists():
            command("ip", "link", "delete", BRIDGE)
        self.remove_cgroups()
        for link in pathlib.Path("/var/log/containers").glob("*.log"):
            if link.is_symlink() and os.readlink(link).startswith(str(self.folder)):
                link.unlink()
        # The kubelet makes these whatever it is told.
        pathlib.Path("/var/lib/kubelet/device-plugins/kubelet.sock").unlink(missing_ok=True)
        for made in ("/var/lib/kubelet/device-plugins", "/var/lib/kubelet"):
            with contextlib.suppress(OSError):
                os.rmdir(made)
        self.restore_settings()
        shutil.rmtree(RUN, ignore_errors=True)

    def remove_pods(self):
        """Only containerd knows what belongs to a pod; one that was killed is started again for it. Whatever goes wrong, the rest is still to be ended."""
        if not (self.folder / "containerd").exists():
            return
        try:
            self.start_containerd()
            command(self.programs / "kubernetes", "remove-pods", SOCKET)
        except Failure as failure:
            print(f"pods may be left: {failure}", file=sys.stderr)

    def unmount(self):
        """What pods had mounted, the innermost first."""
        points = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        for point in sorted(points, key=len, reverse=True):
            if pathlib.Path(point).is_relative_to(self.folder) or pathlib.Path(point).is_relative_to(RUN):
                command("umount", "--lazy", point)

    def make_cgroups(self):
        """All pods lie below one group, in every hierarchy: in version 1 there is one for each kind of resource."""
        for mount in (line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()):
            kind, root, options = mount[2], pathlib.Path(mount[1]), mount[3].split(",")
            if kind == "cgroup2" and root == CGROUPS:
                available = (root / "cgroup.controllers").read_text().split()
                wanted = [name for name in ("cpu", "cpuset", "memory", "pids") if name in available]
                (root / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
            elif kind != "cgroup":
                continue
            group = root / CGROUP
            group.mkdir(exist_ok=True)
            if "cpuset" in options:     # a group without processors takes no process
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (group / name).write_text((root / name).read_text())

    def remove_cgroups(self):
        """The innermost first; each goes when its last process has gone, which is a moment after it was ended."""
        until = time.monotonic() + 10
        for root in [path for path in CGROUPS.glob(f"**/{CGROUP}") if path.is_dir()]:
            for path in sorted([root, *(path for path in root.rglob("*") if path.is_dir())], key=lambda path: len(path.parts), reverse=True):
                while not removed(path) and time.monotonic() < until:
                    time.sleep(0.1)

    def restore_settings(self):
        path = RUN / "settings.json"
        if path.exists():
            for name, value in json.loads(path.read_text()).items():
                pathlib.Path("/proc/sys", name).write_text(value)
