#pragma once

#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "load/node.h"

namespace yellow::load {

struct Field;

/// What a value may look like, as data: a scalar, a list, a record with these fields, a map of free names; several
/// where a short form exists. The one description from which checks, JSON Schema and the reference come. Shapes live as
/// long as the program.
struct Shape {
  enum class Scalar { kNone, kText, kBoolean, kInteger, kWord };
  const char* what = "";  ///< "a schedule"; for messages
  Scalar scalar = Scalar::kNone;
  std::vector<const char*> words;  ///< for kWord
  const Shape* items = nullptr;    ///< a list of these
  std::vector<Field> fields;       ///< a record
  const Shape* values = nullptr;   ///< a map from free names to these
  bool one_of_fields = false;      ///< a closed choice: exactly one field
};

struct Field {
  const char* name = "";
  const Shape* shape = nullptr;
  bool required = false;
  const char* about = "";
};

/// Checks a value against its shape: unknown keys with "did you mean", missing ones, wrong kinds of values; all at
/// once. Returns false when the value itself has the wrong kind, so that it must not be read.
bool CheckShape(const Node& node, const Shape& shape, base::Diagnostics& diagnostics);

/// The shape of each kind of document, or nullptr.
const Shape* ShapeOfKind(std::string_view kind);
std::vector<std::string> Kinds();

}  // namespace yellow::load
