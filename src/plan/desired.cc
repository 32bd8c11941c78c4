#include "plan/desired.h"

#include <algorithm>

#include "sql/changes_select.h"
#include "sql/statement.h"

namespace yellow::plan {
namespace {

using sql::Identifier;

std::vector<ColumnShape> Business(const sql::TableLayout& layout, bool limits, bool not_null) {
  std::vector<ColumnShape> columns;
  for (const model::Column& column : layout.columns) {
    const model::DataType type = limits ? column.type : model::WithoutLimits(column.type);
    columns.push_back({column.name, model::ToSql(type), not_null && column.not_null});
  }
  return columns;
}

std::vector<std::string> BusinessNames(const sql::TableLayout& layout) {
  std::vector<std::string> names;
  for (const model::Column& column : layout.columns) names.push_back(column.name);
  return names;
}

Table Begin(const sql::TableLayout& layout, const std::string& name, TableRole role, const std::string& stream) {
  Table table;
  table.schema = layout.schema;
  table.name = name;
  table.role = role;
  table.stream = stream;
  table.dataset = ToString(layout.dataset);
  table.business = BusinessNames(layout);
  return table;
}

Table MergeTableOf(const sql::TableLayout& layout, const std::string& stream) {
  Table table = Begin(layout, layout.merge_table, TableRole::kMerge, stream);
  table.columns = Business(layout, true, true);
  table.forensic = layout.milestoning == model::Milestoning::kForensic;
  if (table.forensic) {
    table.columns.push_back({"yellow_batch_in", "integer", true});
    table.columns.push_back({"yellow_batch_out", "integer", true});
    table.primary_key = layout.key;
    table.primary_key.push_back("yellow_batch_in");
    table.live_key = layout.key;
    if (layout.changes) {
      table.indexes = {{sql::IndexOn(table.name, "opened"), "yellow_batch_in", ""},
                       {sql::IndexOn(table.name, "closed"), "yellow_batch_out",
                        "yellow_batch_out < " + std::to_string(sql::kOpenBatch)}};
    }
  } else {
    table.columns.push_back({"yellow_batch", "integer", true});
    table.primary_key = layout.key;
  }
  return table;
}

Table StagingTableOf(const sql::TableLayout& layout, const std::string& stream) {
  Table table = Begin(layout, layout.staging_table, TableRole::kStaging, stream);
  table.unlogged = true;
  table.columns = Business(layout, false, false);
  // The whole row, as JSON, where reading found values that cannot be carried.
  if (layout.sets_aside) table.columns.push_back({"yellow_row", "text", false});
  return table;
}

Table OutputTableOf(const sql::TableLayout& layout, const std::string& stream) {
  Table table = Begin(layout, layout.output_table, TableRole::kOutput, stream);
  table.columns = Business(layout, true, true);
  table.primary_key = layout.key;
  if (layout.incremental_output) {
    // Who deletes need not say more than the key; the rows that stay are checked when they are merged.
    for (ColumnShape& column : table.columns)
      column.not_null = std::find(layout.key.begin(), layout.key.end(), column.name) != layout.key.end();
    table.columns.push_back({"yellow_op", "character(1)", true});
  }
  return table;
}

Table ChangeLogOf(const sql::TableLayout& layout, const std::string& stream) {
  Table table = Begin(layout, layout.change_log_table, TableRole::kChangeLog, stream);
  table.columns = Business(layout, true, false);
  table.columns.push_back({"yellow_batch", "integer", true});
  table.columns.push_back({"yellow_op", "character(1)", true});
  table.indexes = {{sql::IndexOn(table.name, "batch"), "yellow_batch", ""}};
  return table;
}

Table RejectedTableOf(const sql::TableLayout& layout, const std::string& stream) {
  Table table = Begin(layout, layout.rejected_table, TableRole::kRejected, stream);
  // A row is bad in the batches [in, out), as versions in a table with history are valid.
  table.columns = {{"yellow_batch_in", "integer", true},
                   {"yellow_batch_out", "integer", true},
                   {"yellow_rule", "text", true},
                   {"yellow_reason", "text", true},
                   {"yellow_row", "text", true}};
  return table;
}

std::string ColumnList(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + Identifier::Quote(name).text();
  return list;
}

/// The changes that the open run of a transformer has claimed, for that run's login alone. A run that reads on its
/// keeper's snapshot does not see its own claim, which was recorded after it: there the newest batch is where the claim
/// ends, and the cursor, which does not move while a run is open, is where it begins.
View ChangesView(const PlacedWorkspace& workspace, const WorkspaceView& wanted, const std::string& stream) {
  const sql::TableLayout& table = wanted.table;
  const std::string input = sql::Literal(ToString(table.dataset));
  View view{workspace.schema, wanted.name, "", {{"yellow_op", "character(1)", false}}};
  for (const model::Column& column : table.columns)
    view.columns.push_back({column.name, model::ToSql(column.type), false});
  view.definition =
      "WITH claimed AS MATERIALIZED (SELECT r.mode = 'full' AS whole, coalesce(u.batch, 0) AS from_batch, "
      "coalesce(c.to_batch, (SELECT max(b.batch) FROM yellow.batch b WHERE b.stream = " +
      sql::Literal(stream) +
      " AND b.state = 'committed')) AS to_batch FROM yellow.run r LEFT JOIN yellow.claim c ON c.run_id = r.id AND "
      "c.input = " +
      input + " LEFT JOIN yellow.cursor u ON u.consumer = r.transformer AND u.input = " + input +
      " WHERE r.transformer = " + sql::Literal("Transform/" + workspace.platform + "/" + workspace.workspace) +
      " AND r.state IN ('preparing', 'launched', 'finished', 'ingesting') AND r.login = session_user) " +
      sql::ChangesSelect(table, {"(SELECT from_batch FROM claimed WHERE NOT whole)",
                                 "(SELECT to_batch FROM claimed WHERE NOT whole)", "(SELECT whole FROM claimed)"});
  return view;
}

View ViewOf(const PlacedWorkspace& workspace, const WorkspaceView& wanted, const std::string& stream) {
  if (wanted.kind == WorkspaceView::Kind::kChanges) return ChangesView(workspace, wanted, stream);
  const sql::TableLayout& table = wanted.table;
  const std::string from = " FROM " + sql::Qualified(table.schema, table.merge_table);
  const std::string columns = ColumnList(BusinessNames(table));
  const bool forensic = table.milestoning == model::Milestoning::kForensic;
  View view{workspace.schema, wanted.name, "", {}};
  for (const model::Column& column : table.columns)
    view.columns.push_back({column.name, model::ToSql(column.type), false});
  if (wanted.kind == WorkspaceView::Kind::kHistory) {
    const std::string key = sql::Literal(stream);
    view.definition =
        "SELECT " + columns +
        ", yellow_batch_in, yellow_batch_out, b_in.committed_at AS yellow_from, b_out.committed_at AS yellow_to" +
        from + " LEFT JOIN yellow.batch b_in ON b_in.stream = " + key +
        " AND b_in.batch = yellow_batch_in"
        " LEFT JOIN yellow.batch b_out ON b_out.stream = " +
        key + " AND b_out.batch = yellow_batch_out";
    for (const char* name : {"yellow_batch_in", "yellow_batch_out"}) view.columns.push_back({name, "integer", false});
    for (const char* name : {"yellow_from", "yellow_to"})
      view.columns.push_back({name, "timestamp with time zone", false});
    return view;
  }
  view.definition =
      "SELECT " + columns + from + (forensic ? " WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch) : "");
  return view;
}

/// yellow_batches: the committed batches of the datasets that a workspace uses, and of no others.
View BatchesView(const PlacedWorkspace& workspace, const std::map<model::DatasetAddress, std::string>& streams) {
  std::string values;
  std::set<model::DatasetAddress> datasets;
  for (const WorkspaceView& view : workspace.views) datasets.insert(view.table.dataset);
  for (const model::DatasetAddress& dataset : datasets) {
    values += std::string(values.empty() ? "" : ", ") + "(" + sql::Literal(dataset.store) + ", " +
              sql::Literal(dataset.dataset) + ", " + sql::Literal(streams.at(dataset)) + ")";
  }
  View view{workspace.schema, std::string(sql::kBatchesView), "", {}};
  view.definition =
      "SELECT d.store, d.dataset, b.batch, b.committed_at, b.source_read_at FROM (VALUES " + values +
      ") AS d (store, dataset, stream) JOIN yellow.batch b ON b.stream = d.stream AND b.state = 'committed'";
  view.columns = {{"store", "text", false},
                  {"dataset", "text", false},
                  {"batch", "integer", false},
                  {"committed_at", "timestamp with time zone", false},
                  {"source_read_at", "timestamp with time zone", false}};
  return view;
}

class Wanting {
 public:
  Wanting(const Physical& physical, const std::string& prefix) : physical_(physical), roles_(prefix) {
    desired_.prefix = prefix;
  }

  Desired Make() {
    for (const Stream& stream : physical_.streams) AddStream(stream);
    for (const Transformer& transformer : physical_.transformers) AddTransformer(transformer);
    for (const PlacedWorkspace& workspace : physical_.workspaces) AddWorkspace(workspace);
    return std::move(desired_);
  }

 private:
  void AddTable(Table table) { desired_.tables[{table.schema, table.name}] = std::move(table); }

  void Allow(const std::string& schema, const std::string& table, const std::string& grantee,
             std::initializer_list<const char*> privileges) {
    for (const char* privilege : privileges) desired_.grants.insert({schema, table, grantee, privilege});
  }

  void AddStream(const Stream& stream) {
    for (const sql::TableLayout& layout : stream.tables) {
      streams_[layout.dataset] = stream.key;
      desired_.schemas.insert(layout.schema);
      AddTable(MergeTableOf(layout, stream.key));
      AllowEngines(layout.schema, layout.merge_table);
      if (!stream.workspace) {
        AddTable(StagingTableOf(layout, stream.key));
        AllowEngines(layout.schema, layout.staging_table);
        if (stream.staging_readers)
          AllowReaders(roles_.StagingReaders(stream.store), layout.schema, layout.staging_table);
      }
      if (layout.changes) desired_.followed.insert({stream.key, layout.dataset.dataset});
      if (layout.changes && layout.milestoning == model::Milestoning::kLive) {
        AddTable(ChangeLogOf(layout, stream.key));
        AllowEngines(layout.schema, layout.change_log_table);
      }
      if (layout.sets_aside) {
        AddTable(RejectedTableOf(layout, stream.key));
        // They may hold what a mask would take away, so nobody but the engine sees them, and
        // who is let in for a while.
        Allow(layout.schema, layout.rejected_table, roles_.Engine(), {"SELECT", "INSERT", "UPDATE", "DELETE"});
        if (stream.staging_readers)
          AllowReaders(roles_.StagingReaders(stream.store), layout.schema, layout.rejected_table);
      }
    }
  }

  void AllowEngines(const std::string& schema, const std::string& table) {
    for (const std::string& role : {roles_.Engine(), roles_.IngestOut()}) {
      Allow(schema, "", role, {"USAGE"});
      Allow(schema, table, role, {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"});
    }
  }

  void AllowReaders(const std::string& group, const std::string& schema, const std::string& table) {
    desired_.groups.insert(group);
    Allow(schema, "", group, {"USAGE"});
    Allow(schema, table, group, {"SELECT"});
  }

  void AddTransformer(const Transformer& transformer) {
    const std::string writers = roles_.OutputGroup(transformer.workspace);
    desired_.groups.insert(writers);
    for (const sql::TableLayout& layout : transformer.outputs) {
      desired_.schemas.insert(layout.schema);
      AddTable(OutputTableOf(layout, transformer.output_stream));
      Allow(layout.schema, "", writers, {"USAGE"});
      Allow(layout.schema, layout.output_table, writers, {"SELECT", "INSERT", "UPDATE", "DELETE"});
      Allow(layout.schema, "", roles_.IngestOut(), {"USAGE"});
      Allow(layout.schema, layout.output_table, roles_.IngestOut(), {"SELECT"});
      if (transformer.output_readers)
        AllowReaders(roles_.OutputReaders(transformer.workspace), layout.schema, layout.output_table);
    }
  }

  void AddWorkspace(const PlacedWorkspace& workspace) {
    const std::string group = roles_.WorkspaceGroup(workspace.workspace);
    desired_.groups.insert(group);
    if (workspace.views.empty()) return;
    desired_.schemas.insert(workspace.schema);
    Allow(workspace.schema, "", group, {"USAGE"});
    for (const WorkspaceView& wanted : workspace.views) {
      desired_.views[{workspace.schema, wanted.name}] = ViewOf(workspace, wanted, streams_.at(wanted.table.dataset));
      // The changes are for the transformer alone, and so for its writers, which readers are not.
      const bool changes = wanted.kind == WorkspaceView::Kind::kChanges;
      Allow(workspace.schema, wanted.name, changes ? roles_.OutputGroup(workspace.workspace) : group, {"SELECT"});
    }
    const View batches = BatchesView(workspace, streams_);
    desired_.views[{batches.schema, batches.name}] = batches;
    Allow(batches.schema, batches.name, group, {"SELECT"});
    for (const std::string& reader : workspace.readers) desired_.readers.insert({group, reader});
  }

  const Physical& physical_;
  const sql::Roles roles_;
  Desired desired_;
  std::map<model::DatasetAddress, std::string> streams_;
};

}  // namespace

Desired Want(const Physical& physical, const std::string& prefix) { return Wanting(physical, prefix).Make(); }

}  // namespace yellow::plan
