#include "access/flags.h"

namespace yellow::access {
namespace {

bool IsCatalog(const sql::NamedRelation& relation) {
  if (relation.schema.empty()) return relation.name.starts_with("pg_");  // pg_catalog comes first in every search_path
  return relation.schema == "pg_catalog" || relation.schema == "information_schema" || relation.schema == "pg_toast";
}

/// Of a text that could be parsed.
void AddFacts(const sql::StatementFacts& facts, const FlagRules& rules, std::set<Flag>& flags) {
  const auto add = [&](bool holds, Flag flag) {
    if (holds) flags.insert(flag);
  };
  add(facts.ddl, Flag::kDdl);
  add(facts.role_command, Flag::kRoleCommand);
  add(facts.hides_statements, Flag::kDoBlock);
  add(facts.sets_role, Flag::kSetRole);
  add(facts.sets_reading, Flag::kChangesReading);
  for (const sql::NamedRelation& relation : facts.relations) {
    add(IsCatalog(relation), Flag::kCatalog);
    add(!IsCatalog(relation) && rules.scope.count(relation) == 0, Flag::kOutsideScope);
  }
  for (const sql::NamedRelation& routine : facts.routines) add(rules.scope.count(routine) == 0, Flag::kOutsideScope);
}

}  // namespace

std::string_view NameOf(Flag flag) {
  switch (flag) {
    case Flag::kDdl:
      return "ddl";
    case Flag::kRoleCommand:
      return "role_command";
    case Flag::kDoBlock:
      return "do_block";
    case Flag::kSetRole:
      return "set_role";
    case Flag::kChangesReading:
      return "changes_reading";
    case Flag::kRefused:
      return "refused";
    case Flag::kManyRows:
      return "many_rows";
    case Flag::kOutsideScope:
      return "outside_scope";
    case Flag::kCatalog:
      return "catalog";
    case Flag::kAfterExpiry:
      return "after_expiry";
    case Flag::kUnparsable:
      return "unparsable";
  }
  return "";
}

std::set<Flag> FlagsOf(const SentText& sent, const FlagRules& rules) {
  std::set<Flag> flags;
  if (sent.refused) flags.insert(Flag::kRefused);
  if (sent.rows >= rules.many_rows && sent.rows > 0) flags.insert(Flag::kManyRows);
  if (sent.after_expiry) flags.insert(Flag::kAfterExpiry);
  const sql::StatementFacts facts = sql::FactsOf(sent.text);
  if (!facts.problem.empty() || !sent.whole || !sent.plain_reading) flags.insert(Flag::kUnparsable);
  AddFacts(facts, rules, flags);
  return flags;
}

}  // namespace yellow::access
