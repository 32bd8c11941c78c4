#pragma once

#include <set>
#include <string>
#include <vector>

#include "run/commit.h"
#include "run/context.h"

/// The rows of yellow.change_log: which datasets' changes are followed, and from which batch on they are there.
namespace yellow::run {

/// Throws base::Error code "model_moved" when the merge database follows the changes of other datasets of a stream than
/// `tables` say: another model has been applied since ours was read. Belongs into the merging transaction: apply takes
/// the stream's epoch together with these rows, so that the fence holds for them too.
void RequireFollowed(ports::Session& session, const std::string& stream, const std::vector<sql::TableLayout>& tables);

/// Datasets of a stream whose change log nobody can read before a run in full mode: no transformer that follows them
/// has a cursor there or an open run. Mostly the first load of a table, which would be written twice otherwise.
std::set<std::string> Unread(ports::Session& session, const Applied& applied, const plan::Stream& stream);
/// The merges of a batch that leaves the logs of these datasets out.
std::vector<MergeInput> WithoutLogs(std::vector<MergeInput> inputs, const std::set<std::string>& datasets);
/// Their changes are there only from the next batch on. In the same transaction, after the merge.
void BeginLogsAfter(ports::Session& session, const std::string& stream, const std::set<std::string>& datasets,
                    int batch);

/// Forgets changes of these streams that every transformer which reads them has consumed, and those that are older than
/// `retention.changes`: who has not consumed them by then runs in full mode. What an open incremental run reads stays.
/// Transactions of its own, a bounded number of rows each and in all; what is left is forgotten after the next batch.
/// A failure costs nothing and is ignored.
void CleanChangeLogs(ports::Session& engine, const Applied& applied, const std::set<std::string>& streams);

}  // namespace yellow::run
