#pragma once

#include <limits>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "load/node.h"

namespace yellow::load {

struct Shape;

struct Field {
  std::string name;
  const Shape* shape = nullptr;
  std::string about;  ///< one sentence or two, for JSON Schema and the reference
  bool required = false;
};

/// What a value may look like, as data: a scalar, a list, a record with these fields, a map of free names; several
/// where a short form exists. The one description from which checks, JSON Schema and the reference come. Shapes live as
/// long as the program.
struct Shape {
  enum class Scalar { kNone, kText, kBoolean, kInteger, kWord };
  std::string what;  ///< "a schedule"; for messages
  Scalar scalar = Scalar::kNone;
  std::vector<std::string> words = {};                                                  ///< for kWord
  int least = std::numeric_limits<int>::min(), most = std::numeric_limits<int>::max();  ///< for kInteger
  std::string pattern = {};  ///< for kText: the ECMA 262 expression it follows; a rule of check says what is wrong
  bool also_number = false, also_null = false;  ///< what YAML takes for a number, or `null`, fits the pattern too
  const Shape* items = nullptr;                 ///< a list of these
  std::vector<Field> fields = {};               ///< a record
  const Shape* values = nullptr;                ///< a map from free names to these
  const Shape* keys = nullptr;                  ///< what those names follow, when it is more than text
  bool one_of_fields = false;                   ///< a closed choice: exactly one field
  std::string choice = {};  ///< what its unknown keys are taken for, "capture kind"; a key otherwise
};

/// Checks a value against its shape: unknown keys with "did you mean", missing ones, wrong kinds of values; all at
/// once. Returns false when the value itself has the wrong kind, so that it must not be read.
bool CheckShape(const Node& node, const Shape& shape, base::Diagnostics& diagnostics);

/// True when entry `at` is the rest of a type that a comma inside { } has cut in two: `{price: numeric(10, 2)}`.
bool IsCutType(const Node& node, size_t at);

/// A kind of document.
struct KindShape {
  std::string name;
  const Shape* shape = nullptr;
  std::string about;
};
const std::vector<KindShape>& KindShapes();

/// The shape of each kind of document, or nullptr.
const Shape* ShapeOfKind(std::string_view kind);
std::vector<std::string> Kinds();

}  // namespace yellow::load
