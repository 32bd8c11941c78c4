"""A store that several merge databases have: a row is erased in each by itself, and in no other than was said."""

import json
import os
import time
import unittest

from erase_test import Erasing
from people import PEOPLE, SCOPES, Office

FAR = """
kind: Workspace
name: Far
groups: {Now: {requires: {platform: Second}, sinks: [Shop.customers]}}
"""


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class ErasePlacesTest(Erasing):
    @classmethod
    def setUpClass(cls):
        cls.office = office = Office()
        cls.addClassCleanup(office.close)
        office.declare(scopes={**SCOPES, "op:erase:Shop": {}})
        ecosystem = office.root / "model/ecosystem.yaml"
        document = json.loads(ecosystem.read_text())
        document |= {"containers": {"SecondDB": {"postgres": {"database": "second"}}, "MergeDB": {"postgres": {"database": "merge"}}},
                     "platforms": {"Main": {"container": "MergeDB"}, "Second": {"container": "SecondDB"}}}
        ecosystem.write_text(json.dumps(document))
        team = office.root / "model/team.yaml"
        team.write_text("\n".join(line for line in team.read_text().split("\n") if "MergeDB" not in line))
        local = office.root / "environments/local.yaml"
        local.write_text(local.read_text().replace("containers:\n", "containers:\n  SecondDB: embedded\n"))
        office.write("model/far.yaml", FAR)
        for name, groups in (("analysts", {"milestoning: live}": "milestoning: live, platform: Main}", "milestoning: forensic}": "milestoning: forensic, platform: Main}"}),
                             ("mask_shop", {"{sinks: [Shop.customers": "{requires: {platform: Main}, sinks: [Shop.customers"})):
            file = office.root / f"model/{name}.yaml"
            text = file.read_text()
            for before, after in groups.items():
                text = text.replace(before, after)
            file.write_text(text)
        office.stop_service()
        for command in (["apply"], ["run"]):
            done = office.yellow(*command)
            assert done.status == 0, done
        office.start_service()
        cls.tickets = iter(range(3, 99))

    # ---- What there is.

    def rows(self, container):
        table, = self.office.sql(container, "SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename = 'shop__customers'")[0]
        return int(self.office.sql(container, f"SELECT count(*) FROM {table} WHERE id = 'C00001'")[0][0])

    def requests(self, container):
        return self.office.sql(container, "SELECT id FROM yellow_access.request WHERE scope = 'op:erase:Shop'")

    def erased_in(self, container):
        done = self.erase("Shop.customers", {"id": "C00001"}, where=("--container", container))
        self.assertEqual(done.status, 0, done)
        request = json.loads(done.out)
        self.assertEqual(request["container"], container)
        for who in ("bob", "carol"):
            self.office.approve(request, who)
        self.office.did("alice", "activate", request["id"])
        until = time.monotonic() + 40
        while (shown := self.office.did("bob", "show", request["id"]))["state"] != "in_review" or shown["operation"]["space"] != "given_back":
            assert time.monotonic() < until, (shown, self.log())
            time.sleep(0.1)
        self.assertEqual(self.office.sql(container, f"SELECT count(*) FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.operation'"), [("1",)])
        return request, shown["operation"]["outcome"]

    # ----

    def test_each_place_is_asked_for_and_erased_by_itself(self):
        self.assertEqual((self.rows("MergeDB"), self.rows("SecondDB")), (1, 1))
        for where, text in (((), "several merge databases have it, each of which is erased by itself: MergeDB, SecondDB"), (("--container", "ShopDB"), ""), (("--container", "Nowhere"), "")):
            refused = self.erase("Shop.customers", {"id": "C00001"}, where=where)
            self.assertNotEqual(refused.status, 0, (where, refused))
            self.assertIn(text, refused.err)
        self.assertIn("--container MergeDB", self.erase("Shop.customers", {"id": "C00001"}).err)
        self.assertEqual((self.requests("MergeDB"), self.requests("SecondDB")), ([], []))
        self.office.sql("ShopDB", "DELETE FROM customers WHERE id = 'C00001'")
        second, outcome = self.erased_in("SecondDB")
        self.assertEqual(outcome["versions"], 1)
        self.assertNotIn("derived", outcome, "what MergeDB has made of it is MergeDB's")
        self.assertEqual((self.rows("MergeDB"), self.rows("SecondDB")), (1, 0))
        self.assertEqual(self.requests("MergeDB"), [])
        first, outcome = self.erased_in("MergeDB")
        self.assertEqual(outcome["versions"], 1)
        self.assertIn("ShopMasked.customers", outcome["derived"])
        self.assertEqual((self.rows("MergeDB"), self.rows("SecondDB")), (0, 0))
        self.assertEqual((self.requests("MergeDB"), self.requests("SecondDB")), ([(first["id"],)], [(second["id"],)]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
