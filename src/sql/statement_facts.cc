#include "sql/statement_facts.h"

#include <pg_query.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/utf8.h"

namespace yellow::sql {
namespace {

using Json = nlohmann::json;
using Words = std::set<std::string, std::less<>>;

constexpr int kDeepest = 3000;

/// Statements that leave the catalog as it is. Whatever is not here counts as DDL, also what a later parser may know.
const Words& NoDdl() {
  static const Words words{
      "SelectStmt",         "InsertStmt",        "UpdateStmt",       "DeleteStmt",      "MergeStmt",
      "CopyStmt",           "ExplainStmt",       "PrepareStmt",      "ExecuteStmt",     "DeallocateStmt",
      "FetchStmt",          "DeclareCursorStmt", "ClosePortalStmt",  "TransactionStmt", "VariableSetStmt",
      "VariableShowStmt",   "DiscardStmt",       "LockStmt",         "CheckPointStmt",  "NotifyStmt",
      "ListenStmt",         "UnlistenStmt",      "DoStmt",           "CallStmt",        "VacuumStmt",
      "ConstraintsSetStmt", "TruncateStmt",      "LoadStmt",         "RawStmt",         "ReturnStmt",
      "CreateRoleStmt",     "AlterRoleStmt",     "AlterRoleSetStmt", "DropRoleStmt",    "GrantRoleStmt"};
  return words;
}

const Words& RoleCommands() {
  static const Words words{
      "CreateRoleStmt", "AlterRoleStmt", "AlterRoleSetStmt",  "DropRoleStmt",   "GrantRoleStmt",
      "GrantStmt",      "DropOwnedStmt", "ReassignOwnedStmt", "AlterOwnerStmt", "AlterDefaultPrivilegesStmt"};
  return words;
}

/// Functions that execute a text which they are given, or read the table that it names.
bool ExecutesText(const std::string& function) {
  static constexpr std::array<std::string_view, 10> kBeginnings{
      "query_to_xml", "cursor_to_xml", "table_to_xml", "schema_to_xml", "database_to_xml",
      "ts_stat",      "ts_rewrite",    "dblink",       "crosstab",      "connectby"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&](std::string_view beginning) { return function.starts_with(beginning); });
}

std::string LowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string TextField(const Json& node, const char* name) {
  const auto found = node.find(name);
  return found != node.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Null when it is not there. Never a copy: copying a deep tree takes more stack than there is.
const Json& Child(const Json& node, const char* name) {
  static const Json none;
  const auto found = node.find(name);
  return found == node.end() ? none : *found;
}

/// The last two of a list of String nodes.
NamedRelation NameOf(const Json& names) {
  std::vector<std::string> parts;
  for (const Json& part : names)
    if (part.contains("String")) parts.push_back(TextField(part["String"], "sval"));
  if (parts.empty()) return {};
  return {parts.size() > 1 ? parts[parts.size() - 2] : "", parts.back()};
}

class FactFinder {
 public:
  explicit FactFinder(StatementFacts& facts) : facts_(facts) {}

  /// `tables`: names of the common table expressions that are known here.
  void Walk(const Json& node, const Words& tables, int depth) {
    if (depth > kDeepest) {
      facts_.problem = "it is nested too deeply";
    } else if (node.is_array()) {
      for (const Json& item : node) Walk(item, tables, depth + 1);
    } else if (node.is_object()) {
      const auto with = node.find("withClause");
      if (with == node.end()) {
        WalkFields(node, tables, depth);
      } else {
        WalkFields(node, WalkCommonTables(*with, tables, depth), depth);
      }
    }
  }

 private:
  /// Without RECURSIVE each knows those before it only. Returns what the statement itself knows.
  Words WalkCommonTables(const Json& with, Words tables, int depth) {
    const Json& expressions = Child(with, "ctes");
    const bool recursive = with.value("recursive", false);
    const auto name_of = [](const Json& one) { return TextField(Child(one, "CommonTableExpr"), "ctename"); };
    if (recursive)
      for (const Json& one : expressions) tables.insert(name_of(one));
    for (const Json& one : expressions) {
      Walk(one, tables, depth + 1);
      tables.insert(name_of(one));
    }
    return tables;
  }

  void WalkFields(const Json& node, const Words& tables, int depth) {
    // What a statement writes to stands here without the name of its type, and is never a common table expression.
    if (node.contains("relname") && node.contains("relpersistence")) Relation(node);
    if (node.contains("funcname")) Call(node);
    for (const auto& [key, value] : node.items()) {
      if (key == "withClause") continue;
      if (key.ends_with("Stmt") && key[0] < 'a') Statement(key, value);  // not selectStmt, a field's name
      if (key == "intoClause") facts_.ddl = true;
      const bool common =
          key == "RangeVar" && TextField(value, "schemaname").empty() && tables.count(TextField(value, "relname")) != 0;
      if (!common) Walk(value, tables, depth + 1);
    }
  }

  void Statement(const std::string& kind, const Json& node) {
    facts_.kinds.insert(kind);
    if (NoDdl().count(kind) == 0) facts_.ddl = true;
    if (RoleCommands().count(kind) != 0 || TextField(node, "renameType") == "OBJECT_ROLE") facts_.role_command = true;
    if (kind == "DoStmt") facts_.hides_statements = true;
    if (kind == "VariableSetStmt") Setting(TextField(node, "name"));
    // DISCARD ALL begins with SET SESSION AUTHORIZATION DEFAULT.
    if (kind == "DiscardStmt" && TextField(node, "target") == "DISCARD_ALL") facts_.sets_role = true;
    // A rule of that view makes an UPDATE of it a call of set_config.
    if (kind == "UpdateStmt" && TextField(Child(node, "relation"), "relname") == "pg_settings") AnySetting();
    if (kind == "DropStmt")
      for (const Json& object : Child(node, "objects"))
        if (object.contains("List")) facts_.relations.insert(NameOf(Child(object["List"], "items")));
    if (kind == "CopyStmt" && (node.contains("filename") || node.contains("is_program")))
      facts_.hides_statements = true;
  }

  void Relation(const Json& node) {
    facts_.relations.insert({TextField(node, "schemaname"), TextField(node, "relname")});
  }

  void Call(const Json& call) {
    const NamedRelation function = NameOf(Child(call, "funcname"));
    if (!function.schema.empty() && function.schema != "pg_catalog") facts_.routines.insert(function);
    if (ExecutesText(function.name)) facts_.hides_statements = true;
    if (function.name != "set_config") return;
    const Json& arguments = Child(call, "args");
    const Json& first = arguments.empty() ? arguments : Child(arguments[0], "A_Const");
    if (first.contains("sval")) {
      Setting(TextField(first["sval"], "sval"));
    } else {
      AnySetting();
    }
  }

  void Setting(const std::string& written) {
    const std::string name = LowerCase(written);
    if (name == "role" || name == "session_authorization") facts_.sets_role = true;
    if (name == "client_encoding" || name == "standard_conforming_strings" || name == "backslash_quote")
      facts_.sets_reading = true;
  }

  void AnySetting() { facts_.sets_role = facts_.sets_reading = true; }

  StatementFacts& facts_;
};

}  // namespace

StatementFacts FactsOf(std::string_view text) {
  StatementFacts facts;
  if (base::LengthOfText(text) != text.size()) {
    facts.problem = "it is not UTF-8, or holds a NUL";
    return facts;
  }
  const PgQueryParseResult parsed = pg_query_parse(std::string(text).c_str());
  if (parsed.error != nullptr) {
    facts.problem = parsed.error->message;
  } else {
    FactFinder(facts).Walk(Json::parse(parsed.parse_tree, nullptr, false), {}, 0);
  }
  pg_query_free_parse_result(parsed);
  return facts;
}

}  // namespace yellow::sql
