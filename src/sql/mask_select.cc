#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/hex.h"
#include "sql/transformer_select.h"

// Masking without code: one expression a rule.
namespace yellow::sql {
namespace {

constexpr size_t kBlock = 64;         // of SHA-256
constexpr int kPseudonymLength = 16;  // characters of six bits; the same for every type, so that joins survive

std::string Masked(const model::Column& column, const model::MaskRule& rule) {
  std::string value = Identifier::Quote(column.name).text();
  const std::string type = model::ToSql(column.type);
  switch (rule.kind) {
    case model::MaskRuleKind::kKeep:
      return value;
    case model::MaskRuleKind::kNull:
      return "NULL::" + type;
    case model::MaskRuleKind::kRedact:
      return "CASE WHEN " + value + " IS NOT NULL THEN left('redacted', " +
             std::to_string(column.type.length.value_or(8)) + ") END::" + type;
    case model::MaskRuleKind::kYear:
      return "date_trunc('year', " + value + ")::" + type;
    case model::MaskRuleKind::kLast: {
      // Never more than half of a value is shown.
      const std::string text = value + "::text";
      const std::string shown = "least(" + std::to_string(rule.last) + ", char_length(" + text + ") / 2)";
      return "(repeat('*', char_length(" + text + ") - " + shown + ") || right(" + text + ", " + shown + "))::" + type;
    }
    case model::MaskRuleKind::kPseudonym:
      return "translate(left(encode(sha256($2::bytea || sha256($1::bytea || convert_to(" + value +
             "::text, 'UTF8'))), 'base64'), " + std::to_string(kPseudonymLength) + "), '+/', '-_')::" + type;
  }
  return value;
}

}  // namespace

std::string MaskSelect(const TableLayout& output, const std::map<std::string, model::MaskRule>& rules,
                       const SelectInput& input) {
  std::string columns = output.incremental_output ? "yellow_op" : "";
  for (const model::Column& column : output.columns) {
    const auto rule = rules.find(column.name);
    const std::string name = Identifier::Quote(column.name).text();
    columns +=
        (columns.empty() ? "" : ", ") + (rule == rules.end() ? name : Masked(column, rule->second)) + " AS " + name;
  }
  return "SELECT " + columns + " FROM " +
         Qualified(input.schema, output.incremental_output ? input.changes_view : input.view);
}

std::vector<std::string> MaskKeyPads(const std::string& key) {
  std::string block = key.size() <= kBlock ? key : base::BytesOfHex(base::Sha256Hex(key));
  block.resize(kBlock, '\0');
  std::vector<std::string> pads;
  for (const char pad : {'\x36', '\x5c'}) {
    std::string mixed = block;
    for (char& byte : mixed) byte = static_cast<char>(byte ^ pad);
    pads.push_back("\\x" + base::HexOf(mixed));
  }
  return pads;
}

}  // namespace yellow::sql
