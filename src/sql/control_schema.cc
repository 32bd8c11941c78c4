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

namespace yellow::sql {

std::vector<std::string_view> ControlSchemaScripts(int from) {
  static constexpr std::array<std::string_view, kControlSchemaVersion> kScripts{
      kControlSchemaSql,  kControlSchema2Sql, kControlSchema3Sql, kControlSchema4Sql,
      kControlSchema5Sql, kControlSchema6Sql, kControlSchema7Sql, kControlSchema8Sql};
  YELLOW_CHECK(from >= 0 && from <= kControlSchemaVersion);
  return {kScripts.begin() + from, kScripts.end()};
}

}  // namespace yellow::sql
