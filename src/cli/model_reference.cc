#include "cli/model_reference.h"

#include <map>

#include "load/shape.h"

namespace yellow::cli {
namespace {

using load::Shape;

constexpr const char* kHeading =
    "# The model language\n\n"
    "Every field of every kind of document. Written from the same description that `yellow lint` checks and `yellow "
    "export "
    "json-schema` prints;\n`UPDATE_GOLDEN=1 build/dev/src/cli/test_cli` writes it anew.\n\n"
    "A document is YAML that begins with `kind` and `name`. Fields in bold are required; `<name>` stands for a name of "
    "your own. Texts need no quotes\nunless YAML would read something else in them; inside `{ }` a type with a comma "
    "does. Anchors, aliases, tags and merge keys are refused.\n";

/// A table cell: `|` would end it.
std::string Cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

class Writer {
 public:
  std::string Write() {
    out_ = kHeading;
    for (const load::KindShape& kind : load::KindShapes()) {
      kind_ = kind.name;
      out_ += "\n## " + kind.name + "\n\n" + kind.about + "\n\n";
      Table(*kind.shape);
      Below(*kind.shape, "");
    }
    return out_;
  }

 private:
  void Table(const Shape& shape) {
    if (shape.one_of_fields) out_ += "Exactly one of:\n\n";
    out_ += "| field | value | what it is for |\n|---|---|---|\n";
    for (const load::Field& field : shape.fields) {
      const std::string name = "`" + field.name + "`";
      out_ += "| " + (field.required ? "**" + name + "**" : name) + " | " + Cell(ValueOf(*field.shape)) + " | " +
              Cell(field.about) + " |\n";
    }
  }

  static std::string ValueOf(const Shape& shape) {
    if (shape.scalar != Shape::Scalar::kWord || !shape.fields.empty()) return shape.what;
    std::string words;
    for (const std::string& word : shape.words) words += (words.empty() ? "`" : ", `") + word + "`";
    return words;
  }

  /// The records below this one, each once; a second place says where the first is.
  void Below(const Shape& shape, const std::string& path) {
    for (const load::Field& field : shape.fields) {
      Visit(*field.shape, path.empty() ? field.name : path + "." + field.name);
    }
    if (shape.items != nullptr) Visit(*shape.items, path + "[]");
    if (shape.values != nullptr) Visit(*shape.values, path + ".<name>");
  }

  void Visit(const Shape& shape, const std::string& path) {
    if (shape.fields.empty()) return Below(shape, path);
    const auto [first, fresh] = written_.try_emplace(&shape, kind_ + " `" + path + "`");
    out_ += "\n### " + kind_ + " `" + path + "`\n\n";
    if (!fresh) {
      out_ += "As " + first->second + ".\n";
      return;
    }
    if (shape.scalar != Shape::Scalar::kNone || shape.items != nullptr) out_ += "Is " + shape.what + ".\n\n";
    Table(shape);
    Below(shape, path);
  }

  std::string out_;
  std::string kind_;
  std::map<const Shape*, std::string> written_;
};

}  // namespace

std::string ModelReference() { return Writer().Write(); }

}  // namespace yellow::cli
