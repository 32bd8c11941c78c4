#include "run/operations.h"

#include <optional>

#include "base/check.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "run/erase.h"
#include "run/patience.h"
#include "run/reingest.h"

namespace yellow::run {
namespace {

constexpr const char* kOpen =
    "SELECT o.request, o.person, o.scope, o.ticket, o.asked_at, o.holder, o.lease_is_over, p.key, p.value "
    "FROM yellow_access.operations_open() WITH ORDINALITY o LEFT JOIN LATERAL jsonb_each_text(o.parameters) p ON true "
    "ORDER BY o.ordinality";

constexpr const char* kMine = "SELECT 1 FROM yellow_access.operations_open() WHERE request = $1 AND holder = $2";

constexpr const char* kEndedMeanwhile = "55000";

std::string JsonOf(const Figures& figures) {
  std::string json;
  for (const auto& [name, value] : figures) {
    const auto* number = std::get_if<int64_t>(&value);
    json +=
        (json.empty() ? "" : ", ") + base::JsonString(name) + ": " +
        (number != nullptr ? std::to_string(*number) : base::JsonString(base::AsText(std::get<std::string>(value))));
  }
  return "{" + json + "}";
}

void Do(const Effects& effects, const Actor& actor, const Applied& applied, const std::string& container,
        const OperationOrder& order) {
  switch (order.scope.operation.value()) {
    case model::Operation::kReingest:
      return Reingest(effects, actor, applied, order);
    case model::Operation::kErase:
      return Erase(effects, actor, applied, container, order);
  }
  YELLOW_CHECK(false);
}

/// One order, tried until it is ended or not this process's any more.
class Carrying {
 public:
  Carrying(const Effects& effects, const Actor& actor, const Applied& applied, const std::string& container,
           const OperationOrder& order)
      : effects_(effects), actor_(actor), applied_(applied), container_(container), order_(order) {}

  /// Throws what may pass by itself.
  void Try() {
    const auto session =
        effects_.connector.Open(effects_.endpoints.Service(container_, ports::ServiceRole::kEngine, "operation"));
    if (!(begun_ ? IsMine(*session) : Begin(*session))) return;
    begun_ = true;
    try {
      if (!failure_) Do(effects_, actor_, applied_, container_, order_);
    } catch (const base::Error& error) {
      if (error.retryable) throw;
      failure_ = FailureOf(error);
    }
    if (failure_) EndAsFailed(*session);
    if (!failure_) Say("is ended; what has come of it: yellow access show " + order_.request);
  }

 private:
  /// In place of whoever has begun it before.
  bool Begin(ports::Session& session) {
    ports::Transaction transaction(session, "", "begin");
    const bool begun = session
                           .Execute({"SELECT yellow_access.operation_begin($1, $2, $3)",
                                     {order_.request, actor_.holder, order_.holder}})
                           .Boolean(0, 0);
    transaction.Commit();
    return begun;
  }

  /// False when the try before has ended it after all, or its request has ended.
  bool IsMine(ports::Session& session) { return !session.Execute({kMine, {order_.request, actor_.holder}}).empty(); }

  void EndAsFailed(ports::Session& session) {
    try {
      ports::Transaction transaction(session, "", "failed");
      EndOperation(session, actor_, order_, false, *failure_);
      transaction.Commit();
    } catch (const base::Error& error) {
      if (error.sqlstate != kEndedMeanwhile) throw;
      Say("was not done: its request has ended, or another yellow has taken it over");
      return;
    }
    Say("has failed: " + std::get<std::string>(failure_->at("reason")));
  }

  void Say(const std::string& what) {
    effects_.reporter.Line(order_.scope.Text() + " of request " + order_.request + " " + what);
  }

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const std::string& container_;
  const OperationOrder& order_;
  bool begun_ = false;
  std::optional<Figures> failure_;
};

}  // namespace

std::vector<OperationOrder> FindOperations(ports::Session& engine, const Effects& effects, const Actor& actor) {
  const ports::Rows rows = engine.Execute(kOpen);
  std::vector<OperationOrder> orders;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& holder = rows.Text(i, 5);
    const bool free =
        holder.empty() || holder == actor.holder || rows.Boolean(i, 6) || !effects.processes.MayBeAlive(holder);
    const auto scope = model::ParseScope(rows.Text(i, 2));
    if (!free || !scope) continue;
    if (orders.empty() || orders.back().request != rows.Text(i, 0))
      orders.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 3), *scope, {}, rows.Text(i, 4), holder});
    if (!rows.IsNull(i, 7)) orders.back().parameters[rows.Text(i, 7)] = rows.Text(i, 8);
  }
  return orders;
}

std::vector<std::string> NodesOf(const Applied& applied, const OperationOrder& order) {
  if (order.scope.operation == model::Operation::kErase) return NodesToErase(applied, order);
  std::vector<std::string> nodes;
  for (const plan::Transformer& transformer : applied.physical.transformers)
    if (transformer.workspace == order.scope.object) nodes.push_back(transformer.key);
  return nodes;
}

bool CarryOut(const Effects& effects, const Actor& actor, const Applied& applied, const std::string& container,
              const OperationOrder& order) {
  Carrying carrying(effects, actor, applied, container, order);
  Patience patience(effects.clock, effects.entropy, RetryLimit(applied));
  while (true) {
    try {
      carrying.Try();
      return true;
    } catch (const base::Error& error) {
      if (!error.retryable) throw;
      if (!Again(effects, patience, order.scope.Text(), error)) return false;
    }
  }
}

void RenewOperation(ports::Session& engine, const Actor& actor, const OperationOrder& order) {
  engine.Execute({"SELECT yellow_access.operation_renew($1, $2)", {order.request, actor.holder}});
}

void EndOperation(ports::Session& session, const Actor& actor, const OperationOrder& order, bool succeeded,
                  const Figures& figures) {
  session.Execute({"INSERT INTO yellow.event (kind, actor, detail) VALUES ($1, $2, $3)",
                   {succeeded ? "operation_done" : "operation_failed", order.person,
                    order.scope.Text() + " under request " + order.request + ", ticket " + order.ticket}});
  session.Execute({"SELECT yellow_access.operation_end($1, $2, $3, $4::jsonb)",
                   {order.request, actor.holder, succeeded ? "t" : "f", JsonOf(figures)}});
}

Figures FailureOf(const base::Error& error) {
  constexpr const char* kOwnWords = "P0001";  // of a function of Yellow's
  if (error.sqlstate.empty() || error.sqlstate == kOwnWords)
    return {{"code", error.code}, {"reason", std::string(error.what())}};
  return {{"code", error.code}, {"reason", "the database refused it, SQLSTATE " + error.sqlstate}};
}

}  // namespace yellow::run
