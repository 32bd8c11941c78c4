#pragma once

#include <string>

#include "graph/intention_graph.h"
#include "model/model.h"

/// Models in which one transformer of a model can be run for its author, by the same path as every run.
namespace yellow::plan {

/// Where a rehearsal is: in a database of the private cluster, whatever the environment says.
struct RehearsalPlaces {
  model::EmbeddedServer server;  ///< as the environment has it, so that the cluster stays as it is
  std::string database;          ///< for the copies, and in schema public for the source
  std::string role_prefix;
  std::string secret_file;  ///< of the source's reader
};

inline constexpr const char* kRehearsalSource = "YellowRehearsal";
inline constexpr const char* kRehearsalReader = "yellow_scratch_reader";

/// The workspace alone, on its transformer's home platform, with a reader of its output, so that it runs. What other
/// transformers write is a source here. REQUIRES: it has a transformer.
model::Model AloneWithReader(const model::Model& model, const std::string& workspace);

/// The same with an environment of its own, and every input that is not its own output made a source: dataset d of
/// store S is read from table "S.d" of schema public in container kRehearsalSource.
model::Model Rehearsal(const model::Model& model, const std::string& workspace, const RehearsalPlaces& places);

}  // namespace yellow::plan
