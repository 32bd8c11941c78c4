"""`kubernetes:<namespace>` where the cluster is not there, goes away, or was never asked for anything."""

import http.server
import json
import os
import signal
import threading
import time
import unittest

from people import SCOPES, Office, wrong_clock

SCOPE = "kubernetes:prod"


class Api:
    """An API server that makes and removes what it is asked to. REQUIRES: ended with `stop`."""

    def __init__(self, port=0):
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(handler, status):
                sent = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
                self.asked.append((handler.command, handler.path + sent))
                body = json.dumps({"status": {"token": "aaa.bbb.ccc"}}).encode()
                handler.send_response(status)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def do_GET(handler):
                handler.answer(200)

            def do_POST(handler):
                handler.answer(201)

            def do_DELETE(handler):
                handler.answer(200)

            def log_message(handler, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def did(self, method, request):
        return [what for how, what in self.asked if how == method and request["id"] in what]


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class ClusterAwayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.office.declare(scopes={**SCOPES, SCOPE: {"longest": "2h", "role": "edit"}})
        applied = cls.office.yellow("apply")
        assert applied.status == 0, applied
        cls.tickets = iter(range(1, 99))
        cls.kubeconfig = cls.office.base / "kubeconfig"

    def serve(self, api=None):
        """The service, begun anew: with this cluster, or with none."""
        self.office.stop_service()
        if api is not None:
            self.kubeconfig.write_text(json.dumps({
                "kind": "Config", "current-context": "c", "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{api.port}"}}],
                "users": [{"name": "c", "user": {"token": "mine"}}], "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}))
        self.office.start_service({"KUBECONFIG": str(self.kubeconfig) if api is not None else str(self.office.base / "none")})

    def log(self):
        return (self.office.base / "serve.log").read_text()

    def active(self):
        request = self.office.ask(scope=SCOPE, ticket=f"OPS-{next(self.tickets)}")
        self.office.approve(request)
        return self.office.did("alice", "activate", request["id"])

    def wait(self, what, seconds=20):
        until = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), until, self.log()[-2000:])
            time.sleep(0.05)
        return found

    def begun(self, request):
        """A session that has something in the cluster."""
        process = self.office.begin_session(request, program="shell")
        for undo in (process.stdin.close, process.stdout.close, process.wait, process.kill):
            self.addCleanup(undo)
        self.wait(lambda: self.office.did("bob", "show", request["id"])["sessions"])
        process.stdin.write(b"echo begun-$((40 + 2))\n")
        process.stdin.flush()
        shown = b""
        while b"begun-42" not in shown:
            piece = os.read(process.stdout.fileno(), 4096)
            self.assertTrue(piece, shown)
            shown += piece
        return process

    def test_without_a_cluster_it_is_refused_and_says_why(self):
        self.serve()
        for command in ("request", "break-glass"):
            refused = self.office.access("alice", command, "--scope", SCOPE, "--for", "30m", "--ticket", "OPS-99", "--reason", "x")
            self.assertEqual(refused.status, 3, refused)
            self.assertIn(f"the service has no cluster that {SCOPE} could be in", refused.err)
            self.assertIn("cannot be read", refused.err)
        self.assertEqual(self.office.sql("MergeDB", "SELECT 1 FROM yellow_access.request WHERE ticket = 'OPS-99'"), [])

    def test_a_cluster_that_is_taken_away_lets_nobody_begin(self):
        api = Api()
        self.addCleanup(api.stop)
        self.serve(api)
        approved = self.office.ask(scope=SCOPE, ticket=f"OPS-{next(self.tickets)}")
        self.office.approve(approved)
        request = self.active()
        self.serve()
        for refused in (self.office.access("alice", "activate", approved["id"]), self.office.session(request, "true\n", program="shell")):
            self.assertEqual(refused.status, 3, refused)
            self.assertIn("the service has no cluster", refused.err)
        # Nothing was made, so nothing has to be taken away.
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review", 20)
        self.assertEqual(self.office.did("bob", "show", request["id"])["sessions"], [])

    def test_a_cluster_that_does_not_answer_is_waited_for_and_told_once(self):
        api = Api()
        self.addCleanup(lambda: api.stop())
        self.serve(api)
        request, other = self.active(), self.active()
        process = self.begun(request)
        self.assertEqual([len(api.did("POST", one)) for one in (request, other)], [2, 0])
        api.stop()
        # Its service is killed, and the next one has no cluster to ask.
        self.office.stop_service(signal.SIGKILL)
        process.wait(20)
        self.office.start_service({"KUBECONFIG": str(self.kubeconfig)})
        for one in (request, other):
            self.office.did("alice", "release", one["id"])
        # What has nothing there is over; the session has ended; what may have something there is not over.
        self.office.wait_for(other, "in_review", 30)
        session = self.wait(lambda: [one for one in self.office.did("bob", "show", request["id"])["sessions"] if one["ended_at"]])
        self.assertEqual([one["end_reason"] for one in session], ["its service was killed"])
        self.assertEqual(self.office.state(request), "released")
        time.sleep(3)       # in which it is tried again
        told = [line for line in self.log().splitlines() if f"the access of request {request['id']} has to end" in line]
        self.assertEqual(len(told), 1, told)
        api = Api(api.port)
        self.office.wait_for(request, "in_review", 60)
        self.assertEqual(len(api.did("DELETE", request)), 2)
        self.assertEqual(api.did("DELETE", other), [])
        self.office.chained()
        self.assertEqual(self.office.yellow("audit", "verify").status, 0)

    def test_what_is_told_is_not_told_each_minute(self):
        """The service's clock runs a hundred times as fast: seconds are many minutes of it."""
        api = Api()
        self.serve(api)
        request = self.active()
        self.office.session(request, "true\n", program="shell")
        api.stop()
        self.office.stop_service()
        before = len(self.log())
        self.office.start_service({"KUBECONFIG": str(self.kubeconfig), **wrong_clock("+0 x100")})
        self.office.did("alice", "release", request["id"])
        time.sleep(6)
        told = [line for line in self.log()[before:].splitlines() if f"the access of request {request['id']} has to end" in line]
        self.assertEqual(len(told), 1, told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
