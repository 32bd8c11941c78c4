#include "load/datastore_text.h"

#include <algorithm>
#include <cctype>

#include "base/json_text.h"

namespace yellow::load {
namespace {

constexpr size_t kCommentColumn = 44;
constexpr size_t kLongestRemark = 100;  // bytes

/// Words that some YAML readers take for null, true or false.
bool IsYamlWord(std::string word) {
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  static constexpr const char* kWords[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

/// A scalar, plain when it means the same everywhere and in `{ }`.
std::string Scalar(const std::string& text) {
  const bool plain = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '_') &&
                     std::all_of(text.begin(), text.end(),
                                 [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
  return plain && !IsYamlWord(text) ? text : base::JsonString(text);
}

std::string TypeText(const model::Column& column) {
  return model::ToShort(column.type) + (column.not_null ? " not null" : "");
}

/// A type inside `{ }`, where `,`, `[` and `]` are not a scalar's own.
std::string TypeInBraces(const model::Column& column) {
  const std::string text = TypeText(column);
  return text.find_first_of(",[]") == std::string::npos ? text : '"' + text + '"';
}

/// One line of at most kLongestRemark bytes.
std::string OneLine(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
    if (!blank) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  // NEL, LS and PS end a line for YAML.
  for (const char* end : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    for (size_t at = line.find(end); at != std::string::npos; at = line.find(end)) {
      line.replace(at, std::string_view(end).size(), " ");
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.size() <= kLongestRemark) return line;
  size_t cut = kLongestRemark;
  while (cut > 0 && (line[cut] & 0xC0) == 0x80) --cut;
  return line.substr(0, cut) + " …";
}

std::string ColumnInBraces(const model::Column& column) {
  if (column.from == column.name) return Scalar(column.name) + ": " + TypeInBraces(column);
  return Scalar(column.name) + ": {type: " + TypeInBraces(column) + ", from: " + Scalar(column.from) + "}";
}

/// `email: varchar(100)          # classification: pii.contact ?  because …`
std::string ColumnLine(const model::ImportedColumn& imported, const std::string& indent) {
  const model::Column& column = imported.column;
  std::string line =
      indent + (column.from == column.name ? Scalar(column.name) + ": " + TypeText(column) : ColumnInBraces(column));
  std::string comment;
  if (!imported.class_word.empty())
    comment = "classification: " + imported.class_word + " ?  because " + OneLine(imported.class_because);
  if (!imported.remark.empty()) comment += (comment.empty() ? "" : "; ") + OneLine(imported.remark);
  if (comment.empty()) return line;
  line.append(line.size() < kCommentColumn ? kCommentColumn - line.size() : 1, ' ');
  return line + " # " + comment;
}

std::string KeyList(const model::Dataset& dataset) {
  std::string list;
  for (const model::Name& name : dataset.key) list += (list.empty() ? "" : ", ") + Scalar(name.text);
  return "[" + list + "]";
}

std::string DatasetLines(const model::ImportedDataset& imported, const std::string& indent, const std::string& eol) {
  const model::Dataset& dataset = imported.dataset;
  std::string lines;
  for (const std::string& remark : imported.remarks) lines += indent + "# " + OneLine(remark) + eol;
  lines += indent + Scalar(dataset.name) + ":" + eol;
  const std::string inner = indent + "  ";
  if (dataset.table != dataset.name) lines += inner + "table: " + Scalar(dataset.table) + eol;
  if (!dataset.key.empty()) lines += inner + "key: " + KeyList(dataset) + eol;
  lines += inner + "columns:" + eol;
  for (const model::ImportedColumn& column : imported.columns) lines += ColumnLine(column, inner + "  ") + eol;
  return lines;
}

std::string DatasetInBraces(const model::ImportedDataset& imported) {
  const model::Dataset& dataset = imported.dataset;
  std::string columns;
  for (const model::ImportedColumn& column : imported.columns)
    columns += (columns.empty() ? "" : ", ") + ColumnInBraces(column.column);
  return Scalar(dataset.name) + ": {" +
         (dataset.table != dataset.name ? "table: " + Scalar(dataset.table) + ", " : std::string()) +
         (dataset.key.empty() ? std::string() : "key: " + KeyList(dataset) + ", ") + "columns: {" + columns + "}}";
}

/// Where the lines of a text begin, as YAML counts them, and places in it.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text), starts_{0} {
    for (size_t i = 0; i < text.size(); ++i) {
      const size_t length = BreakAt(i);
      if (length == 0) continue;
      i += length - 1;
      starts_.push_back(i + 1);
    }
  }

  int count() const { return static_cast<int>(starts_.size()); }
  /// The first byte of line `number`, counted from 1; the end of the text for what lies behind.
  size_t Start(int number) const { return number > count() ? text_.size() : starts_[static_cast<size_t>(number - 1)]; }
  size_t Offset(const base::Position& at) const {
    size_t offset = Start(at.line);
    for (int column = 1; column < at.column && offset < text_.size(); ++column) {
      do ++offset;
      while (offset < text_.size() && (text_[offset] & 0xC0) == 0x80);
    }
    return offset;
  }
  std::string_view Line(int number) const { return text_.substr(Start(number), Start(number + 1) - Start(number)); }

 private:
  /// The length of the line break at a place, or 0.
  size_t BreakAt(size_t i) const {
    if (text_[i] == '\r') return text_.substr(i, 2) == "\r\n" ? 2 : 1;
    if (text_[i] == '\n') return 1;
    if (text_.substr(i, 2) == "\xC2\x85") return 2;
    return text_.substr(i, 3) == "\xE2\x80\xA8" || text_.substr(i, 3) == "\xE2\x80\xA9" ? 3 : 0;
  }

  std::string_view text_;
  std::vector<size_t> starts_;
};

/// Behind the last byte of a value. (The end that libyaml gives to a block is where the next thing begins.)
base::Position EndOf(const Node& node) {
  if (node.kind == Node::Kind::kMapping && !node.flow && !node.entries.empty()) {
    const auto& [key, value] = node.entries.back();
    return std::max(EndOf(key), EndOf(value));
  }
  if (node.kind == Node::Kind::kSequence && !node.flow && !node.items.empty()) return EndOf(node.items.back());
  const base::Position& end = node.where.end;
  // A block scalar (`|`) ends where the next line begins.
  if (end.column == 1 && end.line > node.where.begin.line) return {end.line - 1, 1};
  return end;
}

/// Places and what is put there, applied from the last to the first.
class Insertions {
 public:
  explicit Insertions(std::string_view text) : text_(text), lines_(text) {
    eol_ = text.find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
  }

  const std::string& eol() const { return eol_; }

  /// Adds to a mapping: `lines` below its last entry, or `in_braces` behind it. `key` is the mapping's own key, for
  /// one that is empty.
  template <typename ToLines>
  void Append(const Node& key, const Node& mapping, const std::string& in_braces, ToLines to_lines) {
    if (mapping.kind == Node::Kind::kMapping && mapping.flow && !mapping.entries.empty()) {
      const auto& [last, value] = mapping.entries.back();
      Insert(lines_.Offset(std::max(EndOf(last), EndOf(value))), ", " + in_braces);
      return;
    }
    const bool empty = mapping.entries.empty();
    const int column = empty ? key.where.begin.column + 2 : mapping.entries.front().key.where.begin.column;
    const int line = empty ? EndOf(key).line : EndOf(mapping).line;
    if (empty && mapping.flow) Erase(lines_.Offset(mapping.where.begin), lines_.Offset(mapping.where.end));
    std::string added = to_lines(std::string(static_cast<size_t>(column - 1), ' '));
    const size_t at = lines_.Start(line + 1);
    if (at == text_.size() && !text_.ends_with("\n")) added = eol_ + added;
    Insert(at, added);
  }

  std::string Applied() {
    std::stable_sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
    std::string out;
    size_t at = 0;
    for (const Edit& edit : edits_) {
      out += text_.substr(at, edit.begin - at);
      out += edit.text;
      at = edit.end;
    }
    return out + std::string(text_.substr(at));
  }

 private:
  struct Edit {
    size_t begin, end;
    std::string text;
  };

  void Insert(size_t at, std::string text) { edits_.push_back({at, at, std::move(text)}); }
  void Erase(size_t begin, size_t end) { edits_.push_back({begin, end, ""}); }

  std::string_view text_;
  Lines lines_;
  std::string eol_;
  std::vector<Edit> edits_;
};

const Node::Entry* EntryOf(const Node& node, std::string_view key) {
  for (const auto& entry : node.entries) {
    if (entry.key.text == key) return &entry;
  }
  return nullptr;
}

/// The name in `  # name: …`, or nothing.
std::string NameInComment(std::string_view line) {
  size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos || line[at] != '#') return "";
  at = line.find_first_not_of("# \t", at);
  if (at == std::string_view::npos) return "";
  const bool quoted = line[at] == '"';
  if (quoted) ++at;
  const size_t end = line.find(quoted ? "\":" : ":", at);
  if (end == std::string_view::npos) return "";
  std::string_view name = line.substr(at, end - at);
  return !quoted && name.find_first_of(" \t\"'") != std::string_view::npos ? "" : std::string(name);
}

bool IsComment(std::string_view line) {
  const size_t at = line.find_first_not_of(" \t");
  return at != std::string_view::npos && line[at] == '#';
}

}  // namespace

std::string WriteDatastore(const NewDatastore& store) {
  std::string text = "# " + OneLine(store.heading) + "\n";
  text += "kind: Datastore\nname: " + Scalar(store.name) + "\ncapture:\n  sql_snapshot:\n";
  text += "    container: " + Scalar(store.container) + "\n    credential: " + Scalar(store.credential) + "\n";
  if (store.schema != "public") text += "    schema: " + Scalar(store.schema) + "\n";
  text += "    # schedule: \"*/15 * * * *\"            # without one it is read once, and when yellow run names it\n";
  text += "datasets:\n";
  for (const model::ImportedDataset& dataset : store.datasets) text += DatasetLines(dataset, "  ", "\n");
  return text;
}

std::string AddToDatastore(std::string_view text, const Node& document, const Additions& additions) {
  Insertions insertions(text);
  const auto& [datasets_key, datasets] = *EntryOf(document, "datasets");
  for (const auto& [name, columns] : additions.columns) {
    const auto& [columns_key, mapping] = *EntryOf(EntryOf(datasets, name)->value, "columns");
    std::string in_braces;
    for (const model::ImportedColumn& column : columns)
      in_braces += (in_braces.empty() ? "" : ", ") + ColumnInBraces(column.column);
    insertions.Append(columns_key, mapping, in_braces, [&, &added = columns](const std::string& indent) {
      std::string lines;
      for (const model::ImportedColumn& column : added) lines += ColumnLine(column, indent) + insertions.eol();
      return lines;
    });
  }
  if (!additions.datasets.empty()) {
    std::string in_braces;
    for (const model::ImportedDataset& dataset : additions.datasets)
      in_braces += (in_braces.empty() ? "" : ", ") + DatasetInBraces(dataset);
    insertions.Append(datasets_key, datasets, in_braces, [&](const std::string& indent) {
      std::string lines;
      for (const model::ImportedDataset& dataset : additions.datasets)
        lines += DatasetLines(dataset, indent, insertions.eol());
      return lines;
    });
  }
  return insertions.Applied();
}

CommentedOut FindCommentedOut(std::string_view text, const Node& document, const std::set<std::string>& tables) {
  CommentedOut found;
  const auto* datasets = EntryOf(document, "datasets");
  if (datasets == nullptr) return found;
  const Lines lines(text);
  std::map<int, std::string> begins;  // line -> dataset
  for (const auto& [name, value] : datasets->value.entries) begins[name.where.begin.line] = name.text;
  const int last = std::max(document.where.end.line, EndOf(document).line);
  std::string current;
  bool in_table = false;
  for (int line = datasets->key.where.begin.line; line <= last; ++line) {
    if (const auto begin = begins.find(line); begin != begins.end()) current = begin->second;
    if (!IsComment(lines.Line(line))) {
      in_table = false;
      continue;
    }
    const std::string name = NameInComment(lines.Line(line));
    if (name.empty()) continue;
    if (tables.count(name) != 0) {
      found.datasets.insert(name);
      in_table = true;
    } else if (!in_table && !current.empty()) {
      found.columns[current].insert(name);
    }
  }
  return found;
}

}  // namespace yellow::load
