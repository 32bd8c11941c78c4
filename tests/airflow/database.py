"""The PostgreSQL of Airflow's metadata: on a unix socket in a folder that nobody else may enter."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "program"))

from programs import Failure  # noqa: E402
from server import PROGRAMS, unprivileged  # noqa: E402

NAME = "postgres"


class Database:
    def __init__(self, folder, processes):
        self.folder = folder / NAME
        self.data = self.folder / "data"
        self.processes = processes

    def make(self):
        """Once; the name of a socket has room for 107 bytes."""
        if len(str(self.folder / ".s.PGSQL.5432")) > 107:
            raise Failure(f"the name {self.folder} is too long for a unix socket\n  = name a shorter folder with --folder")
        self.folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.run("initdb", "-A", "trust", "-U", "airflow", "-N", "-E", "UTF8", "--locale=C.UTF-8", "-D", self.data)

    def start(self):
        # Nobody's data: it need not outlast a power cut. The workers of a scheduler that was killed hold its session open, with the rows that it had locked.
        settings = {"listen_addresses": "", "unix_socket_directories": self.folder, "max_connections": 200, "idle_in_transaction_session_timeout": "20s",
                    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [f"{PROGRAMS}/postgres", "-D", self.data, *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))]
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        self.processes.start(NAME, [*user, *command])
        self.processes.wait(NAME, "to take connections", lambda: self.psql("postgres", "SELECT 1") is not None, 60)
        if self.psql("postgres", "SELECT 1 FROM pg_database WHERE datname = 'airflow'") == "":
            self.psql("postgres", "CREATE DATABASE airflow")

    def stop(self):
        """Smart would wait for those who are connected."""
        if self.processes.pid(NAME):
            subprocess.run([f"{PROGRAMS}/pg_ctl", "-D", self.data, "-m", "fast", "-w", "-s", "stop"], cwd="/", **unprivileged())
        self.processes.stop(NAME)

    def psql(self, database, statement):
        """What it prints; None when it could not."""
        command = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "airflow", "-d", database, "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    def run(self, program, *arguments):
        done = subprocess.run([f"{PROGRAMS}/{program}", *map(str, arguments)], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, **unprivileged())
        if done.returncode != 0:
            raise Failure(f"{program}: {done.stderr.strip()}")
