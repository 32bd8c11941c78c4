#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "model/people.h"
#include "run/context.h"

/// What Yellow does itself under an approved request for `op:…` (SECURITY 3). It stands in yellow_access.operation from
/// the moment its request is active: due, begun by a holder, done or failed. Whoever does it does so in one transaction
/// that also ends it there, so it is done once, whatever crashes; a holder that is gone has done nothing of it. When
/// the request is revoked, or its time is over, before that transaction is committed, nothing is done.
namespace yellow::run {

struct OperationOrder {
  std::string request;  ///< its id
  std::string person;   ///< who has asked for it
  std::string ticket;
  model::Scope scope;  ///< kind, operation and object only
  std::map<std::string, std::string> parameters;
  std::string asked_at;  ///< when, as the database writes a timestamptz
  std::string holder;    ///< who has begun it; empty: nobody
};

/// What an operation has come to, for the audit log and `access show`. Nothing of a row.
using Figures = std::map<std::string, std::variant<int64_t, std::string>>;

/// What this process may begin, or has begun: all that is due, and what was begun by a process of this host that is
/// gone, or of another one whose lease is over. In the order in which they were activated.
std::vector<OperationOrder> FindOperations(ports::Session& engine, const Effects& effects, const Actor& actor);

/// The nodes on which nothing else may be at work in this process meanwhile.
std::vector<std::string> NodesOf(const Applied& applied, const OperationOrder& order);

/// Begins it, if nobody else has, and does it; faults that pass are waited for while limits.retry says so. False when
/// such a fault is still in the way: it is this process's then, and may be called again. Throws base::Error when the
/// database does not even say whether it is ended.
bool CarryOut(const Effects& effects, const Actor& actor, const Applied& applied, const std::string& container,
              const OperationOrder& order);

/// It goes on: its lease is 30 seconds from now on.
void RenewOperation(ports::Session& engine, const Actor& actor, const OperationOrder& order);

/// Who does an operation calls this last, in the transaction that does it. Throws base::Error, sqlstate 55000, when it
/// may not be done any more: the request has ended, or another process has taken it over.
void EndOperation(ports::Session& session, const Actor& actor, const OperationOrder& order, bool succeeded,
                  const Figures& figures);

/// Why it has failed, without what a database says of rows.
Figures FailureOf(const base::Error& error);

}  // namespace yellow::run
