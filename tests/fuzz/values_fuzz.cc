#include "input.h"
#include "load/load.h"

using namespace yellow;

namespace {

std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

}  // namespace

/// One text in every field that is read by a rule of its own: durations, limits, schedules, types, addresses, masks,
/// places, images, numbers.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string value = Quoted(fuzz::Text(data, size));
  const auto field = [&](const std::string& before, const std::string& after) { return before + value + after; };
  load::Files files;
  files["model/all.yaml"] =
      "kind: Datastore\nname: S\ncapture: {sql_snapshot: {container: C, credential: K, schedule: {cron: '* * * * *', " +
      field("timezone: ", ",}, guards: {") + field("max_deleted: ", "}}}\n") + "datasets: {a: {columns: {id: " + value +
      "}}}\n---\nkind: Workspace\nname: W\ngroups: {G: {sinks: [" + value + ", {dataset: " + value + "}]}}\n" +
      "transformer:\n  code: {mask: {a: {id: " + value + "}}, sql: " + value + "}\n  trigger: {cron: " + value +
      "}\n  timeout: " + value + "\n  retries: " + value + "\n  output: {datastore: O, datasets: {a: {like: " + value +
      "}}}\n---\nkind: Team\nname: Default\ncontainers: {C: {postgres: {database: d}, locations: [" + value + "]}}\n";
  files["environments/local.yaml"] = "kind: Environment\nname: local\nimages: {a: " + value +
                                     "}\ncontainers: {C: {host: h, port: " + value + "}}\nlimits: {runs: " + value +
                                     "}\n";
  load::Load(files, "local");
  return 0;
}
