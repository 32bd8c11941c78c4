"""Disks that are full: the merge database's in staging, in the merge and in its log, and the one of Yellow's own files. Nothing is lost, each is said, and
with room again all goes on. Needs root, because only root may mount a small disk: for this process alone, in its own mount namespace."""

import ctypes
import os
import pathlib
import subprocess
import unittest

from project import Project
from server import NamedPostgres

CLONE_NEWNS = 0x00020000
CLUSTERS = pathlib.Path("/var/lib/yellow")
PASSWORD = "canary-reader-2718"
MODEL = """
kind: Datastore
name: Shop
capture: {sql_snapshot: {container: Source, credential: reader, schedule: "0 0 1 1 *"}}
datasets: {items: {key: [id], columns: {id: integer, v: text}}}
---
kind: Workspace
name: Copier
groups: {In: {sinks: [Shop.items]}}
transformer:
  code: {source: copier/, command: [bash, copy.sh]}
  retries: 0
  output: {datastore: Copies, datasets: {items: {like: Shop.items}}}
---
kind: Workspace
name: Readers
groups: {Now: {sinks: [Shop.items, Copies.items]}}
"""
TEAM = """
kind: Team
name: Default
containers: {Source: {postgres: {database: source}}}
credentials: {reader: {type: user_password}}
"""
ENVIRONMENT = """
kind: Environment
name: local
containers: {{MergeDB: embedded, Source: {{host: 127.0.0.1, port: {port}}}}}
credentials: {{reader: {{env: READER}}}}
limits: {{retry: 1s}}
"""
COPY = 'psql -X -q -v ON_ERROR_STOP=1 -c "INSERT INTO $YELLOW_OUTPUT__ITEMS SELECT id, v FROM $YELLOW_INPUT__IN__SHOP__ITEMS"\n'


