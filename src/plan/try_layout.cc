#include "plan/try_layout.h"

#include <algorithm>

#include "plan/plan.h"

namespace yellow::plan {
namespace {

const sql::TableLayout* FindTable(const Physical& physical, const model::DatasetAddress& dataset) {
  for (const Stream& stream : physical.streams) {
    for (const sql::TableLayout& table : stream.tables) {
      if (table.dataset == dataset) return &table;
    }
  }
  return nullptr;
}

class Trying {
 public:
  Trying(const Physical& candidate, const Physical& applied, const std::string& prefix, const std::string& run_id)
      : applied_(applied), roles_(prefix), run_id_(run_id), schema_(TrySchema(run_id)) {
    layout_.transformer = candidate.transformers.at(0);
    for (const PlacedWorkspace& workspace : candidate.workspaces) {
      if (workspace.workspace == layout_.transformer.workspace) workspace_ = workspace;
    }
  }

  std::variant<TryLayout, std::vector<std::string>> Lay() {
    workspace_.schema = layout_.transformer.workspace_schema = schema_;
    for (TransformerInput& input : layout_.transformer.inputs) Settle(input.table, !input.history_view.empty());
    for (WorkspaceView& view : workspace_.views) Settle(view.table, view.kind == WorkspaceView::Kind::kHistory);
    for (sql::TableLayout& output : layout_.transformer.outputs) {
      const sql::TableLayout* there = FindTable(applied_, output.dataset);
      layout_.committed[output.dataset.dataset] =
          there != nullptr && there->key == output.key ? std::optional(*there) : std::nullopt;
      output.schema = schema_;
    }
    if (!problems_.empty()) return problems_;
    layout_.statements = Statements();
    return std::move(layout_);
  }

 private:
  /// The table as it is applied, with the columns that the files want of it.
  void Settle(sql::TableLayout& wanted, bool history) {
    const std::string name = ToString(wanted.dataset);
    const sql::TableLayout* there = FindTable(applied_, wanted.dataset);
    if (there == nullptr) return Say(name + " is not in the applied model");
    if (history && there->milestoning != model::Milestoning::kForensic)
      return Say("the history of " + name + " is not in the applied model");
    for (const model::Column& column : wanted.columns) {
      const auto found = std::find_if(there->columns.begin(), there->columns.end(),
                                      [&](const model::Column& other) { return other.name == column.name; });
      if (found == there->columns.end()) {
        Say("column " + column.name + " of " + name + " is not in the applied model");
      } else if (found->type != column.type) {
        Say("column " + column.name + " of " + name + " is " + model::ToShort(found->type) +
            " in the applied model and " + model::ToShort(column.type) + " in the files");
      }
    }
    sql::TableLayout settled = *there;
    settled.columns = wanted.columns;
    wanted = std::move(settled);
  }

  void Say(const std::string& problem) {
    if (std::find(problems_.begin(), problems_.end(), problem) == problems_.end()) problems_.push_back(problem);
  }

  /// Of all that the workspace and its transformer need, what lies in the schema of the try; for the login alone.
  std::vector<std::string> Statements() const {
    Physical physical{applied_.streams, {workspace_}, {layout_.transformer}};
    const Desired all = Want(physical, roles_.prefix);
    Desired own;
    own.prefix = roles_.prefix;
    for (const auto& [name, table] : all.tables) {
      if (name.first == schema_) own.tables[name] = table;
    }
    own.views = all.views;
    const std::string readers = roles_.WorkspaceGroup(workspace_.workspace);
    const std::string writers = roles_.OutputGroup(workspace_.workspace);
    for (Grant grant : all.grants) {
      if (grant.schema != schema_ || (grant.grantee != readers && grant.grantee != writers)) continue;
      grant.grantee = roles_.RunLogin(run_id_);
      own.grants.insert(std::move(grant));
    }
    ShowAllAsInserted(own);
    std::vector<std::string> statements;
    for (const Step& step : Difference(own, {}, "").steps)
      statements.insert(statements.end(), step.statements.begin(), step.statements.end());
    return statements;
  }

  /// A try is in full mode, and no run of it is recorded: its changes are every live row, as in any full run.
  void ShowAllAsInserted(Desired& desired) const {
    for (const WorkspaceView& view : workspace_.views) {
      if (view.kind != WorkspaceView::Kind::kChanges) continue;
      const View& current = desired.views.at({schema_, sql::InputView(view.input)});
      desired.views.at({schema_, view.name}).definition =
          "SELECT 'I'::character(1) AS yellow_op, r.* FROM (" + current.definition + ") r";
    }
  }

  const Physical& applied_;
  const sql::Roles roles_;
  const std::string run_id_, schema_;
  PlacedWorkspace workspace_;
  TryLayout layout_;
  std::vector<std::string> problems_;
};

}  // namespace

std::string TrySchema(const std::string& run_id) { return "try_" + run_id; }

std::variant<TryLayout, std::vector<std::string>> LayTry(const Physical& candidate, const Physical& applied,
                                                         const std::string& prefix, const std::string& run_id) {
  return Trying(candidate, applied, prefix, run_id).Lay();
}

}  // namespace yellow::plan
