#pragma once

#include <utility>

#include "base/error.h"
#include "plan/finding.h"
#include "ports/database.h"

namespace yellow::run {

/// What `question(session)` gives in a read-only transaction of its own, or why it could not be asked.
template <typename Question>
auto Ask(ports::Session& session, Question question) -> plan::Answer<decltype(question(session))> {
  try {
    ports::Transaction transaction(session, "READ ONLY");
    auto facts = question(session);
    transaction.Commit();
    return {std::move(facts), ""};
  } catch (const base::Error& error) {
    return {std::nullopt, error.what()};
  }
}

}  // namespace yellow::run
