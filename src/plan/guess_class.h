#pragma once

#include <optional>
#include <string>

#include "model/data_type.h"

namespace yellow::plan {

/// The class that a column's data seems to have, and the clause that says why. For a person to confirm: a guess errs
/// towards too many, and no guess says nothing about the data.
struct ClassGuess {
  std::string word;     ///< pii.contact
  std::string because;  ///< "the column is called email"
  bool operator==(const ClassGuess&) const = default;
};

/// By the words of the column's name (English, German, French, Spanish, Italian, Portuguese, Dutch, Polish), then by
/// those of its comment. A type that cannot hold the data, as a boolean for an address, makes no guess. `name` alone
/// counts only in a table whose name says that its rows are people.
std::optional<ClassGuess> GuessClass(const std::string& table, const std::string& column, const std::string& comment,
                                     const model::DataType& type);

}  // namespace yellow::plan
