"""The whole platform in the cluster, from nothing to masked customers, as docs/howto/kubernetes.md says: Yellow's image with the project in it, the manifests of `yellow render
kubernetes`, two engines. Needs the cluster that YELLOW_KUBERNETES names (ctest starts it); without one it fails."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from pods import Registry, cluster     # which makes the others be found
from api import Api, Refused, wait
from project import ROOT, Project
from server import NamedPostgres

ENGINE, CODE = "platform-engine", "platform-code"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{ENGINE}/deployments/yellow"


class PlatformTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.kubeconfig = pathlib.Path(os.environ.get("YELLOW_KUBERNETES", "/no-cluster-was-named"), "kubeconfig")
        cls.api = Api(cls.kubeconfig)
        cls.remove()
        cls.addClassCleanup(cls.remove)
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.close)
        cls.postgres = NamedPostgres()
        cls.addClassCleanup(cls.postgres.close)
        cls.host = cluster("forward", str(cls.postgres.port)).split(":")[0]
        cls.addClassCleanup(cluster, "stop", f"forward-{cls.postgres.port}")
        for database in ("merge", "shop"):
            cls.postgres.psql("postgres", f"CREATE DATABASE {database}")
        cls.postgres.psql("shop", (ROOT / "examples/shop/source.sql").read_text() + ";CREATE ROLE shop_reader LOGIN PASSWORD 'canary-reader-577'; GRANT SELECT ON customers, addresses TO shop_reader")
        cls.project = Project()
        cls.addClassCleanup(cls.project.close)
        cls.write_project()
        cls.bootstrap = cls.project.yellow("bootstrap", "--environment", "production", environment={"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD})
        cls.image = cls.make_image()

    @classmethod
    def remove(cls):
        for name in (ENGINE, CODE):
            try:
                cls.api.delete(f"/api/v1/namespaces/{name}")
            except Refused as refused:
                assert refused.status == 404, refused
        wait("the namespaces go", lambda: not any(cls.api.answers(f"/api/v1/namespaces/{name}") for name in (ENGINE, CODE)), 120)

    @classmethod
    def write_project(cls):
        model = cls.project.root / "model"
        shop = (model / "shop.yaml").read_text()
        cls.project.write("model/shop.yaml", shop.replace('"*/5 * * * *"', '"* * * * *"'))
        mask, count = re.subn(r"  code:\n    sql: .*\n", "  code: {image: shop/mask-customers}\n", (model / "mask_shop.yaml").read_text())
        assert count == 1
        cls.project.write("model/mask_shop.yaml", mask.replace("transformer:\n", "transformer:\n  credentials: [other]\n", 1))
        team = (model / "team.yaml").read_text()
        cls.project.write("model/team.yaml", team.replace("credentials:\n", "credentials:\n  other: {type: user_password}\n", 1))
        server = {"host": cls.host, "port": cls.postgres.port}
        cls.project.write("environments/production.yaml", "\n".join([
            "kind: Environment", "name: production", f"containers: {json.dumps({'MergeDB': server, 'ShopDB': server})}", "credentials: {shop_reader: {kubernetes: shop-reader}, other: {kubernetes: other}}",
            f"images: {json.dumps({'shop/mask-customers': cls.registry.mask})}", "classes: {allowed: [pii]}", f"launcher: {{kubernetes: {{namespace: {CODE}}}}}", "jobs: kubernetes"]))

    @classmethod
    def make_image(cls):
        """Yellow's own image, from the Dockerfile, with what the compiler's cache has; on it the project's."""
        cache = subprocess.run(["ccache", "--get-config", "cache_dir"], check=True, capture_output=True, text=True).stdout.strip()
        pathlib.Path(cache).mkdir(parents=True, exist_ok=True)
        yellow = cls.registry.engine("publish", "podman", "yellow", str(ROOT), "yellow", "--volume", f"{cache}:/root/.cache/ccache", timeout=2400)
        with tempfile.TemporaryDirectory(prefix="yellow-image-") as folder:
            context = pathlib.Path(folder, "project")
            for name in ("model", "environments"):
                shutil.copytree(cls.project.root / name, context / name)
            (context / "Dockerfile").write_text(f"FROM {yellow}\nCOPY . /srv/project\n")
            return cls.registry.engine("publish", "podman", "shop/yellow", str(context))

    def kubectl(self, *arguments):
        return cluster("kubectl", *arguments)

    def secret(self, name, data):
        self.api.create(f"/api/v1/namespaces/{ENGINE}/secrets", {"metadata": {"name": name}, "data": {key: base64.b64encode(value).decode() for key, value in data.items()}})

    def masked(self):
        return self.postgres.psql("merge", "SELECT id, firstname, lastname, dob FROM ws_analysts.now__shopmasked__customers ORDER BY id")

    def expected(self):
        return self.postgres.psql("shop", "SELECT id, left(firstname, 1) || '.', left(lastname, 1) || '.', date_trunc('year', dob)::date FROM customers ORDER BY id")

    def follows(self):
        """The masked store has what the source has now; who is not ready yet has no view."""
        try:
            return self.masked() == self.expected()
        except AssertionError:
            return False

    def engines(self):
        return [pod for pod in self.api.get(f"/api/v1/namespaces/{ENGINE}/pods?labelSelector=app.kubernetes.io%2Fcomponent%3Dengine")["items"] if "deletionTimestamp" not in pod["metadata"]]

    def await_(self, what, ready, seconds):
        """With what the engines said, when it does not happen."""
        try:
            return wait(what, ready, seconds)
        except AssertionError as failure:
            logs = "".join(self.kubectl("logs", "-n", ENGINE, pod["metadata"]["name"]) for pod in self.engines())
            raise AssertionError(f"{failure}\n{logs}\n{self.kubectl('get', 'all,events', '-n', ENGINE)}") from None

    def test_from_nothing_to_masked_customers(self):
        self.assertEqual(self.bootstrap.status, 0, self.bootstrap)
        out = self.project.base / "deploy"
        rendered = self.project.yellow("render", "kubernetes", "--environment", "production", "--namespace", ENGINE, "--image", self.image, "-o", str(out))
        self.assertEqual(rendered.status, 0, rendered)
        texts = {file.name: file.read_text() for file in out.iterdir()}
        again = self.project.yellow("render", "kubernetes", "--environment", "production", "--namespace", ENGINE, "--image", self.image, "--output", "json")
        self.assertEqual({file["key"]: file["text"] for file in json.loads(again.out)}, texts)
        # The namespaces first, for the Secrets; the rest as kustomize has it. kubectl refuses what the API's schema does not know.
        self.kubectl("apply", "--validate=strict", "-f", str(out / "namespaces.yaml"))
        self.secret("yellow-logins", {file.name: file.read_bytes() for file in (self.project.root / ".yellow/secrets").iterdir()})
        self.secret("shop-reader", {"username": b"shop_reader", "password": b"canary-reader-577"})
        self.secret("other", {"username": b"other", "password": b"canary-other-577"})
        done = subprocess.run([ROOT / "tests/kubernetes/cluster", "kubectl", "apply", "--validate=strict", "-k", str(out)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("PodSecurity", done.stderr)
        self.await_("the engines are ready", lambda: self.api.get(DEPLOYMENT)["status"].get("readyReplicas") == 2, 180)
        self.await_("customers are masked", self.follows, 120)

        # One engine is lost by force, and a change still arrives; then the other.
        for victim in (0, 1):
            name = sorted(pod["metadata"]["name"] for pod in self.engines())[0]
            self.kubectl("delete", "pod", "-n", ENGINE, name, "--force", "--grace-period=0")
            self.postgres.psql("shop", f"UPDATE customers SET firstname = chr(ascii('P') + {victim}) || 'aula' WHERE id = (SELECT min(id) FROM customers)")
            self.assertFalse(self.follows())
            self.await_("the change is masked", self.follows, 150)
        self.every_batch_arrived_once()

        self.jobs_are_pods()
        everything = self.kubectl("get", "all,configmaps,events,jobs,pods", "-A", "-o", "yaml") + "".join(texts.values())
        for pod in self.engines():
            everything += self.kubectl("logs", "-n", ENGINE, pod["metadata"]["name"])
        for file in (self.project.root / ".yellow/secrets").iterdir():
            self.assertNotIn(file.read_text().strip(), everything, file.name)
        for canary in ("canary-reader-577", "canary-other-577"):
            self.assertNotIn(canary, everything)
        self.what_the_account_may_not()

    def every_batch_arrived_once(self):
        """However many there were: a read that falls between the changes finds none, and is a batch too."""
        claims = self.postgres.psql("merge", "SELECT input, from_batch, to_batch FROM yellow.claim c JOIN yellow.run r ON r.id = c.run_id WHERE r.state = 'committed' ORDER BY 1, 2")
        reached = {}
        for claim in claims.splitlines():
            store_dataset, first, last = claim.split("|")
            self.assertEqual(int(first), reached.get(store_dataset, 0), claims)
            self.assertGreater(int(last), int(first), claims)
            reached[store_dataset] = int(last)
        self.assertEqual(set(reached), {"Shop.addresses", "Shop.customers"}, claims)
        self.assertGreaterEqual(min(reached.values()), 3, claims)
        output = "SELECT sum(inserted), sum(updated), sum(deleted) FROM yellow.batch_dataset WHERE stream = 'Ingest/Main/ShopMasked' AND dataset = 'customers'"
        self.assertEqual(self.postgres.psql("merge", output), "3000|2|0")

    def jobs_are_pods(self):
        """The next read is seen as a pod: with the reader's password for the source, as nobody to the API."""
        jobs = f"/apis/batch/v1/namespaces/{ENGINE}/jobs?labelSelector=yellow.job"
        job = self.await_("the next read begins", lambda: next((one for one in self.api.get(jobs)["items"] if one["metadata"]["annotations"]["yellow.node"] == "Ingest/Main/Shop"), None), 90)
        pod = job["spec"]["template"]["spec"]
        self.assertEqual((pod["automountServiceAccountToken"], pod["containers"][0]["image"]), (False, self.image))
        mounted = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        self.assertEqual({path for path in mounted if path.startswith("/run/yellow/secrets/")}, {"/run/yellow/secrets/shop-reader/username", "/run/yellow/secrets/shop-reader/password"})
        self.await_("it ends and is removed", lambda: not [one for one in self.api.get(jobs)["items"] if one["metadata"]["uid"] == job["metadata"]["uid"]], 60)

    def what_the_account_may_not(self):
        """The engine's account may do nothing in its own namespace, and not more than its work in the code's."""
        account = f"system:serviceaccount:{ENGINE}:yellow"
        for verb, what, where, answer in (("create", "jobs.batch", CODE, "yes"), ("get", "configmaps", ENGINE, "no"), ("create", "pods", CODE, "no"), ("create", "pods/exec", CODE, "no"),
                                          ("list", "secrets", "kube-system", "no"), ("update", "deployments.apps", ENGINE, "no")):
            done = subprocess.run([ROOT / "tests/kubernetes/cluster", "kubectl", "auth", "can-i", verb, what, "-n", where, "--as", account], capture_output=True, text=True)
            self.assertEqual(done.stdout.strip(), answer, (verb, what, where))


if __name__ == "__main__":
    unittest.main(verbosity=2)
