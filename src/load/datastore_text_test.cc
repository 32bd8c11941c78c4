#include "load/datastore_text.h"

#include <gmock/gmock.h>

#include "load/load.h"

namespace yellow::load {
namespace {

model::ImportedColumn Column(const std::string& name, const std::string& type, const std::string& from = "") {
  std::string why;
  model::ImportedColumn imported;
  imported.column.name = name;
  imported.column.from = from.empty() ? name : from;
  const auto parsed = model::ParseType(type, &why);
  imported.column.type = parsed->type;
  imported.column.not_null = parsed->not_null;
  return imported;
}

model::ImportedDataset Dataset(const std::string& name, std::vector<model::ImportedColumn> columns) {
  model::ImportedDataset imported;
  imported.dataset.name = imported.dataset.table = name;
  imported.dataset.key = {{columns.front().column.name, {}}};
  imported.columns = std::move(columns);
  return imported;
}

Node Parsed(const std::string& text) {
  base::Diagnostics diagnostics;
  std::vector<Node> documents = ParseYaml("model/a.yaml", text, diagnostics);
  EXPECT_TRUE(diagnostics.empty()) << base::Render(diagnostics, {});
  EXPECT_EQ(documents.size(), 1u);
  return documents.front();
}

/// The text with column `fresh numeric(9,2)` in dataset `a` and a dataset `b`.
std::string Added(const std::string& text) {
  const Node document = Parsed(text);
  const std::string added = AddToDatastore(
      text, document, {{Dataset("b", {Column("id", "integer")})}, {{"a", {Column("fresh", "numeric(9,2)")}}}});
  // Whatever the style, the model has what was added and what was there.
  const Node again = Parsed(added);
  const Node* a = again.Find("datasets")->Find("a");
  EXPECT_EQ(a->Find("columns")->entries.back().key.text, "fresh") << added;
  EXPECT_EQ(a->Find("columns")->entries.back().value.text, "numeric(9,2)") << added;
  EXPECT_EQ(a->Find("columns")->entries.size(),
            document.Find("datasets")->Find("a")->Find("columns")->entries.size() + 1);
  EXPECT_EQ(again.Find("datasets")->entries.back().key.text, "b") << added;
  EXPECT_EQ(again.entries.size(), document.entries.size()) << added;
  return added;
}

TEST(DatastoreText, IsReadBackAsItWasMeant) {
  model::ImportedDataset strange =
      Dataset("t_1", {Column("null", "integer"), Column("c_1", "varchar(20)[] not null", "a \"b\": #\n"),
                      Column("price", "numeric(10,2) not null")});
  strange.dataset.table = "with 'quotes', {braces}";
  strange.columns[2].class_word = "pii.name";
  strange.columns[2].class_because = "it is\nso";
  strange.columns[2].remark = "a remark # with\xE2\x80\xA8 breaks";
  strange.remarks = {"first\nsecond: [", std::string(300, 'x')};
  const std::string text = WriteDatastore({"Crm", "CrmDB", "crm_reader", "my schema", "Read\nfrom", {strange}});
  const Loaded loaded = Load({{"model/a.yaml", text}}, "");
  const model::Datastore& store = *loaded.model.FindDatastore("Crm");
  const auto& snapshot = std::get<model::SqlSnapshot>(store.capture);
  EXPECT_EQ(snapshot.container.text, "CrmDB");
  EXPECT_EQ(snapshot.schema, "my schema");
  const model::Dataset& dataset = *store.FindDataset("t_1");
  EXPECT_EQ(dataset.table, "with 'quotes', {braces}");
  EXPECT_EQ(dataset.key.at(0).text, "null");
  EXPECT_EQ(dataset.columns.at(1).from, "a \"b\": #\n");
  EXPECT_TRUE(dataset.columns.at(1).not_null);
  EXPECT_EQ(model::ToShort(dataset.columns.at(1).type), "varchar(20)[]");
  EXPECT_EQ(model::ToShort(dataset.columns.at(2).type), "numeric(10,2)");
  EXPECT_THAT(text, ::testing::HasSubstr("# classification: pii.name ?  because it is so; a remark # with"));
}

TEST(DatastoreText, AddsBelowTheLastColumnAndKeepsEveryByte) {
  EXPECT_EQ(
      Added(
          "# first\nkind: Datastore\nname: S\ncapture: {sql_snapshot: {container: C, credential: c}}\n"
          "datasets:\n    a:      # about a\n        key: [id]\n        columns:\n            id: integer   # the key\n"
          "            note:\n                type: text\n                classification: pii.name   # sure\n"
          "            # last words\n\n# end\n"),
      "# first\nkind: Datastore\nname: S\ncapture: {sql_snapshot: {container: C, credential: c}}\n"
      "datasets:\n    a:      # about a\n        key: [id]\n        columns:\n            id: integer   # the key\n"
      "            note:\n                type: text\n                classification: pii.name   # sure\n"
      "            fresh: numeric(9,2)\n"
      "    b:\n      key: [id]\n      columns:\n        id: integer\n"
      "            # last words\n\n# end\n");
}

TEST(DatastoreText, KnowsBraces) {
  EXPECT_EQ(Added("kind: Datastore\nname: S\ndatasets:\n  a: {key: [id], columns: {id: integer}}   # one "
                  "line\nproduction: true\n"),
            "kind: Datastore\nname: S\ndatasets:\n  a: {key: [id], columns: {id: integer, fresh: \"numeric(9,2)\"}}   "
            "# one line\n"
            "  b:\n    key: [id]\n    columns:\n      id: integer\nproduction: true\n");
  EXPECT_EQ(
      Added("{kind: Datastore, name: S, datasets: {a: {columns: {\n  id: integer, # the key\n  }}}}"),
      "{kind: Datastore, name: S, datasets: {a: {columns: {\n  id: integer, fresh: \"numeric(9,2)\", # the key\n  }}, "
      "b: {key: [id], columns: {id: integer}}}}");
}

TEST(DatastoreText, KnowsOtherEndsOfLinesAndOtherLetters) {
  EXPECT_EQ(Added("kind: Datastore\r\nname: S\r\ndatasets:\r\n  a:\r\n    columns:\r\n      id: integer"),
            "kind: Datastore\r\nname: S\r\ndatasets:\r\n  a:\r\n    columns:\r\n      id: integer\r\n      fresh: "
            "numeric(9,2)\r\n"
            "\r\n  b:\r\n    key: [id]\r\n    columns:\r\n      id: integer\r\n");
  Added(
      "kind: Datastore\nname: S\n# Größe 😀 \xC2\x85# counted as a line\ndatasets:\n  a: {columns: {größe: integer, "
      "\"ß😀\": text}}\n");
}

TEST(DatastoreText, KnowsBlockScalarsAndDocuments) {
  Added(
      "kind: Datastore\nname: S\ndatasets:\n  a:\n    columns:\n      id:\n        type: >-\n          "
      "integer\n\n---\n");
}

TEST(DatastoreText, FillsWhatIsEmpty) {
  for (const std::string datasets : {"datasets:\n", "datasets: {}   # none yet\n"}) {
    const std::string text = "kind: Datastore\nname: S\n" + datasets + "production: true\n";
    const std::string added = AddToDatastore(text, Parsed(text), {{Dataset("b", {Column("id", "integer")})}, {}});
    EXPECT_EQ(Parsed(added).Find("datasets")->entries.at(0).key.text, "b") << added;
    EXPECT_EQ(Parsed(added).Find("production")->text, "true") << added;
  }
}

TEST(DatastoreText, FindsWhatWasMadeAComment) {
  const std::string text =
      "# c: text\nkind: Datastore\nname: S\ndatasets:\n  a:\n    columns:\n      id: integer\n      # note: text   # "
      "not ours\n#      \"two words\": text\n"
      "  # b:\n  #   columns:\n  #     id: integer\n  d:\n    columns:\n      # e: text\n      f: text\n  # the end of "
      "it: really\n";
  const CommentedOut found = FindCommentedOut(text, Parsed(text), {"a", "b", "c", "d"});
  EXPECT_THAT(found.datasets, ::testing::ElementsAre("b"));
  EXPECT_THAT(found.columns.at("a"), ::testing::ElementsAre("note", "two words"));
  EXPECT_THAT(found.columns.at("d"), ::testing::ElementsAre("e"));
}

}  // namespace
}  // namespace yellow::load
