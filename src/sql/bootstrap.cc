#include "sql/bootstrap.h"

#include "base/check.h"
#include "sql/roles.sql.h"

namespace yellow::sql {
namespace {

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

void ReplaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

std::string BootstrapSql(const std::string& prefix, const std::string& database) {
  YELLOW_CHECK(IsPlainName(prefix) && IsPlainName(database));
  std::string text(kRolesSql);
  ReplaceAll(text, "{prefix}", prefix);
  ReplaceAll(text, "{database}", database);
  return text;
}

}  // namespace yellow::sql
