"""What each scope opens, and what it does not."""

import json
import os
import unittest

from people import PEOPLE, SCOPES, Office

MORE = {"dt_read:MaskShop": {}, "stage_read:Shop": {}, "op:reingest:MaskShop": {}, "op:erase:Shop": {}}


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class ScopesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.office.declare(scopes={**SCOPES, **MORE})
        applied = cls.office.yellow("apply")
        assert applied.status == 0, applied
        cls.tickets = iter(range(1, 99))

    def active(self, scope):
        return self.office.active(scope=scope, ticket=f"OPS-{next(self.tickets)}")

    def answers(self, request, statements):
        """What psql says to each, errors as ERROR."""
        done = self.office.session(request, "\\pset tuples_only on\n\\pset format unaligned\n" + "\n".join(f"{one};" for one in statements) + "\n")
        return done.out.replace("\r", "")

    def test_outputs_are_read_and_not_written(self):
        request = self.active("dt_read:MaskShop")
        self.assertEqual(request["grants"], ["yellow_dr_maskshop"])
        said = self.answers(request, ["SELECT 'rows:' || count(*) FROM dp_main.dt_shopmasked__customers"])
        self.assertRegex(said, r"rows:\d+\n")
        for forbidden in ("DELETE FROM dp_main.dt_shopmasked__customers", "UPDATE dp_main.dt_shopmasked__customers SET lastname = 'x'",
                          "TRUNCATE dp_main.dt_shopmasked__customers", "SELECT FROM dp_main.shop__customers", "SELECT FROM dp_main.stg__shop__customers",
                          "CREATE TABLE dp_main.x ()", "SET ROLE yellow_dt_maskshop"):
            self.assertIn("permission denied", self.answers(request, [forbidden]), forbidden)

    def test_what_is_staged_is_read_and_nothing_else(self):
        request = self.active("stage_read:Shop")
        self.assertEqual(request["grants"], ["yellow_st_shop"])
        self.assertRegex(self.answers(request, ["SELECT 'rows:' || count(*) FROM dp_main.stg__shop__customers"]), r"rows:\d+")
        for forbidden in ("DELETE FROM dp_main.stg__shop__customers", "SELECT FROM dp_main.shop__customers", "SELECT FROM dp_main.dt_shopmasked__customers",
                          "SELECT FROM yellow.batch"):
            self.assertIn("permission denied", self.answers(request, [forbidden]), forbidden)

    def test_an_operation_takes_two_and_lets_nobody_in(self):
        office = self.office
        refused = office.access("alice", "request", "--scope", "op:erase:Shop", "--for", "1h", "--ticket", "OPS-90", "--reason", "asked to")
        self.assertEqual(refused.status, 2, refused)
        self.assertIn("has to be told its dataset", refused.err)
        request = office.did("alice", "request", "--scope", "op:erase:Shop", "--for", "1h", "--ticket", "OPS-90", "--reason", "asked to",
                             "--parameter", "dataset=customers", "--parameter", 'key={"id": "canary-C17"}')
        self.assertEqual((request["approvers"], request["parameters"], request["grants"]), (2, {"dataset": "customers", "key": '{"id":"canary-C17"}'}, []))
        self.assertIn("canary-C17", office.access("bob", "show", request["id"]).out)
        self.assertEqual(office.approve(request)["state"], "pending")
        # Another key is another request, which nobody has approved.
        edited = office.did("alice", "edit", request["id"], "--parameter", 'key={"id": "canary-C18"}')
        self.assertEqual(edited["parameters"], {"dataset": "customers", "key": '{"id":"canary-C18"}'})      # what is not named stays
        self.assertNotEqual(edited["content"], request["content"])
        self.assertEqual(edited["votes"], [])
        stale = office.access("bob", "approve", request["id"], "--content", request["content"])
        self.assertEqual(stale.status, 1, stale)
        self.assertEqual(office.session(edited, "SELECT 1;\n").status, 1)
        # Whose row it is stands in no record, and nowhere once nothing comes of it.
        self.assertEqual(office.did("alice", "withdraw", request["id"])["parameters"], {"dataset": "customers"})
        self.assertEqual(office.sql("MergeDB", "SELECT 1 FROM yellow_access.audit WHERE details::text LIKE '%canary-%'"), [])
        self.assertEqual(office.sql("MergeDB", f"SELECT length(salt) FROM yellow_access.request WHERE id = '{request['id']}'"), [("0",)])

    def test_one_approver_is_not_enough_for_the_database_either(self):
        said = self.office.as_service("SELECT yellow_access.ask('0123456789abcdef', 'alice', 'op:erase:Shop', 60, 'OPS-91', 'x', '{}', 'x', 1, 60, 'regular', '{}', '')")
        self.assertIn("operation_takes_two", said)
        said = self.office.as_service("SELECT yellow_access.ask('0123456789abcdef', 'alice', 'dt_write:MaskShop', 60, 'OPS-91', 'x', '{}', 'x', 1, 60, 'regular', '{}', '')")
        self.assertIn("request_grants_check", said)

    def test_what_a_model_may_not_declare(self):
        for scopes, text in (({"op:reingest:MaskShop": {"approvers": 1}}, "two people at least approve an operation"),
                             ({"op:drop:MaskShop": {}}, "there is no such scope"), ({"dt_read:Analysts": {}}, "has no transformer"),
                             ({"stage_read:ShopMasked": {}}, "to read the tables that its transformer writes: dt_read:MaskShop"),
                             ({"kubernetes:prod": {}}, "which ClusterRole is bound"), ({"kubernetes:Prod": {"role": "edit"}}, "no namespace is named so"),
                             ({"shell": {"folders": ["var/log"]}}, "cannot be given this folder"), ({"dt_write:MaskShop": {"role": "edit"}}, "a role is bound in a namespace only")):
            self.office.declare(scopes=scopes)
            self.addCleanup(self.office.declare, scopes={**SCOPES, **MORE})
            done = self.office.yellow("lint")
            self.assertEqual(done.status, 1, (scopes, done))
            self.assertIn(text, done.out + done.err, json.dumps(scopes))

    def test_what_lets_nobody_in_is_told(self):
        """By lint with its place, and by doctor; all is well with an office as it should be."""
        office = self.office

        def told():
            linted = office.yellow("lint")
            self.assertEqual(linted.status, 0, linted)      # nothing else is stopped by it
            doctor = json.loads(office.yellow("doctor", "--output", "json").out)
            finding, = [one for one in doctor if one["key"] == "model/scopes"]
            return {code for code in ("Y439", "Y440", "Y441") if f"[{code}]" in linted.out + linted.err}, finding

        codes, finding = told()
        self.assertEqual((codes, finding["state"], finding["remedy"]), (set(), "ok", None))
        local = office.root / "environments/local.yaml"
        text, keys = local.read_text(), office.reviewers
        self.addCleanup(lambda: (setattr(office, "reviewers", keys), local.write_text(text), office.declare(scopes={**SCOPES, **MORE})))
        office.reviewers = {}
        local.write_text(text.replace("tickets: {file: tickets.json}\n", ""))
        office.declare({"alice": (["daemon"], ["auditor"]), "bob": PEOPLE["bob"], "carol": PEOPLE["carol"]}, {"ws_read:Analysts": {"approvers": 2}, "shell": {}, "op:reingest:MaskShop": {}})
        codes, finding = told()
        self.assertEqual((codes, finding["state"]), ({"Y439", "Y440", "Y441"}, "warning"), finding)
        for word in ("nobody can have ws_read:Analysts", "nobody can have op:reingest:MaskShop", "no session begins under shell", "environment local has no ticket system"):
            self.assertIn(word, json.dumps(finding))
        self.assertNotIn("no session begins under op:", json.dumps(finding))


if __name__ == "__main__":
    unittest.main()
