"""The shop whose customers are masked by a pod: its databases on a server that pods reach, its image in a registry that the node pulls from."""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "program")]

from api import Api, Refused, wait  # noqa: E402
from project import ROOT, YELLOW, Project  # noqa: E402
from server import NamedPostgres  # noqa: E402

ENGINE = HERE.parent / "containers/engine"


def cluster(*arguments):
    done = subprocess.run([HERE / "cluster", *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"cluster {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Registry:
    """With the image that masks customers in Python. REQUIRES: ended with `close`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="yellow-images-", dir="/var/tmp")
        try:
            self.mask = self.engine("publish", "podman", "shop/mask-customers", str(ROOT / "examples/images/python"))
        except BaseException:
            self.close()
            raise

    def engine(self, *arguments, timeout=500):
        done = subprocess.run([ENGINE, "--folder", self.folder, *arguments], capture_output=True, text=True, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    def close(self):
        self.engine("down")


class Namespace:
    """A namespace of the cluster with the standard `restricted`, and an account that may do what Yellow needs in it, and nothing else."""

    RULES = [
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "list", "watch", "delete"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get", "list", "patch", "delete"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "delete"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
    ]

    def __init__(self, name):
        folder = pathlib.Path(os.environ.get("YELLOW_KUBERNETES", "/no-cluster-was-named"))
        kubeconfig = folder / "kubeconfig"
        if not kubeconfig.exists():
            raise AssertionError(f"{kubeconfig}: no cluster\n  = tests/kubernetes/cluster up, and name its folder in YELLOW_KUBERNETES")
        self.name, self.api = name, Api(kubeconfig)
        self.path = f"/api/v1/namespaces/{name}"
        self.jobs, self.pods, self.secrets = f"/apis/batch/v1/namespaces/{name}/jobs", f"{self.path}/pods", f"{self.path}/secrets"
        self.remove()
        self.api.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}}})
        self.api.create(f"{self.path}/serviceaccounts", {"metadata": {"name": "yellow"}})
        self.kubeconfig = folder / f"kubeconfig-{name}"
        self.give(self.RULES)
        self.write_kubeconfig(kubeconfig)

    def give(self, rules):
        roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.name}"
        role = {"metadata": {"name": "yellow"}, "rules": rules}
        if self.api.answers(f"{roles}/roles/yellow"):
            self.api.change(f"{roles}/roles/yellow", role)
            return
        self.api.create(f"{roles}/roles", role)
        subject = {"kind": "ServiceAccount", "name": "yellow", "namespace": self.name}
        self.api.create(f"{roles}/rolebindings", {"metadata": {"name": "yellow"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "yellow"}, "subjects": [subject]})

    def write_kubeconfig(self, administrator, server=None):
        token = self.api.create(f"{self.path}/serviceaccounts/yellow/token", {"spec": {"expirationSeconds": 7200}})["status"]["token"]
        config = json.loads(pathlib.Path(administrator).read_text())
        config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
        self.kubeconfig.write_text(json.dumps(config))
        self.kubeconfig.chmod(0o600)

    def remove(self):
        try:
            self.api.delete(self.path)
        except Refused as refused:
            assert refused.status == 404, refused
        wait("the namespace goes", lambda: not self.api.answers(self.path), 120)

    def all(self, path):
        return self.api.get(path)["items"]

    def names(self, path):
        return [one["metadata"]["name"] for one in self.all(path)]

    def pod_of(self, run):
        """The pod of a run, or None."""
        found = self.api.get(f"{self.pods}?labelSelector=yellow.run%3D{run}")["items"]
        return found[0] if found else None

    def log(self, pod):
        try:
            return self.api.text("GET", f"{self.pods}/{pod}/log?container=main")
        except Refused:     # it is not there yet, or no more
            return ""

    def secret_values(self, name):
        return {key: base64.b64decode(value).decode() for key, value in self.api.get(f"{self.secrets}/{name}")["data"].items()}


class PodShop(Project):
    """The standing example, whose transformer is an image. `name`: of a namespace that is made for it."""

    def __init__(self, image, namespace):
        super().__init__()
        self.unscheduled()
        self.image, self.namespace = image, namespace
        self.postgres = NamedPostgres("-c fsync=off")
        self.host = cluster("forward", str(self.postgres.port)).split(":")[0]
        for database in ("merge", "shop"):
            self.postgres.psql("postgres", f"CREATE DATABASE {database}")
        self.postgres.psql("shop", (ROOT / "examples/shop/source.sql").read_text() + ";CREATE ROLE shop_reader LOGIN PASSWORD 'reader'; GRANT SELECT ON customers, addresses TO shop_reader")
        self.workspace, count = re.subn(r"  code:\n    sql: .*\n", "  code: {image: shop/mask-customers}\n", (self.root / "model/mask_shop.yaml").read_text())
        assert count == 1
        self.write("model/mask_shop.yaml", self.workspace)
        self.place({})
        os.environ.update(SHOP_USER="shop_reader", SHOP_PASSWORD="reader")
        for command, environment in ((["bootstrap"], {"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD}), (["run", "--apply"], {})):
            done = self.yellow(*command, environment=environment)
            assert done.status == 0, done

    def place(self, more, image=None, limits=None, host=None):
        """Writes the environment; `more` are settings of its launcher."""
        settings = {"namespace": self.namespace.name, "kubeconfig": str(self.namespace.kubeconfig), **more}
        server = {"host": host or self.host, "port": self.postgres.port}
        self.write("environments/local.yaml", "\n".join([
            "kind: Environment", "name: local",
            f"containers: {json.dumps({'MergeDB': server, 'ShopDB': server})}",
            "credentials: {shop_reader: {env: SHOP}}", "classes: {allowed: [pii]}",
            f"launcher: {json.dumps({'kubernetes': settings})}",
            f"images: {json.dumps({'shop/mask-customers': image or self.image})}",
            f"limits: {json.dumps(limits)}" if limits else ""]))

    def sql(self, container, statements):
        text = self.postgres.psql("merge" if container == "MergeDB" else "shop", statements)
        return [tuple(line.split("|")) for line in text.splitlines()]

    def close(self):
        super().close()
        cluster("stop", f"forward-{self.postgres.port}")
        self.postgres.close()

    def runs(self):
        result = self.yellow("runs", "list", "--output", "json")
        assert result.status == 0, result
        return json.loads(result.out)

    def code(self, script, more="", transformer="  retries: 0\n", timeout="10m"):
        """Makes this Python the code of the transformer; what is the same would not run again."""
        text = json.dumps(f"# {time.monotonic()}\n{script}")
        code = f"  code: {{image: shop/mask-customers, command: [python3, -c, {text}]{more}}}\n{transformer}"
        self.write("model/mask_shop.yaml", self.workspace.replace("  code: {image: shop/mask-customers}\n", code).replace("timeout: 10m", "timeout: " + timeout))

    def start(self, *arguments, environment=None):
        return subprocess.Popen([YELLOW, "--project", str(self.root), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, **(environment or {})})
