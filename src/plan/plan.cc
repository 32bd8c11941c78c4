#include "plan/plan.h"

#include <algorithm>

#include "base/digest.h"
#include "model/data_type.h"
#include "sql/control_schema.h"
#include "sql/statement.h"

namespace yellow::plan {
namespace {

using sql::Identifier;
using sql::Literal;
using sql::Qualified;

std::string List(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + Identifier::Quote(name).text();
  return list;
}

using sql::Quoted;

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const ColumnShape* FindColumn(const std::vector<ColumnShape>& columns, const std::string& name) {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const ColumnShape& c) { return c.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

bool Widens(const std::string& from, const std::string& to) {
  std::string why;
  const auto a = model::ParseType(from, &why), b = model::ParseType(to, &why);
  return a && b && model::IsWidening(a->type, b->type);
}

/// Code that says nothing means an upsert.
constexpr const char* kOperation = "yellow_op character(1) NOT NULL DEFAULT 'I' CHECK (yellow_op IN ('I', 'U', 'D'))";

std::string CreateTable(const Table& table) {
  std::string sql = std::string("CREATE ") + (table.unlogged ? "UNLOGGED " : "") + "TABLE " +
                    Qualified(table.schema, table.name) + " (";
  bool first = true;
  for (const ColumnShape& column : table.columns) {
    sql += first ? "" : ", ";
    first = false;
    if (column.name == "yellow_op" && table.role == TableRole::kOutput) {
      sql += kOperation;
      continue;
    }
    sql += Quoted(column.name) + " " + column.type + (column.not_null ? " NOT NULL" : "");
    if (column.name == "yellow_batch_out") sql += " DEFAULT " + std::to_string(sql::kOpenBatch);
  }
  if (!table.primary_key.empty()) sql += ", PRIMARY KEY (" + List(table.primary_key) + ")";
  return sql + ")";
}

std::string LiveIndex(const Table& table) {
  return "CREATE UNIQUE INDEX ON " + Qualified(table.schema, table.name) + " (" + List(table.live_key) +
         ") WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch);
}

std::string CreateIndex(const Table& table, const Index& index) {
  return "CREATE INDEX " + Quoted(index.name) + " ON " + Qualified(table.schema, table.name) + " (" +
         Quoted(index.column) + ")" + (index.condition.empty() ? "" : " WHERE " + index.condition);
}

std::string RememberView(const View& view) {
  return "COMMENT ON VIEW " + Qualified(view.schema, view.name) + " IS " + Literal("yellow: " + ViewDigest(view));
}

class Differ {
 public:
  Differ(const Desired& desired, const Observed& observed) : desired_(desired), observed_(observed) {}

  Plan Make() {
    for (const std::string& schema : desired_.schemas) {
      if (observed_.schemas.count(schema) == 0)
        Add("create schema", schema, "it holds what the model asks for", {"CREATE SCHEMA " + Quoted(schema)});
    }
    for (const std::string& group : desired_.groups) {
      if (observed_.groups.count(group) != 0) continue;
      Add("create group", group, "rights are given to it and to nobody directly",
          {"SELECT yellow_sec.group_ensure(" + Literal(group) + ")"});
      plan_.steps.back().as_owner = false;
    }
    // Before the tables: a view that nobody wants must not stand in the way of a change.
    for (const auto& [name, view] : observed_.views) {
      if (desired_.views.count(name) != 0 || view.digest.empty()) continue;
      Add("drop view", name.first + "." + name.second, "no workspace of the model has it",
          {"DROP VIEW " + Qualified(name.first, name.second)});
    }
    CompareTables();
    for (const auto& [name, view] : desired_.views) Compare(view);
    CompareGrants();
    CompareReaders();
    DropChangeLogs();
    return std::move(plan_);
  }

 private:
  void Add(const std::string& kind, const std::string& address, const std::string& reason,
           std::vector<std::string> statements, bool destroys = false) {
    plan_.steps.push_back({kind, address, reason, destroys, true, std::move(statements)});
  }

  /// New tables first, merge tables last: a view that is made again with its merge table finds all that it reads.
  void CompareTables() {
    for (const auto& [name, table] : desired_.tables) {
      if (observed_.tables.count(name) != 0) continue;
      std::vector<std::string> statements{CreateTable(table)};
      if (!table.live_key.empty()) statements.push_back(LiveIndex(table));
      for (const Index& index : table.indexes) statements.push_back(CreateIndex(table, index));
      if (table.role == TableRole::kStaging) statements.push_back(AskForBatch(table));
      Add("create table", table.schema + "." + table.name, ReasonFor(table), std::move(statements));
    }
    for (const bool merge_tables : {false, true}) {
      for (const auto& [name, table] : desired_.tables) {
        const auto found = observed_.tables.find(name);
        if (found == observed_.tables.end() || (table.role == TableRole::kMerge) != merge_tables) continue;
        Compare(table, found->second);
        CompareIndexes(table, found->second);
      }
    }
    CompareFollowed();
  }

  void Compare(const Table& table, const ObservedTable& observed) {
    std::vector<std::string> changes;
    std::string reason;
    bool rebuild_views = false, destroys = false;
    if (table.role == TableRole::kMerge) {
      CompareMilestoning(table, observed, changes, reason, rebuild_views, destroys);
    }
    CompareColumns(table, observed, changes, reason, rebuild_views);
    if (table.role == TableRole::kOutput) CompareOperation(table, observed, changes, reason);
    if (changes.empty()) return;
    const std::string address = table.schema + "." + table.name;
    std::vector<std::string> statements;
    if (rebuild_views) {
      for (const auto& view : ViewsOn(table)) {
        statements.push_back("DROP VIEW IF EXISTS " + Qualified(view.first, view.second));
        dropped_.insert(view);
      }
    }
    statements.insert(statements.end(), changes.begin(), changes.end());
    // Views on a change log read its merge table too, which comes later.
    if (rebuild_views && table.role == TableRole::kMerge) RecreateViews(table, statements);
    // An open batch of this stream began on the old shape: it begins again.
    statements.push_back("UPDATE yellow.stream SET epoch = epoch + 1 WHERE key = " + Literal(table.stream));
    statements.push_back("UPDATE yellow.batch SET state = 'open', staged_at = NULL WHERE stream = " +
                         Literal(table.stream) + " AND state = 'staged'");
    statements.push_back("DELETE FROM yellow.mark WHERE stream = " + Literal(table.stream));
    if (HasNewColumn(table, observed)) statements.push_back(AskForBatch(table));
    Add("alter table", address, reason, std::move(statements), destroys);
  }

  /// What a source is to be read for now is read at once, whatever its schedule says; a new stream has its first batch.
  static std::string AskForBatch(const Table& table) {
    return "UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = " + Literal(table.stream);
  }

  static bool HasNewColumn(const Table& table, const ObservedTable& observed) {
    return table.role == TableRole::kStaging &&
           std::any_of(table.columns.begin(), table.columns.end(), [&](const ColumnShape& column) {
             return Contains(table.business, column.name) && FindColumn(observed.columns, column.name) == nullptr;
           });
  }

  void CompareIndexes(const Table& table, const ObservedTable& observed) {
    std::set<std::string> wanted;
    for (const Index& index : table.indexes) {
      wanted.insert(index.name);
      if (observed.indexes.count(index.name) == 0) {
        Add("create index", table.schema + "." + index.name, "the changes of " + table.dataset + " are read through it",
            {CreateIndex(table, index)});
      }
    }
    for (const char* what : {"opened", "closed"}) {
      const std::string name = sql::IndexOn(table.name, what);
      if (wanted.count(name) != 0 || observed.indexes.count(name) == 0) continue;
      Add("drop index", table.schema + "." + name, "nobody follows the changes of " + table.dataset + " any more",
          {"DROP INDEX IF EXISTS " + Qualified(table.schema, name)});
    }
  }

  void CompareFollowed() {
    for (const Followed& followed : desired_.followed) {
      if (observed_.followed.count(followed) != 0) continue;
      Add("follow changes", followed.stream + " " + followed.dataset,
          "an incremental transformer reads them; its first run is full", Follow(followed));
    }
    for (const Followed& followed : observed_.followed) {
      if (desired_.followed.count(followed) != 0) continue;
      Add("drop following", followed.stream + " " + followed.dataset, "no incremental transformer reads its changes",
          {NewEpoch(followed.stream), "DELETE FROM yellow.change_log WHERE stream = " + Literal(followed.stream) +
                                          " AND dataset = " + Literal(followed.dataset)});
    }
  }

  static std::string NewEpoch(const std::string& stream) {
    return "UPDATE yellow.stream SET epoch = epoch + 1 WHERE key = " + Literal(stream);
  }

  /// From the newest batch on. The epoch first: a batch that is being merged as before is then committed, or never
  /// will.
  static std::vector<std::string> Follow(const Followed& followed) {
    const std::string stream = Literal(followed.stream);
    return {
        NewEpoch(followed.stream),
        "INSERT INTO yellow.change_log (stream, dataset, kept_since) SELECT " + stream + ", " +
            Literal(followed.dataset) + ", coalesce(max(batch), 0) FROM yellow.batch WHERE stream = " + stream +
            " AND state = 'committed' ON CONFLICT (stream, dataset) DO UPDATE SET kept_since = excluded.kept_since"};
  }

  /// A change log that nobody reads would only keep what is gone from its table. Last, when no view reads it any more.
  void DropChangeLogs() {
    for (const auto& [name, table] : observed_.tables) {
      if (!IsUnwantedLog(name, table)) continue;
      Add("drop table", name.first + "." + name.second, "nobody follows the changes; all that is there is in the table",
          {"DROP TABLE " + Qualified(name.first, name.second)});
    }
  }

  bool IsUnwantedLog(const std::pair<std::string, std::string>& name, const ObservedTable& table) const {
    return name.second.starts_with("chg__") && FindColumn(table.columns, "yellow_op") != nullptr &&
           FindColumn(table.columns, "yellow_batch") != nullptr && desired_.tables.count(name) == 0;
  }

  static std::string ReasonFor(const Table& table) {
    switch (table.role) {
      case TableRole::kMerge:
        return table.dataset + (table.forensic ? " is kept with its history" : " is kept as it is now");
      case TableRole::kStaging:
        return table.dataset + " is read into it";
      case TableRole::kOutput:
        return "the transformer writes " + table.dataset + " into it";
      case TableRole::kChangeLog:
        return "somebody follows the changes of " + table.dataset;
      case TableRole::kRejected:
        return "bad rows of " + table.dataset + " are set aside in it";
    }
    return "";
  }

  void CompareMilestoning(const Table& table, const ObservedTable& observed, std::vector<std::string>& changes,
                          std::string& reason, bool& rebuild_views, bool& destroys) {
    const bool was_forensic = FindColumn(observed.columns, "yellow_batch_in") != nullptr;
    if (was_forensic == table.forensic) return;
    const std::string alter = "ALTER TABLE " + Qualified(table.schema, table.name) + " ";
    const std::string primary = Quoted(table.name.substr(0, 58) + "_pkey");
    rebuild_views = true;
    changes.push_back(alter + "DROP CONSTRAINT IF EXISTS " + primary);
    if (table.forensic) {
      reason = "a consumer wants the history of " + table.dataset + "; its rows stay";
      changes.push_back(alter + "RENAME COLUMN yellow_batch TO yellow_batch_in");
      changes.push_back(alter + "ADD COLUMN yellow_batch_out integer NOT NULL DEFAULT " +
                        std::to_string(sql::kOpenBatch));
      changes.push_back(alter + "ADD PRIMARY KEY (" + List(table.primary_key) + ")");
      changes.push_back(LiveIndex(table));
    } else {
      reason = "nobody wants the history of " + table.dataset + " any more";
      destroys = true;
      changes.push_back("DELETE FROM " + Qualified(table.schema, table.name) + " WHERE yellow_batch_out <> " +
                        std::to_string(sql::kOpenBatch));
      changes.push_back(alter + "DROP COLUMN yellow_batch_out");
      changes.push_back(alter + "RENAME COLUMN yellow_batch_in TO yellow_batch");
      if (!table.primary_key.empty()) changes.push_back(alter + "ADD PRIMARY KEY (" + List(table.primary_key) + ")");
    }
    // What was changed before is not in the log or the intervals that follow from here on.
    for (const Followed& followed : desired_.followed) {
      if (observed_.followed.count(followed) == 0 || followed.stream != table.stream ||
          !table.dataset.ends_with("." + followed.dataset))
        continue;
      for (const std::string& statement : Follow(followed)) changes.push_back(statement);
    }
  }

  /// yellow_op comes and goes with mode incremental. What the last run left in the table is of no use to anybody.
  void CompareOperation(const Table& table, const ObservedTable& observed, std::vector<std::string>& changes,
                        std::string& reason) {
    const bool wanted = FindColumn(table.columns, "yellow_op") != nullptr;
    const bool there = FindColumn(observed.columns, "yellow_op") != nullptr;
    if (wanted == there) return;
    const std::string alter = "ALTER TABLE " + Qualified(table.schema, table.name) + " ";
    reason += reason.empty() ? "" : "; ";
    if (wanted) {
      reason += "the transformer says what becomes of each row";
      changes.push_back(alter + "ADD COLUMN " + std::string(kOperation));
      return;
    }
    reason += "the transformer writes all rows in each run";
    changes.push_back("TRUNCATE " + Qualified(table.schema, table.name));
    changes.push_back(alter + "DROP COLUMN yellow_op");
    for (const ColumnShape& column : table.columns) {
      if (column.not_null) changes.push_back(alter + "ALTER COLUMN " + Quoted(column.name) + " SET NOT NULL");
    }
  }

  void CompareColumns(const Table& table, const ObservedTable& observed, std::vector<std::string>& changes,
                      std::string& reason, bool& rebuild_views) {
    const std::string alter = "ALTER TABLE " + Qualified(table.schema, table.name) + " ";
    const auto because = [&](const std::string& text) { reason += (reason.empty() ? "" : "; ") + text; };
    for (const ColumnShape& column : table.columns) {
      const bool business = Contains(table.business, column.name);
      if (!business && table.role != TableRole::kStaging) continue;
      const ColumnShape* there = FindColumn(observed.columns, column.name);
      if (there == nullptr) {
        AddColumn(table, column, alter, changes);
        because(business ? "column " + column.name + " is new in the model" : "bad rows are set aside");
      } else if (there->type != column.type &&
                 (table.role == TableRole::kStaging || Widens(there->type, column.type))) {
        changes.push_back(alter + "ALTER COLUMN " + Quoted(column.name) + " TYPE " + column.type +
                          (table.role == TableRole::kStaging ? " USING NULL" : ""));
        because("column " + column.name + " is wider: " + there->type + " becomes " + column.type);
        rebuild_views |= table.role == TableRole::kMerge || table.role == TableRole::kChangeLog;
      } else if (there->type != column.type) {
        Refuse(table,
               "its column " + column.name + " is " + there->type + " and cannot become " + column.type +
                   " without a loss",
               "widen a type only, or add a column of another name");
      } else if (there->not_null && !column.not_null) {
        changes.push_back(alter + "ALTER COLUMN " + Quoted(column.name) + " DROP NOT NULL");
        because("column " + column.name + " may be null");
      } else if (!there->not_null && column.not_null && table.role == TableRole::kMerge) {
        Refuse(table, "its column " + column.name + " may hold nulls already",
               "leave out not null, or clean the source and use a new column");
      }
    }
    for (const ColumnShape& there : observed.columns) {
      if (FindColumn(table.columns, there.name) != nullptr || !there.not_null || there.name.starts_with("yellow_"))
        continue;
      changes.push_back(alter + "ALTER COLUMN " + Quoted(there.name) + " DROP NOT NULL");
      because("column " + there.name + " is not in the model any more; its values stay");
    }
  }

  void AddColumn(const Table& table, const ColumnShape& column, const std::string& alter,
                 std::vector<std::string>& changes) {
    if (column.not_null && table.role == TableRole::kMerge) {
      Refuse(table, "a new column cannot be not null, because the rows that are there have no value: " + column.name,
             "leave out not null");
      return;
    }
    changes.push_back(alter + "ADD COLUMN " + Quoted(column.name) + " " + column.type +
                      (column.not_null ? " NOT NULL" : ""));
  }

  void Refuse(const Table& table, const std::string& what, const std::string& remedy) {
    plan_.diagnostics.Error(
        "Y801", {}, "table " + table.schema + "." + table.name + " (" + table.dataset + ") cannot be changed: " + what,
        remedy);
  }

  /// Yellow's own views that read a table, by the model; what else depends on it makes PostgreSQL refuse the DROP, by
  /// name.
  std::vector<std::pair<std::string, std::string>> ViewsOn(const Table& table) const {
    std::vector<std::pair<std::string, std::string>> names;
    for (const auto& [name, view] : observed_.views) {
      if (!view.digest.empty() && Reads(name, table)) names.push_back(name);
    }
    return names;
  }

  bool Reads(const std::pair<std::string, std::string>& name, const Table& table) const {
    const auto wanted = desired_.views.find(name);
    return wanted != desired_.views.end() &&
           wanted->second.definition.find(" FROM " + Qualified(table.schema, table.name)) != std::string::npos;
  }

  void RecreateViews(const Table& table, std::vector<std::string>& statements) {
    for (const auto& [name, view] : desired_.views) {
      if (!Reads(name, table)) continue;
      CreateView(view, statements);
      remade_.insert(name);
    }
  }

  void CreateView(const View& view, std::vector<std::string>& statements) {
    statements.push_back("CREATE VIEW " + Qualified(view.schema, view.name) + " AS " + view.definition);
    statements.push_back(RememberView(view));
    for (const Grant& grant : desired_.grants) {
      if (grant.schema == view.schema && grant.table == view.name) {
        statements.push_back("GRANT " + grant.privilege + " ON " + Qualified(view.schema, view.name) + " TO " +
                             Quoted(grant.grantee));
      }
    }
  }

  void Compare(const View& view) {
    const std::pair<std::string, std::string> name{view.schema, view.name};
    if (remade_.count(name) != 0) return;
    const auto found = observed_.views.find(name);
    const std::string address = view.schema + "." + view.name;
    std::vector<std::string> statements;
    if (found == observed_.views.end() || dropped_.count(name) != 0) {
      CreateView(view, statements);
      created_.insert(name);
      Add("create view", address, "a consumer sees " + view.name + " through it", std::move(statements));
    } else if (found->second.digest != ViewDigest(view)) {
      const bool appended =
          view.columns.size() >= found->second.columns.size() &&
          std::equal(found->second.columns.begin(), found->second.columns.end(), view.columns.begin(),
                     [](const ColumnShape& a, const ColumnShape& b) { return a.name == b.name && a.type == b.type; });
      if (appended) {
        statements = {"CREATE OR REPLACE VIEW " + Qualified(view.schema, view.name) + " AS " + view.definition,
                      RememberView(view)};
      } else {
        statements = {"DROP VIEW " + Qualified(view.schema, view.name)};
        CreateView(view, statements);
        created_.insert(name);
      }
      Add("replace view", address, "its columns or its table are not what they were", std::move(statements));
    }
  }

  void CompareGrants() {
    const auto on = [](const Grant& grant) {
      return grant.table.empty() ? "SCHEMA " + Quoted(grant.schema) : Qualified(grant.schema, grant.table);
    };
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> give, take;
    for (const Grant& grant : desired_.grants) {
      if (observed_.grants.count(grant) != 0 && remade_.count({grant.schema, grant.table}) == 0) continue;
      if (created_.count({grant.schema, grant.table}) != 0 || remade_.count({grant.schema, grant.table}) != 0) continue;
      give[{on(grant), grant.grantee}].push_back(grant.privilege);
    }
    for (const Grant& grant : observed_.grants) {
      if (desired_.grants.count(grant) == 0 && (grant.table.empty() || StillThere(grant)))
        take[{on(grant), grant.grantee}].push_back(grant.privilege);
    }
    const auto joined = [](const std::vector<std::string>& words) {
      std::string list;
      for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
      return list;
    };
    for (const auto& [key, privileges] : give) {
      Add("grant", key.second, joined(privileges) + " on " + key.first,
          {"GRANT " + joined(privileges) + " ON " + key.first + " TO " + Quoted(key.second)});
    }
    for (const auto& [key, privileges] : take) {
      Add("revoke", key.second, joined(privileges) + " on " + key.first + " is not in the model",
          {"REVOKE " + joined(privileges) + " ON " + key.first + " FROM " + Quoted(key.second)});
    }
  }

  bool StillThere(const Grant& grant) const {
    const std::pair<std::string, std::string> name{grant.schema, grant.table};
    const auto table = observed_.tables.find(name);
    return desired_.views.count(name) != 0 || (table != observed_.tables.end() && !IsUnwantedLog(name, table->second));
  }

  void CompareReaders() {
    for (const Membership& reader : desired_.readers) {
      if (observed_.readers.count(reader) != 0) continue;
      Add("admit reader", reader.member, "the model names it a reader of " + reader.group,
          {"SELECT yellow_sec.group_admit(" + Literal(reader.group) + ", " + Literal(reader.member) + ")"});
      plan_.steps.back().as_owner = false;
    }
    for (const Membership& reader : observed_.readers) {
      if (desired_.readers.count(reader) != 0) continue;
      Add("dismiss reader", reader.member, "the model does not name it a reader of " + reader.group,
          {"SELECT yellow_sec.group_dismiss(" + Literal(reader.group) + ", " + Literal(reader.member) + ")"});
      plan_.steps.back().as_owner = false;
    }
  }

  const Desired& desired_;
  const Observed& observed_;
  Plan plan_;
  std::set<std::pair<std::string, std::string>> dropped_, remade_, created_;
};

}  // namespace

std::string ViewDigest(const View& view) { return base::Sha256Hex(view.definition).substr(0, 32); }

Plan Difference(const Desired& desired, const Observed& observed, const std::string& model_digest) {
  Plan plan = Differ(desired, observed).Make();
  plan.schema_version = observed.schema_version;
  plan.base_version = observed.model_version;
  plan.model_digest = model_digest;
  plan.new_model = observed.model_digest != model_digest;
  return plan;
}

bool Plan::migrates() const { return schema_version != sql::kControlSchemaVersion; }

}  // namespace yellow::plan
