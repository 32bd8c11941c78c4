"""Messages to people: one when something is held, has failed or is stale, one when it is over, whatever is killed, hangs or is away meanwhile."""

import http.server
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
import unittest

from project import YELLOW, Project

MODEL = """
kind: Datastore
name: Ledger
capture:
  sql_snapshot:
    container: ShopDB
    credential: shop_reader
    schedule: "0 0 1 1 *"
    guards: {max_deleted: 20%}
datasets:
  entries: {key: [id], columns: {id: integer, v: text not null}}
---
kind: Workspace
name: Clerk
groups: {G: {sinks: ["Ledger.*"]}}
---
kind: Workspace
name: Worker
groups: {In: {sinks: [Ledger.entries]}}
transformer:
  code: {source: worker/, command: [sh, run.sh]}
  output: {datastore: Work, datasets: {entries: {key: [id], columns: {id: integer}}}, guards: {max_deleted: 100%}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.entries]}}
"""
NOTIFY = "notify: {{ops: {{webhook: {{env: TEST_WEBHOOK}}, {}}}}}\n"
GOOD = "psql -X -q -c \"INSERT INTO $YELLOW_OUTPUT__ENTRIES SELECT id FROM $YELLOW_INPUT__IN__LEDGER__ENTRIES\"\n"
CANARY = "canary-2718"
# As after the pause that follows a failed attempt.
DUE = "UPDATE yellow.notice SET due_at = clock_timestamp() WHERE delivered_at IS NULL"
KILLED = -9


