#include "sql/transformer_select.h"

#include <pg_query.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "base/suggest.h"
#include "base/utf8.h"

namespace yellow::sql {
namespace {

using Json = nlohmann::json;

std::string Lower(const std::string& text) {
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

struct Replacement {
  size_t begin = 0, end = 0;
  std::string text;
};

/// Skips blanks and comments.
size_t SkipBlanks(const std::string& text, size_t at) {
  while (at < text.size()) {
    if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
      ++at;
    } else if (text.compare(at, 2, "--") == 0) {
      while (at < text.size() && text[at] != '\n') ++at;
    } else if (text.compare(at, 2, "/*") == 0) {
      int depth = 0;
      do {
        if (text.compare(at, 2, "/*") == 0)
          ++depth, at += 2;
        else if (text.compare(at, 2, "*/") == 0)
          --depth, at += 2;
        else
          ++at;
      } while (depth > 0 && at < text.size());
    } else {
      break;
    }
  }
  return at;
}

/// The end of the identifier at `at`.
size_t SkipName(const std::string& text, size_t at) {
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size(); ++at) {
      if (text[at] != '"') continue;
      if (at + 1 < text.size() && text[at + 1] == '"')
        ++at;
      else
        return at + 1;
    }
    return at;
  }
  while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_' ||
                              text[at] == '$' || (text[at] & 0x80) != 0))
    ++at;
  return at;
}

/// The end of `a.b.c` with `parts` names, from the start of the first.
size_t SkipQualified(const std::string& text, size_t at, size_t parts) {
  at = SkipName(text, at);
  for (size_t i = 1; i < parts; ++i) {
    at = SkipBlanks(text, at);
    if (at < text.size() && text[at] == '.') ++at;
    at = SkipName(text, SkipBlanks(text, at));
  }
  return at;
}

std::string Field(const Json& node, const char* name) {
  const auto found = node.find(name);
  return found != node.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Levels of a tree that is walked level by level on the stack; a term of a sum takes two or three.
constexpr int kDeepestSelect = 2000;

int DepthOf(std::string_view json) {
  int depth = 0, deepest = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
      continue;
    }
    if (c == '"') in_text = true;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return deepest;
}

class Rewriter {
 public:
  Rewriter(const std::string& text, const std::vector<SelectInput>& inputs, model::Mode mode)
      : text_(text), inputs_(inputs), incremental_(mode == model::Mode::kIncremental) {}

  std::variant<std::string, std::vector<SelectProblem>> Run() {
    if (const size_t good = base::LengthOfText(text_); good != text_.size()) {
      Problem("the text is not UTF-8, or holds a NUL", "save the file as UTF-8", good);
      return problems_;
    }
    const PgQueryParseResult parsed = pg_query_parse(text_.c_str());
    if (parsed.error != nullptr) {
      Problem(parsed.error->message, "", ByteOfCharacter(parsed.error->cursorpos));
    } else if (DepthOf(parsed.parse_tree) > kDeepestSelect) {
      Problem("it is nested too deeply", "take parts of it into WITH", 0);
    } else {
      Statement(Json::parse(parsed.parse_tree, nullptr, false));
    }
    pg_query_free_parse_result(parsed);
    if (!problems_.empty()) return problems_;
    return Replaced();
  }

 private:
  /// Errors of the parser count characters from 1; places in the tree count bytes from 0.
  size_t ByteOfCharacter(int character) const {
    size_t at = 0;
    for (int seen = 0; at < text_.size(); ++at) {
      if ((text_[at] & 0xC0) != 0x80 && ++seen >= character) break;
    }
    return at;
  }

  void Problem(const std::string& message, const std::string& remedy, size_t at) {
    SelectProblem problem{message, remedy, 1, 1};
    for (size_t i = 0; i < at && i < text_.size(); ++i) {
      if ((text_[i] & 0xC0) != 0x80) ++problem.column;
      if (text_[i] == '\n') ++problem.line, problem.column = 1;
    }
    problems_.push_back(std::move(problem));
  }

