#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/text_table.h"
#include "cli/views/history_json.h"
#include "cli/views/status_view.h"
#include "run/batches.h"

namespace yellow::cli {
namespace {

int SetPaused(const Program& program, const Options& options, const std::string& name, bool paused) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  for (Engine& engine : engines.engines) {
    const std::string key = ResolveNode(*engine.applied, name, true);
    if (engine.applied->physical.FindTransformer(key) != nullptr)
      throw base::UsageError("this is not a stream: " + key).Remedy("name the store that it writes");
    if (engine.applied->physical.FindStream(key) == nullptr) continue;
    run::PauseStream(*engine.session, program.actor, key, paused);
    if (options.json) {
      program.out << Printed(DoneRecord().Write({key, paused ? "paused" : "resumed"}));
      return kDone;
    }
    program.out << (paused ? "Paused. It goes on after: yellow streams resume " + name
                           : "It goes on at its next schedule, or with: yellow run " + name)
                << "\n";
    return kDone;
  }
  throw base::UsageError("no merge database has this node: " + name);
}

}  // namespace

int StreamsList(const Program& program, const Options& options, const StreamsOptions&) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  Json list = Json::array();
  std::vector<std::vector<std::string>> table{{"STREAM", "KEY", "STATE", "BATCH", ""}};
  for (Engine& engine : engines.engines) {
    for (const StatusRow& row : ReadStatus(program, engine).streams) {
      list.push_back(StreamRecord().Write(row));
      table.push_back({row.name, row.key, row.state, row.batch == 0 ? "-" : std::to_string(row.batch),
                       row.reason.substr(0, row.reason.find('\n'))});
    }
  }
  program.out << (options.json ? Printed(list) : TextTable(table, {3}));
  return kDone;
}

int StreamsPause(const Program& program, const Options& options, const StreamsOptions& streams) {
  return SetPaused(program, options, streams.stream, true);
}

int StreamsResume(const Program& program, const Options& options, const StreamsOptions& streams) {
  return SetPaused(program, options, streams.stream, false);
}

}  // namespace yellow::cli
