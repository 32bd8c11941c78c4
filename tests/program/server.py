"""A PostgreSQL that Yellow does not own, on loopback, with passwords really asked for."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

from project import PSQL

PROGRAMS = os.environ.get("YELLOW_PG_BIN") or "/usr/lib/postgresql/15/bin"


def unprivileged():
    """A server may not run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class NamedPostgres:
    """REQUIRES: ended with `close`. `base` is a folder for what belongs to the test."""

    PASSWORD = "canary-super-3141"

    def __init__(self, settings="-c fsync=off"):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-named-"))
        self.base.chmod(0o755)
        self.folder = self.base / "server"
        self.folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        password = self.base / "password"
        password.write_text(self.PASSWORD)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.run("initdb", "-A", "scram-sha-256", "-U", "postgres", "--pwfile", str(password), "-N", "-D", str(self.folder / "data"))
        self.settings = settings
        self.start()

    def give_to_administrator(self):
        """A database `merge` of somebody who is no superuser; returns how to call yellow as them."""
        self.psql("postgres", "CREATE ROLE administrator LOGIN CREATEROLE PASSWORD 'canary-admin-1618'")
        self.psql("postgres", "CREATE DATABASE merge OWNER administrator")
        if int(self.psql("postgres", "SHOW server_version_num")) >= 160000:
            self.psql("postgres", "GRANT pg_signal_backend TO administrator WITH ADMIN OPTION")
        return {"PGUSER": "administrator", "PGPASSWORD": "canary-admin-1618"}

    @property
    def log(self):
        return self.folder / "log"

    def start(self):
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-s", "-l", str(self.log), "-o",
                 f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder} {self.settings} -c max_prepared_transactions=5",
                 "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "-s", "stop")

    def back_up(self):
        """As it is now, into a folder that stays until the next one."""
        self.stop()
        self.copy("data", "backup")
        self.start()

    def restore(self):
        self.stop()
        self.copy("backup", "data")
        self.start()

    def copy(self, origin, target):
        shutil.rmtree(self.folder / target, True)
        subprocess.run(["cp", "-a", str(self.folder / origin), str(self.folder / target)], check=True)

    def close(self):
        self.stop("immediate")
        shutil.rmtree(self.base, True)

    def run(self, program, *arguments):
        subprocess.run([f"{PROGRAMS}/{program}", *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                       **unprivileged())

    def psql(self, database, text, user="postgres", password=None):
        environment = {**os.environ, "PGPASSWORD": password or self.PASSWORD}
        done = subprocess.run([PSQL, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", database],
                              input=text, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip()
