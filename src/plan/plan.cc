#include "plan/plan.h"

#include <algorithm>

#include "base/digest.h"
#include "base/json_text.h"
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

std::string Quoted(const std::string& name) { return Identifier::Quote(name).text(); }

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

std::string CreateTable(const Table& table) {
  std::string sql = std::string("CREATE ") + (table.unlogged ? "UNLOGGED " : "") + "TABLE " +
                    Qualified(table.schema, table.name) + " (";
  bool first = true;
  for (const ColumnShape& column : table.columns) {
    sql +=
        std::string(first ? "" : ", ") + Quoted(column.name) + " " + column.type + (column.not_null ? " NOT NULL" : "");
    if (column.name == "yellow_batch_out") sql += " DEFAULT " + std::to_string(sql::kOpenBatch);
    first = false;
  }
  if (!table.primary_key.empty()) sql += ", PRIMARY KEY (" + List(table.primary_key) + ")";
  return sql + ")";
}

std::string LiveIndex(const Table& table) {
  return "CREATE UNIQUE INDEX ON " + Qualified(table.schema, table.name) + " (" + List(table.live_key) +
         ") WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch);
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
    for (const auto& [name, table] : desired_.tables) Compare(table);
    for (const auto& [name, view] : desired_.views) Compare(view);
    CompareGrants();
    CompareReaders();
    return std::move(plan_);
  }

 private:
  void Add(const std::string& kind, const std::string& address, const std::string& reason,
           std::vector<std::string> statements, bool destroys = false) {
    plan_.steps.push_back({kind, address, reason, destroys, true, std::move(statements)});
  }

  void Compare(const Table& table) {
    const auto found = observed_.tables.find({table.schema, table.name});
    const std::string address = table.schema + "." + table.name;
    if (found == observed_.tables.end()) {
      std::vector<std::string> statements{CreateTable(table)};
      if (!table.live_key.empty()) statements.push_back(LiveIndex(table));
      Add("create table", address, ReasonFor(table), std::move(statements));
      return;
    }
    std::vector<std::string> changes;
    std::string reason;
    bool rebuild_views = false, destroys = false;
    if (table.role == TableRole::kMerge)
      CompareMilestoning(table, found->second, changes, reason, rebuild_views, destroys);
    CompareColumns(table, found->second, changes, reason, rebuild_views);
    if (changes.empty()) return;
    std::vector<std::string> statements;
    if (rebuild_views) {
      for (const std::string& view : ViewsOn(table)) statements.push_back("DROP VIEW IF EXISTS " + view);
    }
    statements.insert(statements.end(), changes.begin(), changes.end());
    if (rebuild_views) RecreateViews(table, statements);
    // An open batch of this stream began on the old shape: it begins again.
    statements.push_back("UPDATE yellow.stream SET epoch = epoch + 1 WHERE key = " + Literal(table.stream));
    statements.push_back("UPDATE yellow.batch SET state = 'open', staged_at = NULL WHERE stream = " +
                         Literal(table.stream) + " AND state = 'staged'");
    statements.push_back("DELETE FROM yellow.mark WHERE stream = " + Literal(table.stream));
    Add("alter table", address, reason, std::move(statements), destroys);
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
  }

  void CompareColumns(const Table& table, const ObservedTable& observed, std::vector<std::string>& changes,
                      std::string& reason, bool& rebuild_views) {
    const std::string alter = "ALTER TABLE " + Qualified(table.schema, table.name) + " ";
    const auto because = [&](const std::string& text) { reason += (reason.empty() ? "" : "; ") + text; };
    for (const ColumnShape& column : table.columns) {
      if (!Contains(table.business, column.name)) continue;
      const ColumnShape* there = FindColumn(observed.columns, column.name);
      if (there == nullptr) {
        AddColumn(table, column, alter, changes);
        because("column " + column.name + " is new in the model");
      } else if (there->type != column.type &&
                 (table.role == TableRole::kStaging || Widens(there->type, column.type))) {
        changes.push_back(alter + "ALTER COLUMN " + Quoted(column.name) + " TYPE " + column.type +
                          (table.role == TableRole::kStaging ? " USING NULL" : ""));
        because("column " + column.name + " is wider: " + there->type + " becomes " + column.type);
        rebuild_views |= table.role == TableRole::kMerge;
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
  std::vector<std::string> ViewsOn(const Table& table) const {
    std::vector<std::string> names;
    for (const auto& [name, view] : observed_.views) {
      if (!view.digest.empty() && Reads(name, table)) names.push_back(Qualified(name.first, name.second));
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
    if (found == observed_.views.end()) {
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
    return desired_.views.count(name) != 0 || observed_.tables.count(name) != 0;
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
  std::set<std::pair<std::string, std::string>> remade_, created_;
};

using base::JsonString;

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

std::string ToText(const Plan& plan) {
  std::string out;
  const std::string version = std::to_string(sql::kControlSchemaVersion);
  if (plan.schema_version == 0) {
    out += "+ install           yellow                                       Yellow's own state, version " + version +
           "\n";
  } else if (plan.migrates()) {
    out += "~ migrate           yellow                                       Yellow's own state is version " +
           std::to_string(plan.schema_version) + ", this program needs " + version + "\n";
  }
  for (const Step& step : plan.steps) {
    const char sign =
        step.destroys                                                                                          ? '!'
        : step.kind.starts_with("create") || step.kind.starts_with("grant") || step.kind.starts_with("admit")  ? '+'
        : step.kind.starts_with("drop") || step.kind.starts_with("revoke") || step.kind.starts_with("dismiss") ? '-'
                                                                                                               : '~';
    const auto padded = [](const std::string& text, size_t width) {
      return text + std::string(text.size() < width ? width - text.size() : 0, ' ');
    };
    out += std::string(1, sign) + " " + padded(step.kind, 17) + " " + padded(step.address, 44) + " " + step.reason +
           (step.destroys ? " (destroys data: needs --allow-destroy)" : "") + "\n";
  }
  if (plan.new_model) out += "~ store model       version " + std::to_string(plan.base_version + 1) + "\n";
  return out;
}

std::string ToJson(const Plan& plan) {
  std::string out =
      "{\"base_version\": " + std::to_string(plan.base_version) +
      ", \"model_digest\": " + JsonString(plan.model_digest) + ", \"fingerprint\": " + JsonString(Fingerprint(plan)) +
      ", \"install\": " + (plan.schema_version == 0 ? "true" : "false") +
      ", \"migrate\": " + (plan.schema_version != 0 && plan.migrates() ? "true" : "false") + ",\n \"steps\": [";
  bool first = true;
  for (const Step& step : plan.steps) {
    out += std::string(first ? "\n" : ",\n") + "  {\"key\": " + JsonString(step.address) +
           ", \"state\": " + JsonString(step.kind) + ", \"reason\": {\"code\": " + JsonString(step.kind) +
           ", \"text\": " + JsonString(step.reason) + "}, \"destroys\": " + (step.destroys ? "true" : "false") + "}";
    first = false;
  }
  return out + "]}";
}

std::string Fingerprint(const Plan& plan) {
  std::string all =
      std::to_string(plan.base_version) + "\n" + plan.model_digest + "\n" + std::to_string(plan.schema_version) + "\n";
  for (const Step& step : plan.steps) {
    all += step.kind + "\n" + step.address + "\n";
    for (const std::string& statement : step.statements) all += statement + "\n";
  }
  return base::Sha256Hex(all);
}

}  // namespace yellow::plan
