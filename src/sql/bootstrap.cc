#include "sql/bootstrap.h"

#include "base/check.h"
#include "base/digest.h"
#include "sql/roles.sql.h"
#include "sql/roles_op.sql.h"
#include "sql/statement.h"
#include "sql/superuser.sql.h"

namespace yellow::sql {
namespace {

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

void ReplaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

constexpr size_t kMarkDigits = 16;

/// The script as it is written, with its parts.
std::string Script() {
  std::string text(kRolesSql);
  ReplaceAll(text, "{yellow_op}", std::string(kRolesOpSql));
  return text;
}

std::string Mark() { return base::Sha256Hex(Script()).substr(0, kMarkDigits); }

}  // namespace

std::string BootstrapMark() { return "yellow: " + Mark(); }

std::string BootstrapSql(const std::string& prefix, const std::string& database, const std::string& owner) {
  YELLOW_CHECK(IsPlainName(prefix));
  std::string text = Script();
  ReplaceAll(text, "{mark}", Mark());
  ReplaceAll(text, "{prefix}", prefix);
  ReplaceAll(text, "DATABASE {database}", "DATABASE " + Identifier::Quote(database).text());
  // It stands inside string literals.
  std::string in_literal = owner;
  ReplaceAll(in_literal, "'", "''");
  ReplaceAll(text, "{owner}", in_literal);
  return text;
}

std::string SuperuserSql(const std::string& prefix) {
  YELLOW_CHECK(IsPlainName(prefix));
  std::string text(kSuperuserSql);
  ReplaceAll(text, "{prefix}", prefix);
  return text;
}

}  // namespace yellow::sql
