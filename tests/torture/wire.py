"""Faults of the network, put in by a proxy that understands where PostgreSQL's messages begin: between Yellow and the merge database, its sources and the
code of transformers. A fault falls at a message of one direction, counted over all connections of a command, or a byte before or after its end.

  cut     both sides are closed
  reset   both sides are reset
  silent  half open: both sides stay open, and nothing comes through any more, in either direction
  slow    every byte comes alone, some late
  late    everything comes a while later
  narrow  so many bytes a second, and no more

The format of messages: PostgreSQL's documentation, "Message Formats"."""

import collections
import os
import pathlib
import shutil
import socket
import struct
import tempfile
import threading
import time

from storm import HERE, Storm, seeded

from server import NamedPostgres

SWEPT, STEADY = ("cut", "reset", "silent"), ("slow", "late", "narrow")
MODES = SWEPT + STEADY
LATENCY = 0.01               # seconds
BYTES_A_SECOND = 30_000
FEW = 6                      # customers of a short batch
WHOLE_LOOK = 25              # so many-th point of a short batch, and the last
MOST_SECONDS = 90            # until a command has ended, whatever befell it
SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


# The rows of today; a table without history has no others.
TODAY = "coalesce((to_jsonb(t) ->> 'yellow_batch_out')::int, 2147483647) = 2147483647"
MERGED = f"""
SELECT format('c %s %s %s', id, name, born) FROM dp_main.shop__customers t WHERE {TODAY}
UNION ALL SELECT format('a %s %s %s', customer, nr, city) FROM dp_main.shop__addresses t WHERE {TODAY} ORDER BY 1"""
SOURCE = """
SELECT format('c %s %s %s', id, name, born) FROM customers UNION ALL SELECT format('a %s %s %s', customer, nr, city) FROM addresses ORDER BY 1"""


class Framing:
    """Where the messages of one direction of one connection end. `opening`: it begins with messages without a type, as the client's does."""

    def __init__(self, opening):
        self.opening, self.head, self.kind, self.left = opening, b"", b"", None

    def ends(self, data):
        """Offsets in `data` right after the last byte of each message that ends in it."""
        at, found = 0, []
        while at < len(data):
            if self.left is None:
                self.head += data[at:at + 1]
                at += 1
                if len(self.head) < (4 if self.opening else 5):
                    continue
                self.left, self.head = struct.unpack("!I", self.head[-4:])[0] - 4, b""
            step = min(self.left, len(data) - at)
            self.kind = (self.kind + data[at:at + step])[:4] if self.opening else b""
            at, self.left = at + step, self.left - step
            if self.left == 0:
                found.append(at)
                # A request for encryption, which is declined here, is followed by another opening.
                self.opening = self.opening and struct.unpack("!I", self.kind)[0] in (SSL_REQUEST, GSS_REQUEST)
                self.left, self.kind = None, b""
        return found


class Proxy:
    """Listens on loopback and passes everything on to `port`. REQUIRES: ended with `close`."""

    def __init__(self, port, chance):
        self.port, self.chance = port, chance
        self.lock = threading.Lock()
        self.calm()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def calm(self):
        """No faults from now on."""
        self.plan(None, None, 0, 0)

    def plan(self, mode, direction, number, offset):
        """The fault falls `offset` bytes from the end of the `number`-th message of a direction, "in" to the server or "out" of it."""
        with self.lock:
            self.mode, self.direction, self.number, self.offset = mode, direction, number, offset
            self.passed = collections.Counter()
            self.fell = False

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            silent = threading.Event()
            threading.Thread(target=self.pump, args=(client, server, "in", silent), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, "out", silent), daemon=True).start()

    def pump(self, origin, target, direction, silent):
        framing = Framing(direction == "in")
        first = direction == "out"     # the answer to a request for encryption is one byte, which is no message
        try:
            while data := origin.recv(65536):
                if silent.is_set():
                    continue
                if first and data == b"N":
                    target.sendall(data)
                    continue
                first = False
                at = self.where(direction, framing.ends(data), len(data))
                if at is None:
                    self.send(target, data)
                    continue
                target.sendall(data[:at])
                if self.mode == "silent":
                    silent.set()
                    continue
                self.end(origin, target)
                return
        except OSError:
            pass
        for one in (origin, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def where(self, direction, ends, size):
        """The place in these bytes where the connection ends, if it does."""
        with self.lock:
            before = self.passed[direction]
            self.passed[direction] += len(ends)
            if self.mode not in SWEPT or direction != self.direction or not before < self.number <= before + len(ends):
                return None
            self.fell = True
            return max(0, min(size, ends[self.number - before - 1] + self.offset))

    def send(self, target, data):
        if self.mode == "late":
            time.sleep(LATENCY)
        if self.mode == "narrow":
            time.sleep(len(data) / BYTES_A_SECOND)
        if self.mode != "slow" or len(data) > 2000:
            target.sendall(data)
            return
        for n in range(len(data)):
            if self.chance.random() < 0.001:
                time.sleep(0.05)
            target.sendall(data[n:n + 1])

    def end(self, *sides):
        for one in sides:
            if self.mode == "reset":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RD)
                one.close()
            else:
                one.shutdown(socket.SHUT_RDWR)


