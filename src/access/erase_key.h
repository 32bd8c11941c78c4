#pragma once

#include <string>
#include <tl/expected.hpp>

#include "access/decide.h"
#include "model/model.h"

namespace yellow::access {

/// Whose row an erasure is about: a JSON object with the value of each column of the dataset's key as text,
/// `{"id": "C17"}`, or `{"": "C17"}` where the key is one column. Returns its one spelling, or what is wrong with it,
/// without the values. A value has to be one of its column's type, of any length; whether there is such a row is not
/// asked. Times of day and dates are those of ISO 8601, with the zone where the type has one.
tl::expected<std::string, Refusal> EraseKey(const std::string& store, const model::Dataset& dataset,
                                            const std::string& text);

/// Whether PostgreSQL takes the text for a value of this type, whatever its settings.
bool IsValueOf(const model::DataType& type, const std::string& text);

}  // namespace yellow::access