def own_mounts():
    """What is mounted from now on is seen by this process and what it starts, and is gone with them."""
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root may mount a small disk")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest("no mount namespace of its own: " + os.strerror(ctypes.get_errno()))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Disk:
    def __init__(self, folder, options, mode="711"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode={mode},{options}", "tmpfs", str(folder)], check=True)

    def change(self, options):
        subprocess.run(["mount", "-o", f"remount,mode=711,{options}", str(self.folder)], check=True)

    def fill(self, leave):
        """All but `leave` bytes."""
        space = os.statvfs(self.folder)
        with open(self.folder / "ballast", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - leave)

    def empty(self):
        (self.folder / "ballast").unlink()


class FullDisk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own_mounts()

    def setUp(self):
        self.source = NamedPostgres("-c fsync=off -c dynamic_shared_memory_type=mmap")  # /dev/shm is for the other
        self.addCleanup(self.source.close)
        self.source.psql("postgres", "CREATE DATABASE source")
        self.source.psql("source", f"CREATE TABLE items (id integer PRIMARY KEY, v text); CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'; GRANT SELECT ON items TO reader; "
                                   "INSERT INTO items SELECT g, 'first' FROM generate_series(1, 10) g")
        self.disk = Disk(CLUSTERS, "size=2g")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(CLUSTERS)])
        self.project = Project(None)
        self.addCleanup(self.project.close)
        self.project.write("model/shop.yaml", MODEL)
        self.project.write("model/copier/copy.sh", COPY)
        self.project.write("model/team.yaml", TEAM)
        self.project.write("environments/local.yaml", ENVIRONMENT.format(port=self.source.port))
        first = self.yellow("run", "--apply")
        self.assertEqual(first.status, 0, first)

    def yellow(self, *arguments):
        result = self.project.yellow(*arguments, environment={"READER_USER": "reader", "READER_PASSWORD": PASSWORD}, timeout=300)
        self.assertNotIn("canary-", result.out + result.err)
        return result

    def read(self, store):
        """Rows, and a digest of them all."""
        return self.project.psql(self.project.server(), f"SELECT count(*), coalesce(sum(hashtext(id || v)), 0) FROM ws_readers.now__{store}__items")

    def wanted(self):
        done = subprocess.run(["psql", "-X", "-q", "-At", "-F", "\x1f", "-h", "127.0.0.1", "-p", str(self.source.port), "-U", "postgres", "-d", "source", "-c",
                               "SELECT count(*), coalesce(sum(hashtext(id || v)), 0) FROM items"], capture_output=True, text=True, check=True, env={**os.environ, "PGPASSWORD": NamedPostgres.PASSWORD})
        return [tuple(done.stdout.strip().split("\x1f"))]

    def expect_last_good_data(self, before, *stores):
        for store in stores:
            self.assertEqual(self.read(store), before, f"{store} has changed")

    def expect_all_goes_on(self):
        good = self.yellow("run", "Shop")
        self.assertEqual(good.status, 0, good)
        again = self.yellow("run", "Copier") if self.read("copies") != self.wanted() else good
        self.assertEqual(again.status, 0, again)
        for store in ("shop", "copies"):
            self.assertEqual(self.read(store), self.wanted(), again)
        self.assertEqual(self.project.broken_invariants(), {})

    def expect_said(self, result, name):
        self.assertNotEqual(result.status, 0, result)
        # Half of a block may have found room.
        full = "No space left on device|wrote only 4096 of 8192 bytes"
        self.assertRegex(result.out + result.err, full)
        explained = self.yellow("explain", name).out
        self.assertRegex(explained, full)
        self.assertRegex(explained, "What helps: (Check free disk space|make room)")

    def test_in_staging(self):
        before = self.read("shop")
        self.source.psql("source", "INSERT INTO items SELECT g, repeat(md5(g::text), 30) FROM generate_series(11, 40000) g")
        self.disk.fill(leave=24 << 20)
        self.expect_said(self.yellow("run", "Shop"), "Shop")
        self.expect_last_good_data(before, "shop", "copies")
        self.disk.empty()
        self.expect_all_goes_on()

    def test_in_the_merge(self):
        before = self.read("shop")
        self.source.psql("source", "INSERT INTO items SELECT g, repeat(md5(g::text), 30) FROM generate_series(11, 40000) g")
        self.disk.fill(leave=60 << 20)  # 40 MB of rows, which compress badly, once, but not twice
        failed = self.yellow("run", "Shop")
        self.assertNotEqual(failed.status, 0, failed)
        self.disk.empty()
        self.expect_all_goes_on()
        self.assertNotEqual(self.read("shop"), before)

    def test_of_the_log(self):
        before = self.read("shop")
        self.source.psql("source", "UPDATE items SET v = 'second'; INSERT INTO items SELECT g, repeat(md5(g::text), 30) FROM generate_series(11, 20000) g")
        self.project.psql(self.project.server(), "CREATE TABLE public.much AS SELECT repeat(md5(g::text), 30) AS t FROM generate_series(1, 20000) g; DROP TABLE public.much")
        self.disk.fill(leave=1 << 20)
        try:  # somebody else writes until the log is full: the server stops at once, as it must
            self.project.psql(self.project.server(), "CREATE TABLE public.more AS SELECT repeat(md5(g::text), 30) AS t FROM generate_series(1, 200000) g")
        except AssertionError:
            pass
        failed = self.yellow("run", "Shop")
        self.assertNotEqual(failed.status, 0, failed)
        self.disk.empty()
        self.expect_all_goes_on()
        self.assertNotEqual(self.read("shop"), before)

    def test_of_yellows_own_files(self):
        before = self.read("copies")
        self.source.psql("source", "UPDATE items SET v = 'second'")
        runs = Disk(self.project.root / ".yellow/runs", "size=1m,nr_inodes=2")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(runs.folder)])
        (runs.folder / "ballast").touch()
        self.expect_said(self.yellow("run", "Shop"), "Copier")
        self.assertEqual(self.read("shop"), self.wanted(), "the batch needs none of them")
        self.expect_last_good_data(before, "copies")
        runs.change("size=1m,nr_inodes=100")
        self.expect_all_goes_on()

    def test_of_shared_memory(self):
        """A container often has 64 MB of it; a comparison by several processes wants more."""
        self.source.psql("source", "INSERT INTO items SELECT g, repeat(md5(g::text), 4) FROM generate_series(11, 300000) g")
        self.assertEqual(self.yellow("run", "Shop").status, 0)
        self.source.psql("source", "UPDATE items SET v = 'second' WHERE id % 100 = 0; DELETE FROM items WHERE id % 1000 = 7")
        self.yellow("down")  # a server that runs has some already
        memory = Disk(pathlib.Path("/dev/shm"), "size=8m", mode="1777")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(memory.folder)])
        self.addCleanup(self.yellow, "down")
        self.expect_all_goes_on()
        self.assertIn("could not resize shared memory segment", self.project.server_log(), "it was not too little")


if __name__ == "__main__":
    unittest.main()
