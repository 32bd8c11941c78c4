#include "plan/finding.h"

namespace yellow::plan {

std::string Administrator::Remedy(const std::string& sql) const {
  if (psql.empty()) return "as an administrator of the server: " + sql;
  std::string quoted;
  for (const char letter : sql) quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return psql + " -c '" + quoted + "'";
}

}  // namespace yellow::plan
