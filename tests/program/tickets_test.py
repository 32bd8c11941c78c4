"""Tickets that are asked for over HTTP: whose answer lets somebody in, and every answer that must not."""

import base64
import http.server
import json
import os
import pathlib
import re
import threading
import time
import unittest
import urllib.parse

from people import Office
from project import ROOT

FORBIDDEN, FAILED = 1, 3
PASSWORD, TOKEN = "canary-basic-1618", "canary-bearer-2718"
PLAIN = {"state": "/state", "open": ["open"], "owner": "/owner"}
MIB = 1 << 20


class TicketServer:
    """On loopback; answers each path with what a test has put into `answers`: status, headers, body. None: no answer at all while it is so."""

    def __init__(self):
        self.answers, self.asked, self.over = {}, [], threading.Event()
        system = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                system.asked.append((self.path, self.headers))
                status, headers, body = system.answers.get(self.path, (404, {}, b"{}")) or (None, None, None)
                if status is None:
                    system.over.wait(60)
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, path, body, status=200, headers=None):
        self.answers[path] = (status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def documented(url):
    """The settings of docs/howto/access.md for a system whose URL begins so."""
    lines = (ROOT / "docs/howto/access.md").read_text().splitlines()
    line, = (line for line in lines if line.startswith(f'tickets: {{http: {{url: "{url}'))
    return re.search(r'url: "([^"]*)"', line).group(1), line.removeprefix("tickets: ")


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class TicketsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = TicketServer()
        cls.addClassCleanup(cls.system.close)
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.file = cls.office.root / "environments/local.yaml"
        cls.plain = cls.file.read_text().replace("tickets: {file: tickets.json}\n", "")
        basic, bearer = cls.office.base / "basic", cls.office.base / "bearer"
        basic.write_text(f"yellow:{PASSWORD}\n")
        bearer.mkdir()
        (bearer / "token").write_text(TOKEN)
        cls.plain = cls.plain.replace("credentials:\n", f"credentials:\n  basic: {{file: {basic}}}\n  bearer: {{file: {bearer}}}\n")
        ecosystem = cls.office.root / "model/ecosystem.yaml"
        document = json.loads(ecosystem.read_text())
        document["people"]["alice"]["identities"].append("ticket:a.smith")
        document["credentials"] = {"basic": {"type": "user_password"}, "bearer": {"type": "token"}}
        ecosystem.write_text(json.dumps(document))

    def setUp(self):
        self.system.answers.clear()
        self.system.asked.clear()

    def use(self, settings=None, **changes):
        """The environment's ticket system, until another test names one."""
        settings = settings or json.dumps({"http": {"url": f"{self.system.url}/t/{{ticket}}", **PLAIN, **changes}})
        self.file.write_text(self.plain + f"tickets: {settings}\n")
        done = self.office.yellow("apply")
        self.assertEqual(done.status, 0, done)

    def asks(self, ticket):
        return self.office.access("alice", "request", "--scope", "dt_write:MaskShop", "--for", "1h", "--ticket", ticket, "--reason", "wrong names")

    def accepted(self, ticket):
        done = self.asks(ticket)
        self.assertEqual(done.status, 0, done)

    def refused(self, ticket, text, status=FORBIDDEN):
        done = self.asks(ticket)
        self.assertEqual(done.status, status, done)
        self.assertIn(text, done.err)

    def unclear(self, ticket, text):
        self.refused(ticket, f"the ticket system cannot be asked: {text}", FAILED)

    # What a ticket is

    def test_open_closed_another_s_nobody_s_and_unknown(self):
        self.use()
        for name, ticket in {"mine": {"state": "open", "owner": "alice"}, "mine-2": {"state": "open", "owner": "a.smith"},
                             "closed": {"state": "done", "owner": "alice"}, "other": {"state": "open", "owner": "bob"},
                             "nobody": {"state": "open", "owner": None}, "empty": {"state": "open", "owner": ""},
                             "ownerless": {"state": "open"}, "spelled": {"state": "Open", "owner": "alice"}}.items():
            self.system.says(f"/t/{name}", ticket)
        self.system.says("/t/deleted", {}, status=410)
        self.accepted("mine")
        self.accepted("mine-2")
        for name in ("closed", "spelled"):
            self.refused(name, "the ticket is not open")
        for name in ("other", "nobody", "empty", "ownerless"):
            self.refused(name, f"the ticket is not alice's: {name}")
        for name in ("unknown", "deleted"):
            self.refused(name, "there is no such ticket")

    def test_it_is_looked_up_again_when_the_access_begins(self):
        self.use()
        self.system.says("/t/OPS-1", {"state": "open", "owner": "alice"})
        request = self.office.ask(ticket="OPS-1")
        self.office.approve(request)
        self.system.says("/t/OPS-1", {"state": "done", "owner": "alice"})
        done = self.office.access("alice", "activate", request["id"])
        self.assertEqual((done.status, "the ticket is not open" in done.err), (FORBIDDEN, True), done)
        self.system.says("/t/OPS-1", {}, status=500)
        self.assertEqual(self.office.access("alice", "activate", request["id"]).status, FAILED)
        self.system.says("/t/OPS-1", {"state": "open", "owner": "alice"})
        self.assertEqual(self.office.did("alice", "activate", request["id"])["state"], "active")

    def test_only_its_own_name_counts(self):
        """Else one ticket would be good for an access by each of its names."""
        self.use(name="/key")
        for name in ("OPS-7", "ops-7", "10007"):
            self.system.says(f"/t/{name}", {"state": "open", "owner": "alice", "key": "OPS-7"})
        self.system.says("/t/OPS-8", {"state": "open", "owner": "alice"})
        self.accepted("OPS-7")
        for name in ("ops-7", "10007"):
            self.refused(name, "there is no such ticket")
        self.unclear("OPS-8", "its answer has no name at /key")

    def test_a_name_cannot_change_the_address(self):
        self.use(url=f"{self.system.url}/t/{{ticket}}?of={{ticket}}")
        for name in ("group/project#12", "a/b"):
            quoted = urllib.parse.quote(name, safe="")
            self.system.says(f"/t/{quoted}?of={quoted}", {"state": "open", "owner": "alice"})
            self.accepted(name)
        asked = len(self.system.asked)
        for name in ("../admin", "a/../b", "a?b", "a%2Fb", "a&b", "a b", "{ticket}", "ü"):
            self.assertIn("this is no ticket", self.asks(name).err)
        self.assertEqual(len(self.system.asked), asked, "nothing is asked for what is no ticket")

    # Answers that say nothing

    def test_answers_that_are_none(self):
        self.use()
        open_ticket = json.dumps({"state": "open", "owner": "alice"}).encode()
        for status in (201, 204, 401, 403, 429, 500, 503):
            self.system.says(f"/t/S-{status}", b"" if status == 204 else open_ticket, status=status)
            self.unclear(f"S-{status}", f"it has answered with status {status}")
        for name, body in {"words": b"<html>open alice</html>", "nothing": b"", "half": open_ticket[:-1], "list": b"[1]", "number": b"7", "no-state": {"owner": "alice"},
                           "a-list": {"state": ["open"], "owner": "alice"}, "bytes": b'{"state": "open", "owner": "\xff"}',
                           "deep": b"[" * 200_000}.items():
            self.system.says(f"/t/{name}", body)
            self.unclear(name, "its answer has no text at /state")

    def test_a_redirection_is_not_followed(self):
        self.use(credential="basic")
        self.system.says("/elsewhere", {"state": "open", "owner": "alice"})
        self.system.says("/t/moved", b"", status=302, headers={"Location": f"{self.system.url}/elsewhere"})
        self.unclear("moved", "it has answered with status 302")
        self.assertEqual([path for path, _ in self.system.asked], ["/t/moved"])

    def test_more_than_a_mib(self):
        self.use()
        ticket = {"state": "open", "owner": "alice", "text": ""}
        room = MIB - len(json.dumps(ticket))
        self.system.says("/t/full", {**ticket, "text": "x" * room})
        self.system.says("/t/more", {**ticket, "text": "x" * (room + 1)})
        self.accepted("full")
        self.unclear("more", "its answer is longer than a MiB")

    def test_no_answer(self):
        """It ends after ten seconds, and holds up nobody else meanwhile."""
        self.use()
        self.system.answers["/t/slow"] = None
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.asks("slow")))
        begun = time.monotonic()
        asking.start()
        while not self.system.asked:
            self.assertLess(time.monotonic() - begun, 9)
            time.sleep(0.02)
        self.system.says("/t/quick", {"state": "open", "owner": "alice"})
        self.accepted("quick")
        self.assertTrue(asking.is_alive(), "the other one was waited for")
        asking.join(30)
        self.assertEqual(answers[0].status, FAILED, answers)
        self.assertIn("the ticket system cannot be asked: Timeout was reached", answers[0].err)
        self.assertLess(time.monotonic() - begun, 20)

    def test_nobody_listens(self):
        self.use(json.dumps({"http": {"url": "http://127.0.0.1:1/{ticket}", **PLAIN}}))
        self.unclear("OPS-1", "")

    # Credentials

    def test_credentials_reach_it_and_nothing_else(self):
        basic = "Basic " + base64.b64encode(f"yellow:{PASSWORD}".encode()).decode()
        for credential, header in {"basic": basic, "bearer": f"Bearer {TOKEN}"}.items():
            self.use(credential=credential)
            self.system.says(f"/t/{credential}", {"state": "open", "owner": "alice"})
            self.accepted(credential)
            self.system.says("/t/broken", {}, status=401)
            done = self.asks("broken")
            self.assertEqual([headers["Authorization"] for _, headers in self.system.asked[-2:]], [header, header])
            for secret in (PASSWORD, TOKEN, basic):
                self.assertNotIn(secret, done.err + done.out)
        self.use()
        self.system.says("/t/open", {"state": "open", "owner": "alice"})
        self.accepted("open")
        self.assertIsNone(self.system.asked[-1][1]["Authorization"])
        log = (self.office.base / "serve.log").read_text()
        for secret in (PASSWORD, TOKEN, basic.split()[1]):
            self.assertNotIn(secret, log)
            self.assertEqual([str(file) for file in self.office.root.rglob("*.jsonl") if secret in pathlib.Path(file).read_text()], [])

    def test_a_credential_that_is_missing(self):
        self.use(credential="basic")
        self.system.says("/t/OPS-1", {"state": "open", "owner": "alice"})
        secret = self.office.base / "basic"
        text = secret.read_text()
        self.addCleanup(secret.write_text, text)
        secret.unlink()
        self.refused("OPS-1", "the secret of credential basic is missing", FAILED)
        self.assertEqual(self.system.asked, [])

    # The systems of docs/howto/access.md

    def of_system(self, url, path, credential):
        written, settings = documented(url)
        settings = settings.replace(written, self.system.url + path).replace(f"credential: {credential},", "credential: bearer,")
        self.use(settings)
        return written

    def test_jira(self):
        written = self.of_system("https://jira.example.com", "/rest/api/2/issue/{ticket}", "jira")
        self.assertTrue(written.endswith("/rest/api/2/issue/{ticket}"))
        issue = {"id": "10002", "key": "OPS-1", "self": f"{self.system.url}/rest/api/2/issue/10002",
                 "fields": {"status": {"id": "3", "name": "In Progress"}, "assignee": {"name": "a.smith", "active": True}}}
        for name in ("OPS-1", "ops-1", "10002"):
            self.system.says(f"/rest/api/2/issue/{name}", issue)
        self.system.says("/rest/api/2/issue/OPS-2", {**issue, "key": "OPS-2", "fields": {**issue["fields"], "assignee": None}})
        self.system.says("/rest/api/2/issue/OPS-3", {**issue, "key": "OPS-3", "fields": {**issue["fields"], "status": {"name": "Done"}}})
        self.system.says("/rest/api/2/issue/OPS-4", {"errorMessages": ["Issue Does Not Exist"], "errors": {}}, status=404)
        self.accepted("OPS-1")
        self.refused("ops-1", "there is no such ticket")
        self.refused("10002", "there is no such ticket")
        self.refused("OPS-2", "the ticket is not alice's")
        self.refused("OPS-3", "the ticket is not open")
        self.refused("OPS-4", "there is no such ticket")

    def test_servicenow(self):
        query = "/api/now/table/incident?sysparm_query=number={ticket}&sysparm_display_value=true&sysparm_limit=1"
        written = self.of_system("https://acme.service-now.com", query, "snow")
        self.assertTrue(written.endswith(query))
        record = {"number": "INC0010001", "state": "In Progress", "assigned_to": {"display_value": "a.smith", "link": f"{self.system.url}/api/now/table/sys_user/1"}}
        for name, records in {"INC0010001": [record], "inc0010001": [record], "INC0010002": [{**record, "number": "INC0010002", "assigned_to": ""}],
                              "INC0010003": [{**record, "number": "INC0010003", "state": "Closed"}], "INC0010004": []}.items():
            self.system.says(query.replace("{ticket}", name), {"result": records})
        self.accepted("INC0010001")
        self.refused("inc0010001", "there is no such ticket")
        self.refused("INC0010002", "the ticket is not alice's")
        self.refused("INC0010003", "the ticket is not open")
        self.refused("INC0010004", "there is no such ticket")

    def test_github(self):
        written = self.of_system("https://api.github.com", "/repos/acme/ops/issues/{ticket}", "github")
        self.assertTrue(written.endswith("/repos/acme/ops/issues/{ticket}"))
        issue = {"id": 1, "number": 142, "state": "open", "assignee": {"login": "a.smith", "id": 7}, "assignees": [{"login": "a.smith", "id": 7}]}
        for name in ("142", "0142"):
            self.system.says(f"/repos/acme/ops/issues/{name}", issue)
        self.system.says("/repos/acme/ops/issues/143", {**issue, "number": 143, "assignee": None, "assignees": []})
        self.system.says("/repos/acme/ops/issues/144", {**issue, "number": 144, "state": "closed"})
        self.system.says("/repos/acme/ops/issues/145", {"message": "Not Found"}, status=404)
        self.system.says("/repos/acme/ops/issues/146", {"message": "Moved Permanently"}, status=301, headers={"Location": f"{self.system.url}/repos/acme/other/issues/1"})
        self.accepted("142")
        self.assertTrue(self.system.asked[-1][1]["User-Agent"], "GitHub refuses who does not say what it is")
        self.refused("0142", "there is no such ticket")
        self.refused("143", "the ticket is not alice's")
        self.refused("144", "the ticket is not open")
        self.refused("145", "there is no such ticket")
        self.unclear("146", "it has answered with status 301")


if __name__ == "__main__":
    unittest.main(verbosity=2)