  void Statement(const Json& tree) {
    const Json statements = tree.value("stmts", Json::array());
    if (statements.size() != 1) {
      Problem("a transformer is exactly one SELECT, and there are " + std::to_string(statements.size()) + " statements",
              "leave one", 0);
      return;
    }
    const Json& raw = statements[0];
    begin_ = raw.value("stmt_location", size_t{0});
    end_ = raw.contains("stmt_len") ? begin_ + raw.value("stmt_len", size_t{0}) : text_.size();
    const Json& statement = raw.value("stmt", Json::object());
    if (!statement.contains("SelectStmt")) {
      Problem("a transformer is one SELECT, and this is another statement",
              "write what the dataset holds; Yellow writes it", SkipBlanks(text_, begin_));
      return;
    }
    CollectNames(statement);
    Walk(statement);
    if (incremental_ && problems_.empty()) CheckChanges(statement["SelectStmt"]);
  }

  /// What nobody deletes would stay for ever, and what is gone would be written once more.
  void CheckChanges(const Json& select) {
    const size_t at = SkipBlanks(text_, begin_);
    if (!reads_changes_) {
      Problem("in mode incremental a SELECT reads the changes of an input, and this one reads none",
              "read " + (inputs_.empty() ? "Store.dataset" : ToString(Dataset(inputs_[0]))) +
                  std::string(kChangesSuffix) + ", or leave mode: incremental out",
              at);
    } else if (!GivesOperation(select)) {
      Problem("the SELECT has no column yellow_op, so rows that are gone would be written again",
              "add yellow_op of the changes that it reads, or another expression AS yellow_op that gives I, U or D",
              at);
    }
  }

  static model::DatasetAddress Dataset(const SelectInput& input) {
    return {input.address.store, input.address.dataset};
  }

  /// True when a column of the result is called yellow_op; a `*` may hold one, and the server will say if it does not.
  static bool GivesOperation(const Json& select) {
    if (select.contains("larg")) {
      const Json& left = select["larg"];
      return GivesOperation(left.contains("SelectStmt") ? left["SelectStmt"] : left);
    }
    for (const Json& item : select.value("targetList", Json::array())) {
      const Json& target = item.value("ResTarget", Json::object());
      std::string name = Field(target, "name");
      const Json& value = target.value("val", Json::object());
      if (name.empty() && value.contains("ColumnRef")) {
        const Json last = value["ColumnRef"].value("fields", Json::array()).back();
        if (last.contains("A_Star")) return true;
        name = Field(last.value("String", Json::object()), "sval");
      }
      if (name == "yellow_op") return true;
    }
    return false;
  }

  void CollectNames(const Json& node) {
    if (node.is_object()) {
      for (const auto& [key, value] : node.items()) {
        if (key == "CommonTableExpr") common_tables_.insert(Field(value, "ctename"));
        CollectNames(value);
      }
    } else if (node.is_array()) {
      for (const Json& item : node) CollectNames(item);
    }
  }

  void Walk(const Json& node) {
    if (node.is_object()) {
      for (const auto& [key, value] : node.items()) {
        if (key == "RangeVar") Table(value);
        if (key == "ColumnRef") Column(value);
        if (key == "intoClause")
          Problem("SELECT INTO makes a table, and a transformer only reads", "leave INTO out", begin_);
        if (key == "lockingClause")
          Problem("a transformer takes no locks", "leave FOR UPDATE or FOR SHARE out", begin_);
        if (key == "InsertStmt" || key == "UpdateStmt" || key == "DeleteStmt" || key == "MergeStmt") {
          Problem("a transformer's SELECT changes nothing", "write what the dataset holds; Yellow writes it", begin_);
        }
        Walk(value);
      }
    } else if (node.is_array()) {
      for (const Json& item : node) Walk(item);
    }
  }

  std::vector<const SelectInput*> Find(const std::string& group, const std::string& store,
                                       const std::string& dataset) const {
    std::vector<const SelectInput*> found;
    for (const SelectInput& input : inputs_) {
      if (Lower(input.address.store) != Lower(store) || Lower(input.address.dataset) != Lower(dataset)) continue;
      if (group.empty() || Lower(input.address.group) == Lower(group)) found.push_back(&input);
    }
    return found;
  }

  /// `customers__changes` without its end; says whether it had one.
  static std::pair<std::string, bool> DatasetOf(const std::string& written) {
    const bool changes = written.size() > kChangesSuffix.size() && Lower(written).ends_with(kChangesSuffix);
    return {changes ? written.substr(0, written.size() - kChangesSuffix.size()) : written, changes};
  }

