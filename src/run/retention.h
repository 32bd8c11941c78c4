#pragma once

#include <string>

#include "run/context.h"

/// What nobody asks for any more: old rows of Yellow's own state, and logs of runs.
namespace yellow::run {

/// Forgets, a bounded number of rows at a time and in all, what is older than `retention.control` and of no use: of
/// every stream the batches before its last committed one that every consumer has consumed, but never the newest
/// twenty; runs whose claimed batches are all forgotten, but never a transformer's newest twenty or its last committed
/// one; events; messages of what is over; model versions that nothing kept refers to. Then logs of runs that are older
/// than `retention.logs`, in the database and in the data folder. What is kept stays as complete as it was: no batch
/// without its run, no hole in the numbers. Transactions of its own; may be broken off anywhere. What fails is
/// reported, and done the next time.
void ForgetOld(const Effects& effects, ports::Session& engine, const Applied& applied);

}  // namespace yellow::run
