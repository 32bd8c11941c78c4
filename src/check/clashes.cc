#include <algorithm>
#include <cctype>
#include <map>

#include "check/rules.h"
#include "sql/names.h"

// Names of database objects that would be one after lower-casing and shortening to 63 bytes. Names that differ in case
// only are said by names.cc, once and not for every object that is called after them.
namespace yellow::check {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The objects of one schema, or of the server.
class Namespace {
 public:
  explicit Namespace(base::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  /// `whole`: what the name is made of, before it is shortened; `what`: "the staging table of Shop.customers".
  void Take(const std::string& name, const std::string& whole, const std::string& what,
            const base::SourceRange& where) {
    const auto [other, fresh] = taken_.try_emplace(name, Taken{Lower(whole), what});
    if (fresh || other->second.whole == Lower(whole)) return;
    diagnostics_.Error(
        "Y404", where,
        "two database objects would have one name: " + other->second.what + " and " + what + " would both be " + name,
        "rename one; names are lower-cased, and shortened to 63 bytes");
  }

 private:
  struct Taken {
    std::string whole;
    std::string what;
  };
  base::Diagnostics& diagnostics_;
  std::map<std::string, Taken> taken_;
};

void CheckTables(const model::Model& model, base::Diagnostics& diagnostics) {
  Namespace tables(diagnostics);
  for (const model::Datastore& store : model.datastores) {
    for (const model::Dataset& dataset : store.datasets) {
      const model::DatasetAddress address{store.name, dataset.name};
      const std::string of = " of " + ToString(address), whole = store.name + "__" + dataset.name;
      tables.Take(sql::MergeTable(address), whole, "the table" + of, dataset.where);
      tables.Take(sql::StagingTable(address), "stg__" + whole, "the staging table" + of, dataset.where);
      tables.Take(sql::ChangeLogTable(address), "chg__" + whole, "the change log" + of, dataset.where);
      tables.Take(sql::RejectedTable(address), "rej__" + whole, "the table of rejected rows" + of, dataset.where);
      if (std::holds_alternative<model::TransformerOutput>(store.capture))
        tables.Take(sql::OutputTable(address), "dt_" + whole, "the output table" + of, dataset.where);
    }
  }
}

void CheckViews(const model::Model& model, const model::Workspace& workspace, base::Diagnostics& diagnostics) {
  Namespace views(diagnostics);
  for (const model::DatasetGroup& group : workspace.groups) {
    for (const model::DatasetSink& sink : ExpandSinks(model, group)) {
      const model::InputAddress input{group.name, sink.dataset.store, sink.dataset.dataset};
      const std::string of = " of " + ToString(input);
      const std::string whole = input.group + "__" + input.store + "__" + input.dataset;
      views.Take(sql::InputView(input), whole, "the view" + of, sink.where);
      views.Take(sql::HistoryView(input), whole + "__history", "the history view" + of, sink.where);
      views.Take(sql::ChangesView(input), whole + "__changes", "the view of changes" + of, sink.where);
      if (!sink.alias.empty()) views.Take(sql::AliasView(sink.alias), sink.alias, "alias " + sink.alias, sink.where);
    }
  }
}

}  // namespace

void CheckClashes(const model::Model& model, base::Diagnostics& diagnostics) {
  CheckTables(model, diagnostics);
  const sql::Roles roles(model.environment ? model.environment->role_prefix : "yellow");
  Namespace schemas(diagnostics), groups(diagnostics);
  for (const model::DataPlatform& platform : model.platforms) {
    schemas.Take(sql::PlatformSchema(platform.name), "dp_" + platform.name, "the schema of platform " + platform.name,
                 platform.where);
  }
  for (const model::Workspace& workspace : model.workspaces) {
    CheckViews(model, workspace, diagnostics);
    schemas.Take(sql::WorkspaceSchema(workspace.name), "ws_" + workspace.name,
                 "the schema of Workspace " + workspace.name, workspace.where);
    groups.Take(roles.WorkspaceGroup(workspace.name), "ws_" + workspace.name,
                "the role for readers of " + workspace.name, workspace.where);
    groups.Take(roles.OutputGroup(workspace.name), "dt_" + workspace.name,
                "the role for the output of " + workspace.name, workspace.where);
  }
  for (const model::Scope& scope : model.scopes) {
    if (scope.kind == model::ScopeKind::kDtRead)
      groups.Take(roles.OutputReaders(scope.object), "dr_" + scope.object,
                  "the role for reading the output of " + scope.object, scope.where);
    if (scope.kind == model::ScopeKind::kStageRead)
      groups.Take(roles.StagingReaders(scope.object), "st_" + scope.object,
                  "the role for reading what is staged of " + scope.object, scope.where);
  }
}

}  // namespace yellow::check
