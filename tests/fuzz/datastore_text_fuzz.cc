#include "base/check.h"
#include "input.h"
#include "load/datastore_text.h"
#include "load/shape.h"

using namespace yellow;

namespace {

model::ImportedColumn Column(const char* name) {
  model::ImportedColumn column;
  column.column.name = column.column.from = name;
  column.column.type.kind = model::TypeKind::kInteger;
  column.remark = "a remark";
  return column;
}

/// The dataset that can take a column, if there is one.
const load::Node::Entry* WithColumns(const load::Node& datasets) {
  for (const load::Node::Entry& entry : datasets.entries) {
    const load::Node* columns = entry.value.Find("columns");
    if (columns != nullptr && columns->kind == load::Node::Kind::kMapping) return &entry;
  }
  return nullptr;
}

}  // namespace

/// What is added to a Datastore's text is there when it is read again, and what was there still is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::Text(data, size);
  base::Diagnostics diagnostics;
  const auto documents = load::ParseYaml("a.yaml", text, diagnostics);
  if (documents.size() != 1 || documents[0].kind != load::Node::Kind::kMapping) return 0;
  load::CheckShape(documents[0], *load::ShapeOfKind("Datastore"), diagnostics);
  const load::Node* datasets = documents[0].Find("datasets");
  if (diagnostics.has_errors() || datasets == nullptr || datasets->Find("fresh_dataset") != nullptr) return 0;
  load::FindCommentedOut(text, documents[0], {"a"});
  load::Additions additions;
  model::ImportedDataset fresh;
  fresh.dataset.name = fresh.dataset.table = "fresh_dataset";
  fresh.columns = {Column("id")};
  additions.datasets = {fresh};
  const load::Node::Entry* dataset = WithColumns(*datasets);
  if (dataset != nullptr && dataset->value.Find("columns")->Find("fresh_column") == nullptr)
    additions.columns[dataset->key.text] = {Column("fresh_column")};
  const std::string added = load::AddToDatastore(text, documents[0], additions);
  const auto again = load::ParseYaml("a.yaml", added, diagnostics);
  YELLOW_CHECK(!diagnostics.has_errors() && again.size() == 1);
  const load::Node* now = again[0].Find("datasets");
  YELLOW_CHECK(now != nullptr && now->Find("fresh_dataset") != nullptr);
  YELLOW_CHECK(now->entries.size() == datasets->entries.size() + 1);
  if (!additions.columns.empty())
    YELLOW_CHECK(now->Find(dataset->key.text)->Find("columns")->Find("fresh_column") != nullptr);
  return 0;
}
