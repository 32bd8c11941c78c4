#pragma once

#include <string>

namespace yellow::cli {

/// The JSON Schema (2020-12) of every document of a model, for editors and for other programs; indented text.
std::string ModelJsonSchema();

}  // namespace yellow::cli
