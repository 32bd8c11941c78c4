#include "plan/import.h"

#include <gmock/gmock.h>

#include "load/load.h"
#include "plan/guess_class.h"
#include "plan/source_names.h"

namespace yellow::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

SourceColumn Column(const std::string& name, const std::string& type, bool not_null = false) {
  return {name, type, true, type, "", not_null, true};
}

SourceTable TableOf(const std::string& name, std::vector<SourceColumn> columns, std::vector<SourceKey> keys = {}) {
  SourceTable table;
  table.name = name;
  table.columns = std::move(columns);
  table.keys = std::move(keys);
  return table;
}

SourceCatalogue Catalogue(std::vector<SourceTable> tables) { return {"crm", "public", "reader", std::move(tables)}; }

/// `table.column state code` of each finding.
std::vector<std::string> FindingsOf(const Import& import) {
  std::vector<std::string> lines;
  for (const ImportFinding& finding : import.findings)
    lines.push_back(finding.table + (finding.column.empty() ? "" : "." + finding.column) + " " + finding.state + " " +
                    finding.code);
  return lines;
}

std::vector<std::string> Key(const model::ImportedDataset& imported) {
  std::vector<std::string> names;
  for (const model::Name& name : imported.dataset.key) names.push_back(name.text);
  return names;
}

TEST(Import, TakesTheBestKey) {
  const std::vector<SourceColumn> columns{Column("a", "integer", true), Column("b", "integer", true),
                                          Column("c", "integer", true), Column("n", "integer")};
  const auto key_of = [&](std::vector<SourceKey> keys) {
    return Key(ImportTables(Catalogue({TableOf("t", columns, std::move(keys))}), {}).datasets.at(0));
  };
  EXPECT_THAT(key_of({{false, false, {"c"}}, {true, false, {"a", "b"}}}), ElementsAre("a", "b"));
  EXPECT_THAT(key_of({{false, false, {"c"}}, {false, true, {"a", "b"}}}), ElementsAre("a", "b"));
  EXPECT_THAT(key_of({{false, false, {"a", "b"}}, {false, false, {"c"}}}), ElementsAre("c"));
  EXPECT_THAT(key_of({{false, false, {"n"}}}), IsEmpty());
  EXPECT_THAT(key_of({}), IsEmpty());
}

TEST(Import, AColumnThatMayNotBeReadIsInNoKey) {
  SourceTable table = TableOf("t", {Column("a", "integer", true), Column("b", "text")}, {{true, false, {"a"}}});
  table.columns[0].readable = false;
  const Import import = ImportTables(Catalogue({table}), {});
  EXPECT_THAT(Key(import.datasets.at(0)), IsEmpty());
  EXPECT_THAT(FindingsOf(import), ElementsAre("t added table", "t.a left_out no_privilege", "t no_key no_key"));
}

TEST(Import, NamesThatMayStayAreServedFirst) {
  const Import import =
      ImportTables(Catalogue({TableOf("Order Items", {Column("x", "text")}),
                              TableOf("Order_Items", {Column("x y", "text"), Column("x_y", "text")})}),
                   {});
  EXPECT_EQ(import.datasets.at(0).dataset.name, "Order_Items_2");
  EXPECT_EQ(import.datasets.at(0).dataset.table, "Order Items");
  EXPECT_EQ(import.datasets.at(1).dataset.name, "Order_Items");
  EXPECT_EQ(import.datasets.at(1).columns.at(0).column.name, "x_y_2");
  EXPECT_EQ(import.datasets.at(1).columns.at(1).column.name, "x_y");
}

TEST(Import, LeavesOutWithAReasonAndTakesWhatIsNamed) {
  SourceTable view = TableOf("v", {Column("a", "integer")});
  view.kind = RelationKind::kView;
  SourceTable part = TableOf("part", {Column("a", "integer")});
  part.parent = "whole";
  SourceTable closed = TableOf("closed", {Column("a", "integer")});
  closed.readable = false;
  const SourceCatalogue catalogue = Catalogue({closed, part, view});
  EXPECT_THAT(FindingsOf(ImportTables(catalogue, {})),
              ElementsAre("closed left_out no_privilege", "part left_out child", "v left_out view"));
  ImportRequest request;
  request.tables = {"v", "closed"};
  EXPECT_THAT(FindingsOf(ImportTables(catalogue, request)),
              ElementsAre("closed left_out no_privilege", "v added table", "v no_key no_key"));
}