class WireStorm(Storm):
    """The project of the storm on a server of its own that is reached through the proxy. REQUIRES: closed with `close`."""

    def __init__(self, chance):
        self.named = NamedPostgres()
        self.proxy = Proxy(self.named.port, chance)
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-wire-"))
        self.root = self.base / "project"
        shutil.copytree(HERE / "project", self.root)
        # Code whose connection is silent hears nothing; its time is over some day.
        model = self.root / "model/all.yaml"
        model.write_text(model.read_text().replace("transformer:\n", "transformer:\n  timeout: 20s\n"))
        self.write("environments/wire.yaml", f"""
kind: Environment
name: wire
containers:
  MergeDB: {{host: 127.0.0.1, port: {self.proxy.own_port}}}
  ShopDB: {{host: 127.0.0.1, port: {self.proxy.own_port}}}
credentials: {{shop_reader: {{file: environments/shop_reader}}}}
classes: {{allowed: [pii]}}
limits: {{retry: 20s}}
""")
        password = os.urandom(12).hex()
        self.write("environments/shop_reader", f"shop_reader:{password}\n")
        for name in ("merge", "shop"):
            self.named.psql("postgres", f"CREATE DATABASE {name}")
        self.named.psql("shop", (HERE / "source.sql").read_text() + f"CREATE ROLE shop_reader LOGIN PASSWORD '{password}';"
                        "GRANT CONNECT ON DATABASE shop TO shop_reader; GRANT SELECT ON customers, addresses TO shop_reader")
        made = self.yellow("bootstrap", environment={"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD})
        assert made.status == 0, made

    def yellow(self, *arguments, **how):
        return super().yellow("--environment", "wire", *arguments, **how)

    def server(self, database="merge"):
        return database

    def psql(self, database, text):
        rows = self.named.psql(database, text)
        return [tuple(row.split("|")) for row in rows.split("\n")] if rows else []

    def close(self):
        self.proxy.close()
        self.named.close()
        shutil.rmtree(self.base, ignore_errors=True)


class Wire:
    """Every message of a change batch and its runs, in both directions, at its end and a byte before and after. `stride`: only so many-th of them,
    from a random one on. `short`: of a batch of few rows alone, without the runs that follow. `share`: (which, of how many) that do this at once, each with a
    project and a server of its own."""

    def __init__(self, mode, stride=1, seed=None, short=False, share=(0, 1)):
        self.mode, self.stride, self.short, self.share = mode, stride, short, share
        self.seed, self.chance = seeded(seed)
        self.rounds = 0
        self.ends = collections.Counter()

    def run(self):
        storm = WireStorm(self.chance)
        try:
            result = storm.yellow("run", "--apply")
            assert result.status == 0, result
            if self.mode in STEADY:
                self.steady(storm)
            else:
                self.sweep(storm)
        finally:
            storm.close()
        return self

    def steady(self, storm):
        storm.change(self.chance)
        storm.proxy.plan(self.mode, None, 0, 0)
        result = storm.yellow("run", "Shop")
        assert result.status == 0, f"{self.hint()}: {result}"
        self.look(storm, self.hint())
        self.rounds = 1

    def hint(self, *more):
        return " ".join(map(str, (self.mode, *more, "seed", self.seed)))

    def prepare(self, storm):
        storm.change(self.chance)
        if self.short:
            storm.psql("shop", f"DELETE FROM customers WHERE id > {FEW}; DELETE FROM addresses WHERE customer > {FEW}")
            storm.psql("merge", "UPDATE yellow.stream SET paused = true WHERE store <> 'Shop'")

    def sweep(self, storm):
        """From the first message on, until no more come."""
        which, shares = self.share
        first = self.chance.randrange(self.stride) + which * self.stride
        for direction in ("in", "out"):
            point, missed = first, 0
            while missed < 3:       # how many messages there are differs a little from time to time
                fell = self.fault(storm, direction, 1 + point // 3, point % 3 - 1)
                self.rounds += fell
                missed = 0 if fell else missed + 1
                point += self.stride * shares
        self.look(storm, self.hint("at last"))
        assert self.rounds > 0, f"{self.hint()}: no fault fell"

    def fault(self, storm, direction, number, offset):
        """Whether it fell; all must be well after."""
        hint = self.hint(direction, number, offset)
        self.prepare(storm)
        storm.proxy.plan(self.mode, direction, number, offset)
        began = time.monotonic()
        hit = storm.yellow("run", "Shop")
        assert hit.status in (0, 1, 3), f"{hint}: {hit}"
        assert "bug" not in hit.err and time.monotonic() - began < MOST_SECONDS, f"{hint}: {time.monotonic() - began:.0f} s, {hit}"
        self.ends[hit.status] += 1
        fell = storm.proxy.fell
        if self.short and sum(self.ends.values()) % WHOLE_LOOK != 0:
            self.glance(storm, hint)
        else:
            self.look(storm, hint)
        return fell

    def glance(self, storm, hint):
        """The batch alone, without the runs that follow it: it is finished, and is what the source is."""
        storm.proxy.calm()
        finished = storm.yellow("run", "Shop")
        assert finished.status == 0, f"{hint}: {finished}"
        broken = storm.broken()
        assert broken == {}, f"{hint}: {broken}"
        merged, source = storm.psql("merge", MERGED), storm.psql("shop", SOURCE)
        assert merged == source, f"{hint}: {merged} is not {source}"

    def look(self, storm, hint):
        storm.proxy.calm()
        storm.psql("merge", "UPDATE yellow.stream SET paused = false")
        finished = storm.yellow("run", "Shop", "Mask", "Worker")
        assert finished.status == 0, f"{hint}: {finished}"
        broken = storm.wrong()
        assert broken == {}, f"{hint}: {broken}"
