#pragma once

#include "run/operations.h"

namespace yellow::run {

/// `op:reingest:<Workspace>`: a repair run. It takes the outputs of the workspace's transformer in as they stand in the
/// `dt_` tables, without code: under the lease of the output, behind SHARE locks that wait for who still writes, with
/// the checks and the merge of any run (DESIGN 9.7). It claims no input, moves no cursor and tells nothing of the
/// transformer's definition or failures; its row in yellow.run names the request and stands there once it is over. A
/// table with `yellow_op` holds changes, any other the whole dataset. A run that was at work after the request was
/// asked for has emptied or written the tables: the repair fails then, as it does on whatever holds a run's output.
/// Ends the operation, done or failed. Throws base::Error when it could not.
void Reingest(const Effects& effects, const Actor& actor, const Applied& applied, const OperationOrder& order);

}  // namespace yellow::run
