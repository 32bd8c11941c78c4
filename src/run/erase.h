#pragma once

#include <string>
#include <vector>

#include "run/operations.h"

namespace yellow::run {

/// Removes one row from wherever Yellow keeps it (`op:erase`, parameters `dataset` and `key`): every version in the
/// merge table, the change log, what was set aside and what was read last; the same row of each output that a mask has
/// made with the whole key kept; what the output tables of the transformers downstream hold between runs; and texts and
/// logs of all these nodes, which may quote it. Transformers that read it run again, in full. One transaction, with the
/// end of the operation, in which nobody else may write a stream concerned: the epochs of all of them are taken. Logs
/// of runs and output tables are emptied just before it is committed, which harms nobody when it is not. From then on
/// the space of the removed rows is owed (run/space.h).
///
/// Throws base::Error: retryable, "busy", while a batch or a run of a node concerned is under way. A run that was left
/// open by a process that has ended is lost.
void Erase(const Effects& effects, const Actor& actor, const Applied& applied, const std::string& container,
           const OperationOrder& order);

/// The nodes concerned: streams and transformers, by key; none when there is no such dataset.
std::vector<std::string> NodesToErase(const Applied& applied, const OperationOrder& order);

}  // namespace yellow::run