  void Table(const Json& range) {
    const std::string group = Field(range, "catalogname"), store = Field(range, "schemaname"),
                      relation = Field(range, "relname");
    const auto [dataset, changes] = DatasetOf(relation);
    const size_t at = range.value("location", size_t{0});
    if (store.empty() && common_tables_.count(relation) != 0) return;
    const size_t end = SkipQualified(text_, at, 1 + (store.empty() ? 0 : 1) + (group.empty() ? 0 : 1));
    const std::string written = text_.substr(at, end - at);
    const auto found = store.empty() ? std::vector<const SelectInput*>{} : Find(group, store, dataset);
    if (found.empty()) {
      std::vector<std::string> names;
      for (const SelectInput& input : inputs_) {
        const std::string name = ToString(Dataset(input));
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
      for (size_t i = 0, count = names.size(); incremental_ && i < count; ++i)
        names.push_back(names[i] + std::string(kChangesSuffix));
      std::string list;
      for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
      Problem("this is not an input of the workspace: " + written,
              base::DidYouMean(written, names, "its inputs are: " + list), at);
      return;
    }
    if (found.size() > 1) {
      Problem("several groups have this dataset: " + written,
              "name the group: " + found[0]->address.group + "." + written, at);
      return;
    }
    if (changes && !incremental_) {
      Problem(
          "the changes of an input are there in mode incremental only: " + written,
          "write mode: incremental, or read the whole: " + written.substr(0, written.size() - kChangesSuffix.size()),
          at);
      return;
    }
    reads_changes_ |= changes;
    const std::string alias = range.contains("alias") ? "" : " AS " + Identifier::Quote(relation).text();
    const std::string& view = changes ? found[0]->changes_view : found[0]->view;
    replacements_.push_back({at, end, Qualified(found[0]->schema, view) + alias});
  }

  /// `Shop.customers.id` becomes `"customers".id`.
  void Column(const Json& reference) {
    const Json fields = reference.value("fields", Json::array());
    std::vector<std::string> names;
    for (const Json& field : fields) names.push_back(field.contains("String") ? Field(field["String"], "sval") : "*");
    if (names.size() < 3) return;
    const bool grouped = names.size() > 3;
    const std::string dataset = DatasetOf(names[names.size() - 2]).first;
    if (Find(grouped ? names[0] : "", names[names.size() - 3], dataset).empty()) return;
    const size_t at = reference.value("location", size_t{0});
    replacements_.push_back(
        {at, SkipQualified(text_, at, names.size() - 1), Identifier::Quote(names[names.size() - 2]).text()});
  }

  std::string Replaced() {
    std::sort(replacements_.begin(), replacements_.end(),
              [](const auto& a, const auto& b) { return a.begin < b.begin; });
    std::string out;
    size_t at = begin_;
    for (const Replacement& replacement : replacements_) {
      out += text_.substr(at, replacement.begin - at) + replacement.text;
      at = replacement.end;
    }
    return out + text_.substr(at, end_ - at);
  }

  const std::string& text_;
  const std::vector<SelectInput>& inputs_;
  const bool incremental_;
  bool reads_changes_ = false;
  std::set<std::string> common_tables_;
  std::vector<Replacement> replacements_;
  std::vector<SelectProblem> problems_;
  size_t begin_ = 0, end_ = 0;
};

}  // namespace

std::variant<std::string, std::vector<SelectProblem>> RewriteSelect(const std::string& text,
                                                                    const std::vector<SelectInput>& inputs,
                                                                    model::Mode mode) {
  return Rewriter(text, inputs, mode).Run();
}

std::string InsertInto(const TableLayout& output, const std::string& select) {
  std::string columns;
  for (const model::Column& column : output.columns)
    columns += (columns.empty() ? "" : ", ") + Identifier::Quote(column.name).text();
  if (output.incremental_output) columns += ", yellow_op";
  return "INSERT INTO " + Qualified(output.schema, output.output_table) + " (" + columns + ") SELECT " + columns +
         " FROM (" + select + "\n) AS yellow_output";
}

}  // namespace yellow::sql
