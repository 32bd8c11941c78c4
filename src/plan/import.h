#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/imported.h"

/// What of a source database becomes datasets of a Datastore: decided from its catalogue alone, the same catalogue
/// giving the same datasets.
namespace yellow::plan {

struct SourceColumn {
  std::string name;
  std::string type;      ///< format_type, with length; of a domain its base type
  bool known = true;     ///< false: an enum, a composite or another type that is carried as text only
  std::string declared;  ///< what the table says: `order_status`, `character varying(20)`
  std::string comment;
  bool not_null = false;
  bool readable = true;
};

/// A unique index on plain columns, over all rows.
struct SourceKey {
  bool primary = false;
  bool replica_identity = false;
  std::vector<std::string> columns;
};

enum class RelationKind { kTable, kPartitioned, kView, kMaterializedView, kForeignTable };

struct SourceTable {
  std::string name;
  RelationKind kind = RelationKind::kTable;
  std::string parent;     ///< of a partition or an heir
  std::string extension;  ///< that owns it
  std::string comment;
  bool readable = true;       ///< at least one column
  bool row_security = false;  ///< the reader may see some rows only
  std::vector<SourceColumn> columns;
  std::vector<SourceKey> keys;  ///< by name of the index
};

struct SourceCatalogue {
  std::string database, schema, login;
  std::vector<SourceTable> tables;  ///< by name
};

/// One thing to tell. `state`: added, renamed, note, no_key, guess, left_out, declined, gone, differs, spreads.
struct ImportFinding {
  std::string table;
  std::string column;  ///< empty: the table
  std::string state;
  std::string code;  ///< stable word
  std::string text;
};

struct ImportRequest {
  std::vector<std::string> tables;             ///< only these; empty: all that are tables
  const model::Datastore* existing = nullptr;  ///< what is there is not added again
  std::set<std::string> declined_datasets;     ///< names in comments of the file: a person has taken them out
  std::map<std::string, std::set<std::string>> declined_columns;  ///< by dataset
};

struct Import {
  std::vector<model::ImportedDataset> datasets;
  std::map<std::string, std::vector<model::ImportedColumn>> columns;  ///< new ones of datasets that are there
  std::vector<ImportFinding> findings;                                ///< by table, in the order of its columns
};

/// Views, foreign tables, partitions and heirs are left out unless `request.tables` names them.
Import ImportTables(const SourceCatalogue& catalogue, const ImportRequest& request);

/// New columns that outputs of transformers get by being `like` the datasets to which `import` has added them, so that
/// they reach others although nobody has said so: findings with state `spreads`. `before`, `after`: the model without
/// and with what was added.
std::vector<ImportFinding> FindSpreading(const Import& import, const model::Model& before, const model::Model& after);

}  // namespace yellow::plan
