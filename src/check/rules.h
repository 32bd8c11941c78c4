#pragma once

#include <map>
#include <string>

#include "base/diagnostics.h"
#include "graph/intention_graph.h"
#include "model/model.h"

/// One function a family of rules; each looks at the whole model and adds what it finds.
namespace yellow::check {

/// Text files of the project, path to content.
using Texts = std::map<std::string, std::string>;

void CheckNames(const model::Model& model, base::Diagnostics& diagnostics);    ///< Y401 to Y403: patterns, case
void CheckClashes(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y404: names of database objects
void CheckKeys(const model::Model& model, const graph::Built& built,
               base::Diagnostics& diagnostics);                              ///< Y41x: keys of datasets
void CheckSinks(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y416 to Y419: what a Workspace uses
void CheckOwnership(const model::Model& model,
                    base::Diagnostics& diagnostics);  ///< Y303, Y42x: whose zones, containers, credentials, roles
void CheckAccess(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y43x: people, scopes, tickets, tokens
void CheckUseOfScopes(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y439 to Y441: who is let in
void CheckClasses(const model::Model& model,
                  base::Diagnostics& diagnostics);  ///< Y501, Y502, Y507: classes, restricted columns
void CheckMasks(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y503, Y504, Y617: masks
void CheckZones(const model::Model& model, const graph::Built& built,
                base::Diagnostics& diagnostics);  ///< Y303, Y505 to Y509: vendors and zone policies
void CheckTransformers(const model::Model& model, const Texts& texts,
                       base::Diagnostics& diagnostics);               ///< Y61x: code, outputs
void CheckFiles(const Texts& texts, base::Diagnostics& diagnostics);  ///< Y620, Y621: what can be stored
void CheckSelects(const model::Model& model, const Texts& texts, base::Diagnostics& diagnostics);  ///< Y616: SQL
void CheckIncremental(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y619: mode incremental
void CheckEnvironment(const model::Model& model,
                      base::Diagnostics& diagnostics);  ///< Y70x, Y71x: places, secrets, launcher, receivers

}  // namespace yellow::check
