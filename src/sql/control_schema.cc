#include "sql/control_schema.h"

#include <array>

#include "base/check.h"
#include "sql/control_schema.sql.h"
#include "sql/control_schema_2.sql.h"
#include "sql/control_schema_3.sql.h"
#include "sql/control_schema_4.sql.h"
#include "sql/control_schema_5.sql.h"
#include "sql/control_schema_6.sql.h"
#include "sql/control_schema_7.sql.h"
#include "sql/control_schema_8.sql.h"
#include "sql/control_schema_8_evidence.sql.h"

namespace yellow::sql {

std::vector<std::string_view> ControlSchemaScripts(int from) {
  // The last version's are two: it has more than one file should.
  static constexpr std::array<std::string_view, kControlSchemaVersion + 1> kScripts{
      kControlSchemaSql,  kControlSchema2Sql, kControlSchema3Sql, kControlSchema4Sql,        kControlSchema5Sql,
      kControlSchema6Sql, kControlSchema7Sql, kControlSchema8Sql, kControlSchema8EvidenceSql};
  YELLOW_CHECK(from >= 0 && from <= kControlSchemaVersion);
  if (from == kControlSchemaVersion) return {};
  return {kScripts.begin() + from, kScripts.end()};
}

}  // namespace yellow::sql
