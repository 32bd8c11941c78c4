#include "base/check.h"
#include "base/csv.h"
#include "input.h"

using namespace yellow;

/// What was read is written and read again as the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = base::ParseCsv(fuzz::Text(data, size));
  const auto* table = std::get_if<base::CsvTable>(&parsed);
  if (table == nullptr) return 0;
  std::string written = base::CsvLine({table->columns.begin(), table->columns.end()});
  for (const base::CsvRow& row : table->rows) written += base::CsvLine(row.values);
  const auto again = base::ParseCsv(written);
  YELLOW_CHECK(std::holds_alternative<base::CsvTable>(again));
  const auto& same = std::get<base::CsvTable>(again);
  YELLOW_CHECK(same.columns == table->columns && same.rows.size() == table->rows.size());
  for (size_t i = 0; i < same.rows.size(); ++i) YELLOW_CHECK(same.rows[i].values == table->rows[i].values);
  return 0;
}
