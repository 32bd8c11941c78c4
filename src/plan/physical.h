#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/intention_graph.h"
#include "sql/layout.h"
#include "sql/transformer_select.h"

/// What the graph comes to on PostgreSQL, before looking at what is there: streams with their tables, workspaces with
/// their views, transformers with their inputs and outputs. A pure function of model and graph; `plan` compares it
/// with the database, `run` works on it.
namespace yellow::plan {

/// One ingestion unit. `key` is the key of the Ingest node.
struct Stream {
  std::string key;
  std::string platform;
  std::string container;  ///< the platform's merge database
  std::string store;
  std::string dataset;                   ///< only of a single-dataset store
  std::optional<std::string> workspace;  ///< set when this is the output of that workspace's DataTransformer
  std::vector<sql::TableLayout> tables;  ///< in dataset order
  bool staging_readers = false;          ///< people may ask to read what is staged and set aside (stage_read)
};

/// One view of a workspace.
struct WorkspaceView {
  std::string name;  ///< bare
  model::InputAddress input;
  enum class Kind { kCurrent, kHistory, kChanges, kAlias } kind = Kind::kCurrent;
  sql::TableLayout table;
};

/// One workspace on one platform and container.
struct PlacedWorkspace {
  std::string workspace;
  std::string platform;
  std::string container;
  std::string schema;
  std::vector<WorkspaceView> views;  ///< by name
  std::vector<std::string> readers;
};

struct TransformerInput {
  model::InputAddress address;
  std::string stream;  ///< key of the Ingest node that feeds it
  sql::TableLayout table;
  bool reference = false;
  bool own_output = false;                       ///< never triggers
  std::string view, history_view, changes_view;  ///< bare names in the workspace's schema; history/changes may be empty
};

struct Transformer {
  std::string key;  ///< key of the Transform node
  std::string workspace;
  std::string platform;
  std::string container;  ///< merge database of its home
  std::string workspace_schema;
  std::vector<TransformerInput> inputs;   ///< by address
  std::string output_stream;              ///< key of the Ingest node of its output
  std::vector<sql::TableLayout> outputs;  ///< ALL datasets of the output store, used or not, by dataset
  bool output_readers = false;            ///< people may ask to read its `dt_` tables (dt_read)
  std::string definition;                 ///< digest of code, mode, inputs, output schema (DESIGN 9.1)
  model::Priority priority = model::Priority::kLowest;
};

struct Physical {
  std::vector<Stream> streams;              ///< by key
  std::vector<PlacedWorkspace> workspaces;  ///< by workspace, platform
  std::vector<Transformer> transformers;    ///< by key

  const Stream* FindStream(const std::string& key) const;
  const Transformer* FindTransformer(const std::string& key) const;
};

/// What the SELECTs of a transformer may read.
std::vector<sql::SelectInput> SelectInputs(const Transformer& transformer);

/// REQUIRES: the model has no errors. `files` are the project's, for the digests of the code.
Physical Lay(const model::Model& model, const graph::Built& built, const std::map<std::string, std::string>& files);

}  // namespace yellow::plan