TEST(Import, TypesThatAreNotModelledAreText) {
  SourceColumn status = Column("status", "order_status");
  status.known = false;
  SourceColumn positive{"n", "integer", true, "positive", "", false, true};
  const Import import =
      ImportTables(Catalogue({TableOf("t", {status, positive, Column("p", "interval year to month")})}), {});
  const auto& columns = import.datasets.at(0).columns;
  EXPECT_EQ(model::ToShort(columns[0].column.type), "text");
  EXPECT_EQ(columns[0].remark, "order_status at the source, carried as text");
  EXPECT_EQ(model::ToShort(columns[1].column.type), "integer");
  EXPECT_EQ(columns[1].remark, "the domain positive at the source");
  EXPECT_EQ(model::ToShort(columns[2].column.type), "text");
}

TEST(Import, ComparesWithWhatIsThere) {
  model::Datastore store;
  model::Dataset dataset;
  dataset.name = "t", dataset.table = "T table";
  const auto column = [](const char* name, const char* type, const char* from) {
    std::string why;
    model::Column c;
    c.name = name, c.from = from;
    const auto parsed = model::ParseType(type, &why);
    c.type = parsed->type, c.not_null = parsed->not_null;
    return c;
  };
  dataset.key = {{"id", {}}};
  dataset.columns = {column("id", "integer", "id"), column("short", "varchar(5)", "short"),
                     column("wide", "varchar(50)", "wide"), column("lost", "text", "lost"),
                     column("sure", "text not null", "sure")};
  store.datasets = {dataset};
  model::Dataset gone;
  gone.name = gone.table = "gone";
  store.datasets.push_back(gone);
  ImportRequest request;
  request.existing = &store;
  request.declined_columns = {{"t", {"no_thanks"}}};
  const Import import = ImportTables(
      Catalogue({TableOf("T table", {Column("id", "integer", true), Column("short", "character varying(10)"),
                                     Column("wide", "character varying(10)"), Column("sure", "text"),
                                     Column("Short", "text", true), Column("no thanks", "text")})}),
      request);
  EXPECT_THAT(FindingsOf(import),
              ElementsAre("T table.short differs type", "T table.lost gone column", "T table.sure differs not_null",
                          "T table.no thanks declined commented_out", "T table.Short renamed clash",
                          "T table.Short added column", "gone gone table"));
  ASSERT_EQ(import.columns.at("t").size(), 1u);
  EXPECT_EQ(import.columns.at("t")[0].column.name, "Short_2");
  EXPECT_FALSE(import.columns.at("t")[0].column.not_null) << "rows that are there have no value for it";
}

TEST(Import, SaysWhereANewColumnSpreads) {
  const std::string rest = R"(
---
kind: Workspace
name: Mask
groups: {In: {sinks: [Shop.a]}}
transformer:
  code: {mask: {a: {street: redact}}}
  output: {datastore: Masked, datasets: {a: {like: Shop.a}, own: {key: [id], columns: {id: integer, note: text}}}}
---
kind: Workspace
name: Code
groups: {In: {sinks: [Shop.a]}}
transformer:
  code: {source: code/, command: [x]}
  output: {datastore: Coded, datasets: {a: {like: Masked.a}, b: {like: Shop.a, drop: [id, note]}}}
)";
  const std::string store =
      "kind: Datastore\nname: Shop\ncapture: {sql_snapshot: {container: C, credential: c}}\n"
      "datasets: {a: {columns: {id: integer";
  const load::Loaded before = load::Load({{"model/a.yaml", store + "}}}" + rest}}, "");
  const load::Loaded after = load::Load({{"model/a.yaml", store + ", street: text, note: text}}}" + rest}}, "");
  Import import;
  for (const char* name : {"street", "note"}) {
    model::ImportedColumn column;
    column.column.name = name, column.column.from = std::string("the ") + name;
    import.columns["a"].push_back(column);
  }
  std::vector<std::string> found;
  for (const ImportFinding& finding : FindSpreading(import, before.model, after.model))
    found.push_back(finding.table + "." + finding.column + " " + finding.code + ": " + finding.text.substr(0, 21));
  EXPECT_THAT(found,
              ElementsAre("a.the street like: Coded.a is like a: it", "a.the note like: Coded.a is like a: it",
                          "a.the street like: Coded.b is like a: it", "a.the note unmasked: Masked.a is like a an"));
}

