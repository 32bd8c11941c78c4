"""Messages by mail: to each address once, by an encrypted way, whatever the server refuses, and whoever falls silent, goes away or is killed meanwhile."""

import email.utils
import json
import os
import signal
import subprocess
import time
import unittest

from mail_server import ELSEWHERE, MailServer, made_certificate
from people import Office
from project import YELLOW, Project

MODEL = """
kind: Datastore
name: Ledger
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader, schedule: "0 0 1 1 *", guards: {max_deleted: 20%}}}
datasets:
  entries: {key: [id], columns: {id: integer}}
---
kind: Workspace
name: Clerk
groups: {G: {sinks: ["Ledger.*"]}}
"""
PASSWORD = "canary-mail-3141"
LOGIN = ("yellow", PASSWORD)
DUE = "UPDATE yellow.notice SET due_at = clock_timestamp() WHERE delivered_at IS NULL"
KILLED = -9


class MailTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()
        cls.project.sql("ShopDB", "CREATE TABLE entries (id integer); GRANT SELECT ON entries TO shop_reader")
        cls.project.write("model/ledger.yaml", MODEL)
        shared = cls.project.root / "model/ecosystem.yaml"
        shared.write_text(shared.read_text() + "credentials: {mailer: {type: user_password}}\n")
        cls.local = cls.project.root / "environments/local.yaml"
        cls.plain = cls.local.read_text().replace("credentials:\n", "credentials:\n  mailer: {env: MAIL}\n")
        assert "mailer" in cls.plain
        cls.ca, cls.context = made_certificate(cls.project.root, "ca")
        cls.other_ca, _ = made_certificate(cls.project.root, "other")
        cls.addClassCleanup(lambda: cls.assertEqual(cls(), cls.project.broken_invariants(), {}))

    def setUp(self):
        self.project.sql("MergeDB", "DELETE FROM yellow.notice")

    def server(self, **how):
        server = MailServer(**how)
        self.addCleanup(server.close)
        return server

    def tls_server(self, **how):
        return self.server(host=ELSEWHERE, starttls=self.context, login=LOGIN, **how)

    def told_by(self, server, to=("ops@example.com",), settings="credential: mailer, ca: ca.pem", address=None):
        """The model says that mail goes there."""
        self.local.write_text(self.plain + f"notify: {{ops: {{mail: {{server: \"{address or server.address}\", from: yellow@example.com, to: [{', '.join(to)}], {settings}}}, events: [held]}}}}\n")
        result = self.yellow("apply")
        self.assertEqual(result.status, 0, result)

    def yellow(self, *arguments, fault=None, password=PASSWORD, user="yellow"):
        return self.project.yellow(*arguments, environment={"MAIL_USER": user, "MAIL_PASSWORD": password, **({"YELLOW_FAULT": fault} if fault else {})})

    def write(self, reason="entries would lose 400 of 500 rows", to="ops@example.com", node="Ingest/Main/Ledger"):
        """A message in the outbox; returns its id."""
        text = reason.replace("'", "''")
        return self.project.sql("MergeDB", "INSERT INTO yellow.notice (receiver, node, event, reason_code, reason, over_at) "
                                           f"VALUES ('ops/{to}', '{node}', 'over', 'held', E'{text}', clock_timestamp()) RETURNING id")[0][0]

    def deliver(self, **how):
        self.project.sql("MergeDB", DUE)
        return self.yellow("run", "Ledger", **how)

    def delivered(self):
        return self.project.sql("MergeDB", "SELECT receiver, delivered_at IS NOT NULL, coalesce(error, '') FROM yellow.notice ORDER BY number")

    # ---- What is sent ------------------------------------------------------------------------------------------------

    def test_a_held_batch_is_told_to_each_address_and_that_it_is_over_too(self):
        server = self.tls_server()
        self.told_by(server, to=("ops@example.com", "dev@example.org"))
        self.project.sql("ShopDB", "TRUNCATE entries; INSERT INTO entries SELECT generate_series(1, 500)")
        self.assertEqual(self.yellow("run", "Ledger").status, 0)
        self.project.sql("ShopDB", "DELETE FROM entries WHERE id > 100")
        self.assertEqual(self.yellow("run", "Ledger").status, 1)
        self.assertEqual(sorted(to for to, *_ in server.mails), ["dev@example.org", "ops@example.com"])
        self.assertEqual({(tls, who) for _, _, tls, who in server.mails}, {(True, "yellow")})
        held = {mail["To"]: mail for mail in server.read()}["ops@example.com"]
        self.assertEqual(held["From"], "yellow@example.com")
        self.assertRegex(held["Subject"], r"^\[local\] Ledger is held, batch \d+: entries would lose 400 of 500 rows, more than max_deleted allows: 20%$")
        self.assertRegex(held["Message-ID"], r"^<[0-9a-f-]{36}@example\.com>$")
        self.assertLess(abs(email.utils.parsedate_to_datetime(held["Date"]).timestamp() - time.time()), 120)
        self.assertEqual((held["Auto-Submitted"], held.get_content_charset(), held["In-Reply-To"]), ("auto-generated", "utf-8", None))
        self.assertIn("yellow batches show Ledger", held.get_content())
        self.project.sql("ShopDB", "INSERT INTO entries SELECT generate_series(101, 500)")
        self.assertEqual(self.yellow("run", "Ledger").status, 0)
        over = [mail for mail in server.read() if mail["To"] == "ops@example.com"]
        self.assertEqual(len(over), 2)
        self.assertEqual(over[1]["In-Reply-To"], held["Message-ID"])
        self.assertIn("Over: Ledger was held", over[1]["Subject"])

    def test_no_name_and_no_reason_makes_a_header_or_ends_the_mail(self):
        server = self.server()
        self.told_by(server, settings="")
        evil = r"x\r\nBcc: all@example.com\r\n\r\nhello\r\n.\r\nMAIL FROM:<x@example.com>"
        self.write(evil, node=r"Ingest/Main/Ledger' || E'\r\nBcc: all@example.com' || '")
        self.write(r".\r\n.\r\nRSET")
        self.write("Größe → 日本語 😀 " * 30)
        self.assertEqual(self.deliver().status, 0)
        self.assertEqual(len(server.mails), 3, self.delivered())
        for mail in server.read():
            self.assertEqual(mail["Bcc"], None)
            self.assertEqual(set(mail.keys()), {"From", "To", "Date", "Message-ID", "In-Reply-To", "References", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
                                                "Content-Transfer-Encoding", "X-Peer", "X-MailFrom", "X-RcptTo"} & set(mail.keys()))
            self.assertEqual(mail.defects, [])
        self.assertIn("Größe → 日本語 😀 Größe", server.read()[2]["Subject"])
        self.assertEqual(server.read()[2].get_content().count("Größe → 日本語 😀"), 30)
        self.assertTrue(all(max(map(len, text.split(b"\r\n"))) <= 998 and text.isascii() for _, text, *_ in server.mails))

    # ---- The way there -------------------------------------------------------------------------------------------------

    def test_nothing_is_sent_in_clear_and_to_nobody_else(self):
        _, wrong_name = made_certificate(self.project.root, "ca2", address="192.0.2.1")
        for server, settings, why in (
                (self.server(host=ELSEWHERE, login=LOGIN), "credential: mailer", "the server offers no STARTTLS, and nothing is sent in clear"),
                (self.server(login=LOGIN), "credential: mailer, ca: ca.pem", "the server offers no STARTTLS, and nothing is sent in clear"),
                (self.tls_server(), "credential: mailer", "SSL peer certificate or SSH remote key was not OK"),
                (self.tls_server(), "credential: mailer, ca: other.pem", "SSL peer certificate or SSH remote key was not OK"),
                (self.server(host=ELSEWHERE, starttls=wrong_name, login=LOGIN), "credential: mailer, ca: ca2.pem", "SSL peer certificate or SSH remote key was not OK"),
                (self.server(host=ELSEWHERE, smtps=wrong_name, login=LOGIN), "credential: mailer, ca: ca2.pem", "SSL peer certificate or SSH remote key was not OK")):
            with self.subTest(settings=settings, server=server.address):
                self.told_by(server, settings=settings)
                self.write()
                self.assertIn(f"notify ops/ops@example.com: {why}", self.deliver().out)
                self.assertEqual((server.mails, server.tried), ([], []))
                self.assertEqual({"MAIL", "RCPT", "DATA"} & set(server.commands), set())
                self.project.sql("MergeDB", "DELETE FROM yellow.notice")

    def test_tls_from_the_first_byte(self):
        server = self.server(host=ELSEWHERE, smtps=self.context, login=LOGIN)
        self.told_by(server)
        self.write()
        self.deliver()
        self.assertEqual([(to, tls, who) for to, _, tls, who in server.mails], [("ops@example.com", True, "yellow")], self.delivered())

    def test_a_secret_that_is_wrong_or_missing(self):
        server = self.tls_server()
        self.told_by(server)
        self.write()
        said = [self.deliver(password="canary-wrong-2718")]
        self.assertIn("notify ops/ops@example.com: it answered with status 535", said[-1].out)
        said.append(self.deliver(password=""))
        self.assertIn("credential mailer is no user and password", said[-1].out)
        said.append(self.yellow("doctor", "--output", "json", user=""))
        finding, = [finding for finding in json.loads(said[-1].out) if finding["key"] == "notify/ops/ops@example.com"]
        self.assertEqual((finding["state"], finding["reason"]["code"]), ("problem", "mail.login"))
        self.assertIn("environment variable MAIL_USER", finding["reason"]["text"])
        said += [self.yellow("status"), self.yellow("status", "--output", "json")]
        undelivered, = json.loads(said[-1].out)["undelivered"]
        self.assertEqual((undelivered["key"], undelivered["reason"]["code"]), ("ops/ops@example.com", "mail"))
        self.deliver()
        self.assertEqual(len(server.mails), 1)
        tables = self.project.sql("MergeDB", "SELECT string_agg(n::text, ' ') FROM yellow.notice n")
        for text in (*map(repr, said), str(tables), server.mails[0][1].decode()):
            self.assertNotIn("canary", text)

    # ---- Nothing lost ----------------------------------------------------------------------------------------------------

    def test_an_address_that_is_refused_is_in_nobodys_way(self):
        server = self.server()
        self.told_by(server, to=("gone@example.com", "ops@example.com"), settings="")
        server.says["gone@example.com"] = "550 5.1.1 unknown\r\n"
        self.write(to="gone@example.com")
        self.write(to="ops@example.com")
        self.assertIn("notify ops/gone@example.com: it answered with status 550", self.deliver().out)
        self.assertEqual([to for to, *_ in server.mails], ["ops@example.com"])
        self.assertRegex(self.yellow("status").out, r"notify ops/gone@example.com: 1 message not delivered yet, since \S+: it answered with status 550; tried again at")
        server.says.clear()
        self.deliver()
        self.assertEqual([to for to, *_ in server.mails], ["ops@example.com", "gone@example.com"])

    def test_a_server_that_is_busy_gets_it_later(self):
        server = self.server()
        self.told_by(server, settings="")
        message = self.write()
        for at, answer in (("DATA", "451 4.3.0 later"), ("ops@example.com", "421 4.7.0 too many")):
            server.says = {at: answer}
            self.assertIn(f"it answered with status {answer[:3]}", self.deliver().out)
        self.assertEqual(server.mails, [])
        server.says = {}
        self.assertNotIn("notify", self.deliver().out)
        self.assertEqual([mail["Message-ID"] for mail in server.read()], [f"<{message}@example.com>"])

    def test_a_connection_that_is_cut(self):
        server = self.server()
        self.told_by(server, settings="")
        self.write()
        for at in ("EHLO", "RCPT", "DATA"):
            server.at, server.does = at, "cut"
            self.assertIn("trying again for a day", self.deliver().out, at)
            self.assertEqual(server.mails, [], at)
        server.at = "taken"
        self.deliver()
        self.assertEqual(self.delivered()[0][1], "f")
        server.at = None
        self.deliver()
        self.assertEqual(self.delivered()[0][1], "t")
        first, second = server.mails
        self.assertEqual(first[1], second[1], "who has it knows it again")

    def test_a_process_that_is_killed(self):
        server = self.server()
        self.told_by(server, settings="")
        self.write()
        for point, mails in (("mail.send.before", 0), ("mail.send.after", 1)):
            self.assertEqual(self.deliver(fault=f"kill@{point}:1").status, KILLED)
            self.assertEqual(len(server.mails), mails, point)
        self.deliver()
        self.assertEqual(len(server.mails), 2)
        self.assertEqual(server.mails[0][1], server.mails[1][1])

    def test_a_server_that_falls_silent_is_in_nobodys_way(self):
        server = self.server()
        self.told_by(server, settings="")
        self.write()
        server.does = "silent"
        for at, arrives in (("EHLO", False), ("taken", False), ("QUIT", True)):
            server.at = at
            self.project.sql("MergeDB", DUE)
            begin = time.monotonic()
            process = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       env={**os.environ, "MAIL_USER": "yellow", "MAIL_PASSWORD": PASSWORD})
            try:
                commands = len(server.commands)
                while len(server.commands) < commands + (1 if at == "EHLO" else 3):
                    self.assertLess(time.monotonic() - begin, 30, server.commands)
                    time.sleep(0.05)
                batch = self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop'")
                self.project.sql("MergeDB", "UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = 'Ingest/Main/Shop'; NOTIFY yellow")
                while self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop' AND state = 'committed'") == batch:
                    self.assertLess(time.monotonic() - begin, 30)
                    time.sleep(0.1)
                process.send_signal(signal.SIGTERM)
                stopping = time.monotonic()
                self.assertEqual(process.wait(30), 0)
                self.assertLess(time.monotonic() - stopping, 10, at)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
            self.assertEqual(self.delivered()[0][1], "t" if arrives else "f", at)
        self.assertEqual(len({text for _, text, *_ in server.mails}), 1)


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessByMailTest(unittest.TestCase):
    def test_a_break_glass_and_an_overdue_review_come_by_mail(self):
        server = MailServer()
        self.addCleanup(server.close)
        office = Office()
        self.addCleanup(office.close)
        local = office.root / "environments/local.yaml"
        local.write_text(local.read_text() + f"notify: {{seniors: {{mail: {{server: \"{server.address}\", from: yellow@example.com, to: [seniors@example.com]}}, events: [access]}}}}\n")
        self.assertEqual(office.yellow("apply").status, 0)
        request = office.did("alice", "break-glass", "--scope", "dt_write:MaskShop", "--for", "10m", "--ticket", "OPS-1", "--reason", "canary-2718")
        for who in ("bob", "carol"):
            office.approve(request, who)
        office.did("alice", "activate", request["id"])
        begun = self.wait(server, 1)[0]
        self.assertEqual(begun["Subject"], f"[local] access {request['id']}: alice has broken the glass: dt_write:MaskShop, ticket OPS-1")
        office.did("alice", "release", request["id"])
        office.wait_for(request, "in_review")
        office.sql("MergeDB", f"UPDATE yellow_access.request SET review_due_at = clock_timestamp() WHERE id = '{request['id']}'")
        overdue = self.wait(server, 2)[1]
        self.assertIn("nobody has reviewed in time what alice did", overdue["Subject"])
        office.did("bob", "accept", request["id"], "all well")
        over = self.wait(server, 4)[2:]
        self.assertEqual({mail["In-Reply-To"] for mail in over}, {begun["Message-ID"], overdue["Message-ID"]})
        self.assertNotIn("canary", "".join(mail.as_string() for mail in server.read()))

    def wait(self, server, count):
        until = time.monotonic() + 30
        while len(server.mails) < count:
            self.assertLess(time.monotonic(), until, server.mails)
            time.sleep(0.05)
        return server.read()


if __name__ == "__main__":
    unittest.main(verbosity=2)
