#pragma once

#include <string>

namespace yellow::cli {

/// docs/model-reference.md: every field of every kind of document, in Markdown.
std::string ModelReference();

}  // namespace yellow::cli
