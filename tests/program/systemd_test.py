"""`yellow render systemd`: systemd accepts the unit, the service tells it how it is, and what the unit takes away is not needed."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

from project import YELLOW, Project

WORKER = """
kind: Workspace
name: Worker
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  retries: 0
  output: {datastore: Work, datasets: {people: {key: [id], columns: {id: varchar(20)}}}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.people]}}
"""
WHO = """
import os, pathlib, subprocess
print("as user", os.getuid(), [l for l in pathlib.Path("/proc/self/status").read_text().splitlines() if l.startswith("NoNewPrivs")])
subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "INSERT INTO " + os.environ["YELLOW_OUTPUT__PEOPLE"]
                + " SELECT id FROM " + os.environ["YELLOW_INPUT__IN__SHOP__CUSTOMERS"]], check=True)
"""


class Systemd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project()
        cls.addClassCleanup(cls.project.close)
        shop = cls.project.root / "model/shop.yaml"
        shop.write_text(shop.read_text().replace("*/5 * * * *", "0 0 1 1 *"))
        cls.project.demo()

    def unit(self, *arguments):
        result = self.project.yellow("render", "systemd", *arguments)
        self.assertEqual((result.status, result.err != ""), (0, "--sessions" in arguments), result)
        return result.out

    def exposure(self, *arguments):
        """How open the unit is, from 0 to 10, as systemd counts."""
        file = self.project.base / "weighed" / "yellow-project.service"
        file.parent.mkdir(exist_ok=True)
        file.write_text(self.unit(*arguments))
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(file)], capture_output=True, text=True)
        return float(re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)[1])

    def test_sessions_cost_what_is_told_and_nothing_else(self):
        for user in ([], ["--user", "daemon"]):
            plain, with_sessions = (set(self.unit(*more, *user).splitlines()) for more in ([], ["--sessions"]))
            settings = {line.split("=")[0] for line in plain - with_sessions if "=" in line}
            self.assertLessEqual(settings, {"ExecStart", "RestrictNamespaces", "ProtectKernelLogs", "ProtectKernelTunables"})
            self.assertLess(self.exposure("--sessions", *user) - self.exposure(*user), 1.2)
        self.assertNotIn("user", re.search(r"RestrictNamespaces=(.*)", self.unit("--sessions"))[1])
        self.assertIn("whoever takes the service over has the machine", self.project.yellow("render", "systemd", "--sessions").err)

    def verified(self, folder):
        file = next(pathlib.Path(folder).glob("*.service"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True)
        return done.returncode, done.stderr

    def test_systemd_accepts_it(self):
        for number, arguments in enumerate(([], ["--user", "daemon", "--listen", "127.0.0.1:0", "--grace", "5"], ["--sessions"],
                                             ["--sessions", "--user", "daemon"])):
            folder = self.project.base / f"units{number}"
            result = self.project.yellow("render", "systemd", "-o", str(folder), *arguments)
            self.assertEqual(result.status, 0, result)
            self.assertIn("systemctl daemon-reload", result.out)
            self.assertEqual(self.verified(folder), (0, ""))
            self.assertEqual((folder / "yellow-project.service").read_text(), self.unit(*arguments))
        # It would say so.
        broken = self.project.base / "broken"
        broken.mkdir()
        (broken / "yellow-project.service").write_text(self.unit().replace("KillMode=mixed", "KillMode=maybe"))
        self.assertIn("maybe", self.verified(broken)[1])

    def test_secrets_stand_in_a_file_of_their_own(self):
        self.project.write("environments/prod.yaml", "kind: Environment\nname: prod\ncontainers:\n  MergeDB: {host: db, port: 5432}\n"
                           "  ShopDB: {host: db, port: 5432}\ncredentials: {shop_reader: {env: SHOP}}\nclasses: {allowed: [pii]}\n")
        text = self.unit("--environment", "prod")
        self.assertIn("#   SHOP_PASSWORD\n#   SHOP_USER\nEnvironmentFile=/etc/yellow/yellow-project.env\n", text)
        self.assertNotIn("ExecStopPost", text)

    def test_what_receivers_and_anchors_need_is_in_it(self):
        def environment(more):
            self.project.write("environments/told.yaml", "kind: Environment\nname: told\ncontainers:\n  MergeDB: {host: db, port: 5432}\n"
                               "  ShopDB: {host: db, port: 5432}\ncredentials: {shop_reader: {env: SHOP}}\nclasses: {allowed: [pii]}\n" + more)
            return self.unit("--environment", "told")
        plain = environment("")
        text = environment("notify: {chat: {webhook: {env: CHAT_URL}}, plain: {webhook: {file: url}}}\n"
                           "audit: {anchors: [{file: /mnt/worm/anchors}, {file: /mnt/worm/more}, {git: ../anchors}, {file: /top}, {syslog: true}]}\n")
        self.assertEqual(set(text.splitlines()) - set(plain.splitlines()),
                         {"#   CHAT_URL", "ReadWritePaths=-/mnt/worm", f"ReadWritePaths=-{self.project.root}/../anchors", "ReadWritePaths=-/"})
        self.assertEqual(text.count("-/mnt/worm"), 1)
        folder = self.project.base / "anchored"
        folder.mkdir()
        (folder / "yellow-project.service").write_text(environment("audit: {anchors: [{file: /mnt/worm of audit/anchors}]}\n"))
        self.assertEqual(self.verified(folder), (0, ""))

    def test_what_cannot_stand_in_a_unit_is_refused(self):
        result = self.project.yellow("render", "systemd", "--user", "a\nExecStart=/bin/sh")
        self.assertEqual(result.status, 2, result)
        self.assertIn("--user holds a control character", result.err)

    def test_the_service_says_when_it_is_ready_and_when_it_ends(self):
        for address in (str(self.project.base / "notify"), f"@yellow-{os.getpid()}"):
            heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            heard.settimeout(60)
            heard.bind(address.replace("@", "\0"))
            serving = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve"], stdout=subprocess.DEVNULL,
                                       env={**os.environ, "NOTIFY_SOCKET": address})
            with heard:
                self.assertEqual(heard.recv(100), b"READY=1")
                serving.send_signal(signal.SIGTERM)
                self.assertEqual(heard.recv(100), b"STOPPING=1")
            self.assertEqual(serving.wait(timeout=60), 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives runs users of their own")
    def test_root_needs_no_more_than_the_unit_leaves(self):
        """The capabilities and NoNewPrivileges of the unit, and its private PostgreSQL started and stopped under them."""
        text = self.unit()
        self.assertIn("\nNoNewPrivileges=yes\n", text)
        left = re.search(r"^CapabilityBoundingSet=(.+)$", text, re.M)[1].lower().replace("cap_", "+").split()
        self.project.write("model/worker.yaml", WORKER)
        self.project.write("model/worker/main.py", WHO)
        self.project.yellow("down")
        command = ["setpriv", "--no-new-privs", f"--bounding-set=-all,{','.join(left)}", "--inh-caps=-all", YELLOW, "--project", str(self.project.root)]
        done = subprocess.run([*command, "run", "--apply"], capture_output=True, text=True, timeout=120, umask=0o077)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        run = json.loads(self.project.yellow("runs", "list", "Worker", "--output", "json").out)[0]
        user, privileges = re.search(r"as user (\d+) (.*)", self.project.yellow("runs", "logs", run["id"]).out).groups()
        self.assertTrue(61184 <= int(user) <= 65519, user)
        self.assertIn("1", privileges)
        self.assertEqual(subprocess.run([*command, "down"], capture_output=True).returncode, 0)


if __name__ == "__main__":
    unittest.main()
