#include "run/run_mode.h"

#include <fmt/format.h>

#include <set>

namespace yellow::run {
namespace {

/// The state of one input: its cursor, and where its changes begin; null where there is none.
constexpr const char* kReach =
    "SELECT (SELECT batch FROM yellow.cursor WHERE consumer = $1 AND input = $2), l.kept_since FROM yellow.change_log "
    "l "
    "WHERE l.stream = $3 AND l.dataset = $4 FOR SHARE";

/// Why the changes of an input are not enough; empty when they are.
std::string Missing(ports::Session& engine, const plan::Transformer& transformer, const plan::TransformerInput& input) {
  const std::string address = ToString(input.table.dataset);
  const ports::Rows reach =
      engine.Execute({kReach, {transformer.key, address, input.stream, input.table.dataset.dataset}});
  if (reach.empty()) return "the changes of " + address + " are not followed yet";
  if (reach.IsNull(0, 0)) return "it has not consumed " + address + " yet";
  const int64_t cursor = reach.Integer(0, 0), kept_since = reach.Integer(0, 1);
  if (cursor >= kept_since) return "";
  return fmt::format("the changes of {} are kept from batch {} on, and it has consumed only batch {}", address,
                     kept_since + 1, cursor);
}

}  // namespace

RunMode DecideMode(ports::Session& engine, const model::DataTransformer& declared,
                   const plan::Transformer& transformer) {
  if (declared.mode == model::Mode::kFull) return {};
  const ports::Rows last =
      engine.Execute({"SELECT definition, EXISTS (SELECT FROM yellow.run r WHERE r.transformer = t.key AND r.state = "
                      "'committed') FROM "
                      "yellow.transformer t WHERE key = $1",
                      {transformer.key}});
  if (last.empty() || last.IsNull(0, 0))
    return {false, !last.empty() && last.Boolean(0, 1) ? "a rebuild was asked for" : "it is its first run"};
  if (last.Text(0, 0) != transformer.definition) return {false, "its definition has changed"};
  // In one order, so that two runs never wait for each other.
  std::set<std::string> seen;
  for (const plan::TransformerInput& input : transformer.inputs) {
    if (!seen.insert(ToString(input.table.dataset)).second) continue;
    if (const std::string missing = Missing(engine, transformer, input); !missing.empty()) return {false, missing};
  }
  return {true, ""};
}

}  // namespace yellow::run