class Receiver:
    """On loopback; remembers what is posted. `status` is its answer, None none at all while it is so."""

    def __init__(self):
        self.posts, self.status, self.waiting = [], 200, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.posts.append((self.headers, body, self.path))
                if receiver.status is None:
                    receiver.waiting.append(self.connection)
                    while receiver.status is None and not gone(self.connection):
                        time.sleep(0.05)
                    receiver.waiting.remove(self.connection)
                self.send_response(receiver.status or 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/{CANARY}"

    def told(self, *, twice=False):
        """(event, node) of each message, in order; each once, unless `twice` may be."""
        ids = [body["id"] for _, body, _ in self.posts]
        if not twice:
            assert len(ids) == len(set(ids)), self.posts
        return list(dict.fromkeys((body["event"], body["node"], body["id"]) for _, body, _ in self.posts))

    def events(self, **how):
        return [event for event, _, _ in self.told(**how)]

    def close(self):
        self.status = 500
        self.server.shutdown()
        self.server.server_close()


def gone(connection):
    """Whether the client has given up."""
    ready, _, _ = select.select([connection], [], [], 0)
    return bool(ready) and connection.recv(1, socket.MSG_PEEK) == b""


class Notify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project()
        cls.project.demo()
        cls.project.hurry()
        cls.project.sql("ShopDB", "CREATE TABLE entries (id integer, v text); GRANT SELECT ON entries TO shop_reader")
        shop = cls.project.root / "model/shop.yaml"
        shop.write_text(shop.read_text().replace("*/5 * * * *", "0 0 1 1 *"))
        cls.environment = cls.project.root / "environments/local.yaml"
        cls.plain = cls.environment.read_text()
        cls.project.write("model/ledger.yaml", MODEL)
        cls.project.write("model/worker/run.sh", GOOD)

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.apply("events: [held, failed, stale]")
        self.source("TRUNCATE entries; INSERT INTO entries SELECT g, 'v' || g FROM generate_series(1, 500) g")
        self.run_program("Ledger")
        self.run_program()
        self.project.sql("MergeDB", "DELETE FROM yellow.notice")
        self.receiver.posts.clear()

    def tearDown(self):
        self.assertEqual(self.project.broken_invariants(), {})

    def apply(self, settings, worker=GOOD):
        self.environment.write_text(self.plain + (NOTIFY.format(settings) if settings else ""))
        self.project.write("model/worker/run.sh", worker)
        result = self.yellow("apply")
        self.assertEqual(result.status, 0, result)

    def yellow(self, *arguments, fault=None, url=None):
        return self.project.yellow(*arguments, environment={"TEST_WEBHOOK": self.receiver.url if url is None else url,
                                                            **({"YELLOW_FAULT": fault} if fault else {})})

    def source(self, statements):
        self.project.sql("ShopDB", statements)

    def run_program(self, *arguments, status=0, **how):
        result = self.yellow("run", *arguments, **how)
        self.assertEqual(result.status, status, result)
        return result

    def lose_most(self):
        self.source("DELETE FROM entries WHERE id > 100")

    def mend(self):
        self.source("INSERT INTO entries SELECT g, 'again' FROM generate_series(101, 500) g ON CONFLICT DO NOTHING; UPDATE entries SET v = 'good' WHERE v IS NULL")

    def notices(self):
        return self.project.sql("MergeDB", "SELECT event, node, delivered_at IS NOT NULL, attempts, coalesce(error, '') FROM yellow.notice ORDER BY number")

    def serve(self, fault=None, url=None):
        process = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env={**os.environ, "TEST_WEBHOOK": self.receiver.url if url is None else url, **({"YELLOW_FAULT": fault} if fault else {})})
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()

        def stop(with_signal=signal.SIGTERM):
            if process.poll() is None:
                process.send_signal(with_signal)
            status = process.wait(timeout=60)
            reader.join()
            process.stdout.close()
            return status, "".join(lines)

        process.stop, process.lines = stop, lines
        self.addCleanup(lambda: process.poll() is None and stop(signal.SIGKILL))
        return process

    def wait_for(self, true, seconds=60):
        deadline = time.time() + seconds
        while not true():
            self.assertLess(time.time(), deadline, (self.notices(), self.receiver.posts))
            time.sleep(0.1)

    def ask(self, node):
        self.project.sql("MergeDB", f"UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = '{node}'; NOTIFY yellow")

    # ---- One message a cause ------------------------------------------------------------------------------------------

    def test_a_held_batch_is_told_once_and_once_when_it_is_over(self):
        self.lose_most()
        self.run_program("Ledger", status=1)
        self.run_program("Ledger", status=1)
        self.run_program(status=1)
        self.assertEqual(self.receiver.events(), ["held"])
        headers, body, path = self.receiver.posts[0]
        self.assertEqual((headers["Idempotency-Key"], headers["Content-Type"], path), (body["id"], "application/json", f"/{CANARY}"))
        self.assertEqual((body["environment"], body["node"], body["cause"]), ("local", "Ingest/Main/Ledger", body["id"]))
        self.assertEqual(body["reason"], {"code": "mass_delete", "text": "entries would lose 400 of 500 rows, more than max_deleted allows: 20%"})
        self.assertEqual(body["text"], f"[local] Ledger is held, batch {body['batch']}: {body['reason']['text']}. yellow batches show Ledger")
        self.mend()
        self.run_program("Ledger")
        self.run_program()
        self.assertEqual(self.receiver.events(), ["held", "over"])
        over = self.receiver.posts[1][1]
        self.assertEqual((over["cause"], over["was"], over["since"], over["batch"]), (body["id"], "held", body["since"], body["batch"]))
        self.assertRegex(over["text"], r"^\[local\] Over: Ledger was held, batch \d+, since .*; batch \d+ is committed$")
        self.assertGreaterEqual(over["over"], over["since"])

    def test_no_value_of_a_row_leaves(self):
        self.source("UPDATE entries SET v = NULL WHERE id = 7; UPDATE entries SET id = 777123 WHERE id = 7")
        self.assertIn("777123", self.run_program("Ledger", status=1).out)
        self.assertEqual(self.receiver.events(), ["held"])
        text = json.dumps(self.receiver.posts[0][1])
        self.assertNotIn("777123", text)
        self.assertIn("1 row breaks the rule that", text)
        self.source("DELETE FROM entries WHERE id = 777123")
        self.run_program("Ledger")

    def test_a_batch_that_somebody_rejects_or_releases_is_over(self):
        self.lose_most()
        self.run_program("Ledger", status=1)
        self.assertEqual(self.yellow("batches", "reject", "Ledger").status, 0)
        self.run_program()
        self.assertEqual(self.receiver.events(), ["held", "over"])
        self.assertIn("was rejected by", self.receiver.posts[1][1]["text"])
        self.run_program("Ledger", status=1)
        self.assertEqual(self.yellow("batches", "release", "Ledger").status, 0)
        self.run_program()
        self.assertEqual(self.receiver.events(), ["held", "over", "held", "over"])

    def test_a_run_that_fails_again_and_again_is_told_once(self):
        self.apply("events: [failed]", worker="exit 3\n")
        self.run_program("Worker", status=1)
        self.run_program("Worker", status=1)
        self.assertEqual(self.receiver.events(), ["failed"])
        body = self.receiver.posts[0][1]
        self.assertEqual((body["node"], body["reason"]["code"]), ("Transform/Main/Worker", "exit_status"))
        self.assertEqual(body["text"], f"[local] Worker has failed, run {body['run']}: the code ended with exit status 3. yellow runs show {body['run']}")
        self.apply("events: [failed]")
        self.run_program("Worker")
        self.assertEqual(self.receiver.events(), ["failed", "over"])
        self.assertEqual(self.receiver.posts[1][1]["cause"], body["id"])

    def test_an_output_that_a_guard_holds_is_told_as_held_alone(self):
        self.apply("events: [held, failed, stale]", worker="true\n")
        self.run_program("Worker", status=1)
        self.assertEqual([(event, node) for event, node, _ in self.receiver.told()], [("held", "Ingest/Main/Work")])
        self.apply("events: [held, failed, stale]")
        self.run_program("Worker")
        self.assertEqual(self.receiver.events(), ["held", "over"])

    def test_a_batch_that_fails_again_and_again_is_told_once(self):
        self.source("ALTER ROLE shop_reader NOLOGIN")
        self.addCleanup(self.source, "ALTER ROLE shop_reader LOGIN")
        self.run_program("Ledger", status=1)
        self.run_program("Ledger", status=1)
        self.assertEqual(self.receiver.events(), ["failed"])
        self.assertIn("not permitted to log in", self.receiver.posts[0][1]["text"])
        self.source("ALTER ROLE shop_reader LOGIN")
        self.run_program("Ledger")
        self.assertEqual(self.receiver.events(), ["failed", "over"])

    def test_a_stale_stream_and_a_fresh_one(self):
        self.apply("stale_after: 1s, events: [stale]")
        self.project.sql("MergeDB", "UPDATE yellow.batch SET source_read_at = source_read_at - interval '2 years' WHERE stream = 'Ingest/Main/Ledger'")
        serving = self.serve()
        self.wait_for(lambda: self.receiver.events() == ["stale"])
        self.assertIn("its schedule had a tick at", self.receiver.posts[0][1]["text"])
        self.ask("Ingest/Main/Ledger")
        self.wait_for(lambda: self.receiver.events() == ["stale", "over"])
        self.assertEqual(serving.stop()[0], 0)
        self.assertEqual([event for event, *_ in self.notices()], ["stale", "over"])

    def test_a_new_receiver_is_told_of_what_is_held_and_a_removed_one_of_nothing(self):
        self.apply("")
        self.lose_most()
        self.run_program("Ledger", status=1)
        self.assertEqual(self.notices(), [])
        self.apply("events: [held]")
        self.run_program(status=1)
        self.assertEqual(self.receiver.events(), ["held"])
        self.apply("")
        self.mend()
        self.run_program("Ledger")
        self.assertEqual(self.receiver.events(), ["held"])

    # ---- Nothing lost, nothing twice -------------------------------------------------------------------------------------

    def test_a_receiver_that_is_away_gets_it_later_in_order(self):
        self.receiver.status = 503
        self.lose_most()
        self.assertIn("notify ops: it answered with status 503", self.run_program("Ledger", status=1).out)
        self.mend()
        self.run_program("Ledger")
        status = self.yellow("status")
        self.assertRegex(status.out, r"notify ops: 2 messages not delivered yet, since \S+: it answered with status 503; tried again at \d\d:")
        self.assertEqual([(u["key"], u["state"], u["messages"]) for u in json.loads(self.yellow("status", "--output", "json").out)["undelivered"]],
                         [("ops", "waiting", 2)])
        self.receiver.posts.clear()
        self.receiver.status = 200
        self.run_program()
        self.assertEqual(self.receiver.posts, [], "not before the pause is over")
        self.project.sql("MergeDB", DUE)
        self.run_program()
        self.assertEqual(self.receiver.events(), ["held", "over"])
        self.assertNotIn("notify", self.yellow("status").out)

    def test_it_is_given_up_in_the_end_and_status_says_so(self):
        self.receiver.status = 500
        self.lose_most()
        self.run_program("Ledger", status=1)
        self.project.sql("MergeDB", "UPDATE yellow.notice SET attempts = 29;" + DUE)
        self.assertIn("a message was given up", self.run_program(status=1).out)
        self.assertIn("notify ops: 1 message given up, since", self.yellow("status").out)
        self.receiver.posts.clear()
        self.receiver.status = 200
        self.project.sql("MergeDB", DUE)
        self.mend()
        self.run_program("Ledger")
        self.assertEqual(self.receiver.events(), ["over"])
        self.assertNotIn("notify", self.yellow("status").out)

    def test_a_receiver_that_hangs_is_in_nobodys_way(self):
        self.receiver.status = None
        serving = self.serve()
        self.lose_most()
        self.ask("Ingest/Main/Ledger")
        self.wait_for(lambda: self.receiver.waiting)
        before = self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop'")
        self.ask("Ingest/Main/Shop")
        self.wait_for(lambda: self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop' AND state = 'committed'") != before)
        self.assertEqual(len(self.receiver.posts), 1, "it still hangs, or the test says nothing")
        self.assertTrue(self.receiver.waiting)
        self.wait_for(lambda: "Timeout was reached" in self.notices()[0][4])
        self.receiver.status = 200
        self.project.sql("MergeDB", DUE)
        self.wait_for(lambda: self.notices()[0][2] == "t")
        self.assertEqual(self.receiver.events(twice=True), ["held"])
        self.assertEqual(serving.stop()[0], 0)
        self.mend()
        self.run_program("Ledger")

    def test_serve_is_killed_between_commit_and_delivery(self):
        for point, posts in (("webhook.post.before", 1), ("webhook.post.after", 2)):
            with self.subTest(point=point):
                self.project.sql("MergeDB", "DELETE FROM yellow.notice")
                self.receiver.posts.clear()
                serving = self.serve(fault=f"kill@{point}:1")
                self.lose_most()
                self.ask("Ingest/Main/Ledger")
                self.wait_for(lambda: serving.poll() is not None)
                self.assertEqual(serving.stop()[0], KILLED)
                self.project.sql("MergeDB", DUE)
                serving = self.serve()
                self.wait_for(lambda: self.notices()[0][2] == "t")
                self.mend()
                self.ask("Ingest/Main/Ledger")
                self.wait_for(lambda: len(self.notices()) == 2 and self.notices()[1][2] == "t")
                self.assertEqual(serving.stop()[0], 0)
                self.assertEqual(self.receiver.events(twice=True), ["held", "over"])
                self.assertEqual(len(self.receiver.posts), posts + 1)

    def test_killed_at_any_point_of_a_message_it_comes_once_by_its_id(self):
        points = self.project.base / "points"
        self.lose_most()
        self.run_program("Ledger", status=1, fault=f"count:{points}")
        self.mend()
        self.run_program("Ledger", fault=f"count:{points}")
        named = sorted({line for line in points.read_text().splitlines() if "notice" in line or "webhook" in line})
        self.assertGreaterEqual(len(named), 8, named)
        for point in named:
            for statement, status, change in (("held", 1, self.lose_most), ("over", 0, self.mend)):
                with self.subTest(point=point, on=statement):
                    self.receiver.posts.clear()
                    self.project.sql("MergeDB", "DELETE FROM yellow.notice WHERE event = 'over' OR over_at IS NOT NULL")
                    change()
                    killed = self.yellow("run", "Ledger", fault=f"kill@{point}:1")
                    self.assertIn(killed.status, (KILLED, status), killed)
                    self.project.sql("MergeDB", DUE)
                    self.run_program("Ledger", status=status)
                    self.assertEqual(self.receiver.events(twice=True), [statement])

    def test_two_that_serve_at_once_double_nothing(self):
        first, second = self.serve(), self.serve()
        for change, events in ((self.lose_most, ["held"]), (self.mend, ["held", "over"])):
            change()
            self.ask("Ingest/Main/Ledger")
            self.wait_for(lambda: self.receiver.events() == events)
        self.assertEqual((first.stop()[0], second.stop()[0]), (0, 0))
        self.assertEqual([row[2:4] for row in self.notices()], [("t", "1"), ("t", "1")])

    # ---- What is wrong with a URL, and where it never stands -----------------------------------------------------------------

    def test_a_url_that_is_wrong_is_said_at_once_and_never_shown(self):
        secret = f"http://example.com/{CANARY}"
        for url, reason in (("", "the URL is missing: environment variable TEST_WEBHOOK"),
                            (secret, "messages cannot be posted to its URL: http is for this machine alone"),
                            (f"nonsense-{CANARY}", "messages cannot be posted to its URL: it does not begin with https://<host>")):
            with self.subTest(reason=reason):
                serving = self.serve(url=url)
                self.wait_for(lambda: any(f"notify ops: {reason}" in line for line in serving.lines))
                self.assertEqual(serving.stop()[0], 0)
                findings = {finding["key"]: finding for finding in json.loads(self.yellow("doctor", "--output", "json", url=url).out)}
                self.assertEqual(findings["notify/ops"]["reason"], {"code": "webhook.url", "text": reason})
        self.lose_most()
        unreachable = f"http://127.0.0.1:9/{CANARY}"
        said = [self.run_program("Ledger", status=1, url=unreachable), self.yellow("status", url=unreachable), self.yellow("status", "--output", "json", url=unreachable),
                self.yellow("explain", "Ledger", url=unreachable)]
        self.assertIn("notify ops: Couldn't connect to server", said[0].out)
        said.append(self.project.sql("MergeDB", "SELECT string_agg(n::text, ' ') FROM yellow.notice n"))
        said.append(self.project.sql("MergeDB", "SELECT string_agg(detail, ' ') FROM yellow.event"))
        self.assertNotIn(CANARY, "".join(map(str, said)))
        self.mend()
        self.run_program("Ledger")


if __name__ == "__main__":
    unittest.main()
