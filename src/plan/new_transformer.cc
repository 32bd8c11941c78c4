#include "plan/new_transformer.h"

#include <algorithm>

#include "base/csv.h"
#include "base/json_text.h"
#include "plan/new_transformer.py.h"
#include "plan/source_names.h"
#include "sql/names.h"
#include "sql/transformer_select.h"

namespace yellow::plan {
namespace {

constexpr const char* kGroup = "Input";

void ReplaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// A value of a type, another one for each number.
std::string Sample(const std::string& column, const model::DataType& type, int number) {
  using model::TypeKind;
  std::string n = std::to_string(number);
  switch (type.kind) {
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
      return n;
    case TypeKind::kNumeric: {
      const bool whole = !type.precision || *type.precision > type.scale.value_or(0);
      return (whole ? n : "0") + (type.scale.value_or(1) > 0 ? "." + n : "");
    }
    case TypeKind::kReal:
    case TypeKind::kDouble:
      return n + ".5";
    case TypeKind::kText:
    case TypeKind::kChar:
    case TypeKind::kVarchar: {
      const std::string text = column + " " + n;
      const auto length = static_cast<size_t>(type.length.value_or(1000));
      return text.size() <= length ? text : text.substr(text.size() - length);
    }
    case TypeKind::kDate:
      return "2024-01-0" + n;
    case TypeKind::kTime:
      return "12:00:0" + n;
    case TypeKind::kTimeTz:
      return "12:00:0" + n + "+00";
    case TypeKind::kTimestamp:
      return "2024-01-0" + n + " 12:00:00";
    case TypeKind::kTimestampTz:
      return "2024-01-0" + n + " 12:00:00+00";
    case TypeKind::kInterval:
      return n + (number == 1 ? " day" : " days");
    case TypeKind::kUuid:
      return "00000000-0000-0000-0000-00000000000" + n;
    case TypeKind::kJson:
    case TypeKind::kJsonb:
      return "{\"n\": " + n + "}";
    case TypeKind::kBytea:
      return "\\x0" + n;
    case TypeKind::kBoolean:
      return number == 1 ? "true" : "false";
  }
  return n;
}

/// Two rows; in the second whatever may be null is.
std::string FixtureText(const model::Dataset& dataset) {
  std::vector<std::optional<std::string>> names, first, second;
  for (const model::Column& column : dataset.columns) {
    const bool is_key = std::any_of(dataset.key.begin(), dataset.key.end(),
                                    [&](const model::Name& name) { return name.text == column.name; });
    const auto sample = [&](int number) {
      const std::string value = Sample(column.name, column.type, number);
      return column.type.array ? "{" + base::JsonString(value) + "}" : value;
    };
    names.emplace_back(column.name);
    first.emplace_back(sample(1));
    second.push_back(is_key || column.not_null ? std::optional(sample(2)) : std::nullopt);
  }
  return base::CsvLine(names) + base::CsvLine(first) + base::CsvLine(second);
}

/// A name as SQL takes it behind a dot, where words of SQL need no quotes.
std::string BehindDot(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(),
                                 [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  return plain ? name : sql::Identifier::Quote(name).text();
}

std::string Select(const NewTransformer& transformer, const model::Dataset& dataset, const std::string& store) {
  std::string columns;
  for (const model::Column& column : dataset.columns)
    columns += (columns.empty() ? "SELECT t." : ",\n       t.") + BehindDot(column.name);
  return "-- What " + NewTransformerNames(transformer).store + "." + dataset.name +
         " holds: exactly one SELECT, by the names of the model.\n" + columns + "\nFROM " + store + "." +
         BehindDot(transformer.input.dataset) + " AS t\n";
}

std::string SqlCode(const NewTransformer& transformer, const model::Dataset& dataset) {
  const std::string& store = transformer.input.store;
  const std::string text = Select(transformer, dataset, store);
  const auto read = sql::RewriteSelect(text, {{{kGroup, store, dataset.name}, "s", "v", ""}}, model::Mode::kFull);
  const bool readable = std::holds_alternative<std::string>(read);
  return readable ? text : Select(transformer, dataset, sql::Identifier::Quote(store).text());
}

std::string PythonCode(const NewTransformer& transformer) {
  std::string text(kNewTransformerPy);
  const NewTransformerNames names(transformer);
  const std::string& dataset = transformer.input.dataset;
  ReplaceAll(text, "{input}", ToString(transformer.input));
  ReplaceAll(text, "{output}", names.store + "." + dataset);
  ReplaceAll(text, "{input_variable}",
             sql::EnvironmentVariable("YELLOW_INPUT", {kGroup, transformer.input.store, dataset}));
  ReplaceAll(text, "{output_variable}", sql::EnvironmentVariable("YELLOW_OUTPUT", {dataset}));
  return text;
}

std::string Document(const NewTransformer& transformer, const std::string& code_folder) {
  const NewTransformerNames names(transformer);
  const std::string code = transformer.language == Language::kSql
                               ? "{sql: " + code_folder +
                                     "/}          # one SELECT per output dataset: " + code_folder + "/" +
                                     transformer.input.dataset + ".sql"
                               : "{source: " + code_folder + "/, command: [python3, main.py]}";
  std::string text = R"(# The one place that reads {input} for {name}; its transformer writes {store}, which others use.
kind: Workspace
name: {name}
groups:
  {group}: {sinks: [{input}]}
transformer:
  code: {code}
  output:
    datastore: {store}
    datasets:
      {dataset}: {like: {input}}             # drop: [columns] leaves some out; or key and columns of its own
    # declassify: [{columns: [{dataset}.*], to: public, reason: "what the code does about it", approved_by: WHO}]
---
# Somebody uses the output, or the transformer never runs.
kind: Workspace
name: {readers}
groups:
  Now: {sinks: ["{store}.*"]}
)";
  ReplaceAll(text, "{code}", code);
  ReplaceAll(text, "{input}", ToString(transformer.input));
  ReplaceAll(text, "{dataset}", transformer.input.dataset);
  ReplaceAll(text, "{store}", names.store);
  ReplaceAll(text, "{readers}", names.readers);
  ReplaceAll(text, "{group}", kGroup);
  ReplaceAll(text, "{name}", transformer.name);
  return text;
}

}  // namespace

NewTransformerNames::NewTransformerNames(const NewTransformer& transformer)
    : readers(transformer.name + "Readers"),
      store(transformer.name + "Output"),
      document(transformer.folder + "/" + FileNameFor(transformer.name) + ".yaml"),
      code(transformer.folder + "/" + FileNameFor(transformer.name)) {}

std::map<std::string, std::string> FilesOf(const NewTransformer& transformer, const model::Dataset& dataset) {
  const NewTransformerNames names(transformer);
  const std::string fixture = FixtureText(dataset);
  std::map<std::string, std::string> files;
  files[names.document] = Document(transformer, FileNameFor(transformer.name));
  files[names.code + "/tests/first/in/" + ToString(transformer.input) + ".csv"] = fixture;
  files[names.code + "/tests/first/out/" + dataset.name + ".csv"] = fixture;
  if (transformer.language == Language::kSql) {
    files[names.code + "/" + dataset.name + ".sql"] = SqlCode(transformer, dataset);
  } else {
    files[names.code + "/main.py"] = PythonCode(transformer);
  }
  return files;
}

}  // namespace yellow::plan
