#include "run/keeper.h"

#include <algorithm>

#include "base/error.h"

namespace yellow::run {

Keeper::Keeper(std::unique_ptr<ports::Session> session, const plan::Transformer& transformer)
    : session_(std::move(session)) {
  std::vector<sql::Statement> questions;
  for (const plan::TransformerInput& input : transformer.inputs) {
    const std::string address = ToString(input.table.dataset);
    if (std::find(asked_.begin(), asked_.end(), address) != asked_.end()) continue;
    asked_.push_back(address);
    questions.push_back(
        {"SELECT coalesce((SELECT batch FROM yellow.cursor WHERE consumer = $1 AND input = $2), 0), "
         "coalesce((SELECT max(batch) FROM yellow.batch WHERE stream = $3 AND state = 'committed'), 0)",
         {transformer.key, address, input.stream}});
  }
  questions.emplace_back("SELECT pg_export_snapshot()");
  transaction_ = std::make_unique<ports::Transaction>(*session_, "ISOLATION LEVEL REPEATABLE READ READ ONLY", "",
                                                      std::move(questions));
}

void Keeper::Look() {
  const std::vector<ports::Rows> answers = transaction_->Received();
  for (size_t i = 0; i < asked_.size(); ++i)
    claims_[asked_[i]] = {static_cast<int>(answers[i].Integer(0, 0)), static_cast<int>(answers[i].Integer(0, 1))};
  snapshot_ = answers.back().Text(0, 0);
}

bool Keeper::Lives() {
  try {
    session_->Execute("SELECT 1");
    return true;
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace yellow::run
