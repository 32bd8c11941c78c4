#include "sql/layout.h"

#include <algorithm>

#include "sql/names.h"

namespace yellow::sql {

TableLayout MakeLayout(const std::string& platform, const model::Datastore& store, const model::Dataset& dataset,
                       model::Milestoning milestoning, bool changes, bool incremental_output) {
  TableLayout layout;
  layout.dataset = {store.name, dataset.name};
  layout.schema = PlatformSchema(platform);
  layout.merge_table = MergeTable(layout.dataset);
  layout.staging_table = StagingTable(layout.dataset);
  layout.change_log_table = ChangeLogTable(layout.dataset);
  layout.rejected_table = RejectedTable(layout.dataset);
  if (std::holds_alternative<model::TransformerOutput>(store.capture))
    layout.output_table = OutputTable(layout.dataset);
  if (const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture))
    layout.sets_aside = snapshot->on_bad_rows == model::OnBadRows::kQuarantine;
  layout.milestoning = milestoning;
  layout.changes = changes;
  layout.incremental_output = incremental_output;
  for (const model::Name& column : dataset.key) layout.key.push_back(column.text);
  layout.columns = dataset.columns;
  for (model::Column& column : layout.columns) {
    if (std::find(layout.key.begin(), layout.key.end(), column.name) != layout.key.end()) column.not_null = true;
  }
  return layout;
}

}  // namespace yellow::sql
