"""The shop in a private Airflow: two sources, transformers with several inputs, shared inputs and one behind another, and one that fails."""

from case import AirflowCase    # which makes the other be found
from project import Project

MODEL = """kind: Workspace
name: MaskShop
groups: {Original: {sinks: [Shop.customers, Shop.addresses, Billing.invoices]}}
transformer:
  code: {sql: mask/}
  output:
    datastore: ShopMasked
    datasets:
      customers: {like: Shop.customers, drop: [email, phone]}
      addresses: {like: Shop.addresses, drop: [street]}
      invoices: {like: Billing.invoices}
    declassify: [{columns: [customers.*, addresses.*, invoices.*], to: public, reason: initials and years only, approved_by: alice}]
---
kind: Workspace
name: CountNames
groups: {Masked: {sinks: [ShopMasked.customers]}}
transformer:
  code: {sql: count/}
  output: {datastore: Names, datasets: {initials: {key: [initial], columns: {initial: text, people: bigint not null}}}}
---
kind: Workspace
name: ListCities
groups: {Original: {sinks: [Shop.addresses]}}
transformer:
  code: {source: cities/, command: [sh, run.sh]}
  output: {datastore: Cities, datasets: {cities: {key: [city], columns: {city: varchar(100), country: char(2)}}}}
---
kind: Workspace
name: Fails
groups: {Original: {sinks: [Billing.invoices]}}
transformer:
  code: {source: fails/, command: [sh, run.sh]}
  retries: 0
  output: {datastore: Failed, datasets: {invoices: {like: Billing.invoices}}}
---
kind: Workspace
name: AirflowReaders
groups: {Now: {sinks: [ShopMasked.invoices, Names.initials, Cities.cities, Failed.invoices]}}
---
kind: Datastore
name: Billing
production: true
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader, schedule: "0 0 1 1 *"}}
datasets:
  invoices: {key: [id], columns: {id: integer, amount: "numeric(10,2) not null"}}
"""
CODE = {
    "mask/invoices.sql": "SELECT id, amount FROM Billing.invoices\n",
    "count/initials.sql": "SELECT firstname AS initial, count(*) AS people FROM ShopMasked.customers GROUP BY 1\n",
    "cities/run.sh": "test ! -e SLOW || sleep 300\n"
                     'psql -X -q -v ON_ERROR_STOP=1 -c "INSERT INTO $YELLOW_OUTPUT__CITIES SELECT city, min(country) FROM $YELLOW_INPUT__ORIGINAL__SHOP__ADDRESSES GROUP BY 1"\n',
    "fails/run.sh": "echo the printer is on fire; exit 3\n",
}
SOURCE = """CREATE TABLE invoices (id integer PRIMARY KEY, amount numeric(10,2));
INSERT INTO invoices VALUES (1, 10), (2, 20.5);
GRANT SELECT ON invoices TO shop_reader;"""


class ShopCase(AirflowCase):
    """What the tests need that look at how data goes through it."""

    @classmethod
    def setUpClass(cls):
        project = Project().unscheduled()
        cls.addClassCleanup(project.close)
        project.demo()
        project.hurry()
        project.sql("ShopDB", SOURCE)
        (project.root / "model/mask_shop.yaml").unlink()
        project.write("model/airflow.yaml", MODEL)
        # The code of a run is another user.
        project.base.chmod(0o755)
        cls.slow = project.base / "slow"
        for path, text in CODE.items():
            project.write(f"model/{path}", text.replace("SLOW", str(cls.slow)))
        assert project.yellow("apply").status == 0
        cls.start(project)

    def rename(self, name):
        self.project.sql("ShopDB", f"UPDATE customers SET firstname = '{name}' WHERE id = (SELECT min(id) FROM customers)")

    def pay(self, amount):
        self.project.sql("ShopDB", f"UPDATE invoices SET amount = {amount} WHERE id = 1")

    def paid(self):
        return self.project.sql("MergeDB", "SELECT amount FROM ws_airflowreaders.now__shopmasked__invoices WHERE id = 1")[0][0]

    def assert_right(self):
        """The outputs are what the code makes of the source as it is now, and no rule is broken."""
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.paid(), self.project.sql("ShopDB", "SELECT amount FROM invoices WHERE id = 1")[0][0])
        self.assertEqual(self.project.sql("MergeDB", "SELECT initial, people FROM ws_airflowreaders.now__names__initials ORDER BY 1"),
                         self.project.sql("ShopDB", "SELECT left(firstname, 1) || '.', count(*) FROM customers GROUP BY 1 ORDER BY 1"))
        self.assertEqual(self.project.sql("MergeDB", "SELECT city, country FROM ws_airflowreaders.now__cities__cities ORDER BY 1"),
                         self.project.sql("ShopDB", "SELECT city, min(country) FROM addresses GROUP BY 1 ORDER BY 1"))
        self.assertEqual(self.project.broken_invariants(), {})