TEST(SourceNames, GoTogether) {
  EXPECT_EQ(ContainerNameFor("shop"), "ShopDB");
  EXPECT_EQ(ContainerNameFor("shopdb"), "ShopDB");
  EXPECT_EQ(ContainerNameFor("my-crm_database"), "MyCrmDB");
  EXPECT_EQ(ContainerNameFor("2020"), "Source_2020DB");
  EXPECT_EQ(CredentialNameFor("MyCrmDB"), "my_crm_reader");
  EXPECT_EQ(VariablesFor("MyCrmDB"), "MY_CRM");
  EXPECT_EQ(StoreNameFor("MyCrmDB", "public"), "MyCrm");
  EXPECT_EQ(StoreNameFor("ShopDB", "sales data"), "ShopSalesData");
  EXPECT_EQ(StoreNameFor("ShopDB", "shop"), "Shop");
  EXPECT_EQ(FileNameFor("ShopMasked"), "shop_masked");
}

std::string Guess(const std::string& table, const std::string& column, const std::string& type,
                  const std::string& comment = "") {
  std::string why;
  const auto guess = GuessClass(table, column, comment, model::ParseType(type, &why)->type);
  return guess ? guess->word : "";
}

TEST(Guess, SpeaksSeveralLanguages) {
  for (const char* column : {"first_name", "lastName", "Vorname", "nom_de_famille", "prénom", "apellidos", "achternaam",
                             "contact name", "CUSTOMER_NAME"})
    EXPECT_EQ(Guess("t", column, "text"), "pii.name") << column;
  for (const char* column : {"email", "e_mail", "EmailAddress", "backup_email_2", "telefon", "mobile_phone", "correo"})
    EXPECT_EQ(Guess("t", column, "varchar(50)"), "pii.contact") << column;
  for (const char* column : {"street", "Straße", "home_address", "zip_code", "plz", "dirección"})
    EXPECT_EQ(Guess("t", column, "text"), "pii.address") << column;
  for (const char* column : {"dob", "date_of_birth", "birthDate", "geburtsdatum", "date_naissance"})
    EXPECT_EQ(Guess("t", column, "date"), "pii.birth") << column;
  for (const char* column : {"ssn", "tax_id", "passport_no", "Steuer-ID", "codice_fiscale"})
    EXPECT_EQ(Guess("t", column, "text"), "pii.government_id") << column;
}

TEST(Guess, IsSilentWhereTheDataCannotBeThat) {
  EXPECT_EQ(Guess("t", "email_verified", "boolean"), "");
  EXPECT_EQ(Guess("t", "email_sent_at", "timestamptz"), "");
  EXPECT_EQ(Guess("t", "email_type", "text"), "");
  EXPECT_EQ(Guess("t", "address_id", "text"), "");
  EXPECT_EQ(Guess("t", "first_name", "integer"), "");
  EXPECT_EQ(Guess("t", "description", "text"), "");
  EXPECT_EQ(Guess("t", "phone", "bigint"), "pii.contact");
}

TEST(Guess, ANameAloneIsThatOfAPersonInATableOfPeople) {
  EXPECT_EQ(Guess("customers", "name", "text"), "pii.name");
  EXPECT_EQ(Guess("crm_users", "Name", "text"), "pii.name");
  EXPECT_EQ(Guess("products", "name", "text"), "");
}

TEST(Guess, ReadsComments) {
  EXPECT_EQ(Guess("t", "info", "text", "Phone number, or what people leave there"), "pii.contact");
  EXPECT_EQ(GuessClass("t", "info", "Phone number, please", {})->because, "its comment speaks of phonenumber");
}

}  // namespace
}  // namespace yellow::plan
